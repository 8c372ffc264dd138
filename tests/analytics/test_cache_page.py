"""The cache's figures as a fragment that other pages fetch, and as a page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from analytics import cache_words
from analytics.events import EventKind
from inference.keeping import CacheReason
from tests.accounts.conftest import signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
PATH = "/cache/performance"


@pytest.fixture
def ada():
    return signed_up("Ada")


@pytest.fixture
def browser(ada):
    client = Client()
    client.force_login(ada.user, backend=BACKEND)
    return client


def test_the_figures_say_hits_savings_own_cost_and_why_not(browser, ada):
    organization_id = ada.organization.pk
    keep(
        *(cache_hit(organization_id, saved_usd=Decimal("1.50")) for _ in range(3)),
        paid_answer(organization_id, cache_reason="tool-call"),
        paid_answer(organization_id, cache_status="BYPASS", cache_reason="sampled"),
        paid_answer(organization_id, kind=EventKind.OVERHEAD, cost_usd=Decimal("0.50")),
    )

    page = browser.get(PATH).content.decode()

    assert "<dd>75.0\xa0%</dd>" in page
    assert "3 of 4 look-ups" in page
    assert "<dd>$4.00</dd>" in page
    assert "$4.50 of calls not made" in page
    assert "<dd>$0.50</dd>" in page
    assert "Why 1 request was no look-up" in page
    assert "The caller asked for variety" in page
    assert "The answer calls a tool" in page


def test_htmx_gets_the_figures_alone_and_everybody_else_a_page(browser):
    fragment = browser.get(PATH, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in fragment
    assert fragment.count('id="cache-performance"') == 1
    assert "<html" in browser.get(PATH).content.decode()


def test_the_span_of_time_is_chosen_in_the_address(browser, ada):
    keep(cache_hit(ada.organization.pk, occurred_at=datetime.now(UTC) - timedelta(days=3)))

    def eligible(days: str) -> int:
        return int(browser.get(PATH, {"days": days}).context["performance"].eligible)

    assert [eligible(days) for days in ("1", "7", "no number")] == [0, 1, 1]


def test_a_rival_sees_their_own_figures(ada):
    keep(cache_hit(ada.organization.pk))
    mallorys = Client()
    mallorys.force_login(signed_up("Mallory").user, backend=BACKEND)

    assert "No request in this time" in mallorys.get(PATH).content.decode()


def test_every_reason_of_the_gateway_has_words():
    counts = {reason.value: 1 for reason in CacheReason}

    wordless = [each.words for each in cache_words.reasons(counts) if each.words in counts]

    assert wordless == []
    assert cache_words.reasons({"of-another-version": 1})[0].words == "of-another-version"
