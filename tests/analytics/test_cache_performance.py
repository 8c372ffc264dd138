"""The hit rate counts look-ups alone, and every other request is counted under its reason."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from acron_site.lib.ids import uuid7
from analytics import cache_performance
from analytics.cache_performance import CachePerformance, TierPerformance
from analytics.events import EventKind, EventStatus
from tests.accounts.conftest import signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db

PATH = "/analytics/cache-performance"


def today(organization_id: UUID) -> CachePerformance:
    now = datetime.now(UTC)
    return cache_performance.of(organization_id, now - timedelta(days=1), now + timedelta(minutes=1))


def test_without_requests_there_is_nothing_to_rate():
    found = today(uuid7())

    assert (found.requests, found.eligible, found.hits, found.hit_rate) == (0, 0, 0, 0.0)
    assert found.avoided_usd == found.overhead_usd == 0
    assert found.not_asked == found.not_kept == {}


def test_hits_are_rated_against_look_ups():
    ada = uuid7()
    keep(
        cache_hit(ada),
        cache_hit(ada, cache_tier=2, cache_status="HIT-T2", saved_usd=Decimal("0.5")),
        cache_hit(ada, cache_status="COALESCED"),
        paid_answer(ada),
        paid_answer(ada, cache_reason="tool-call"),
        paid_answer(ada, cache_status="BYPASS", cache_reason="sampled"),
        paid_answer(ada, cache_status="BYPASS", cache_reason="sampled"),
        paid_answer(ada, cache_status="BYPASS", cache_reason="no-store"),
        paid_answer(ada, cache_status="BYPASS"),  # from before there were reasons
        paid_answer(ada, cache_reason="store-down"),
    )

    found = today(ada)

    assert (found.requests, found.eligible, found.hits, found.shared) == (10, 5, 3, 1)
    assert found.hit_rate == 0.6
    assert found.tiers == {
        1: TierPerformance(2, Decimal("0.005")),
        2: TierPerformance(1, Decimal("0.5")),
        3: TierPerformance(0, Decimal(0)),
    }
    assert found.not_asked == {"sampled": 2, "no-store": 1, "store-down": 1, "unknown": 1}
    assert found.not_kept == {"tool-call": 1}
    assert found.requests == found.eligible + sum(found.not_asked.values())


def test_second_attempts_and_calls_of_our_own_are_no_requests():
    ada = uuid7()
    keep(
        paid_answer(ada, status=EventStatus.ERROR),
        paid_answer(ada, attempt=2, cache_reason="fallback"),
        paid_answer(ada, kind=EventKind.OVERHEAD, cache_status="BYPASS", cost_usd=Decimal("0.001")),
        paid_answer(ada, kind=EventKind.SIDE),
        cache_hit(ada, cache_status="COALESCED", status=EventStatus.ERROR, saved_usd=None),
    )

    found = today(ada)

    assert (found.requests, found.eligible, found.hits, found.shared) == (2, 2, 0, 0)
    assert found.not_kept == {"fallback": 1}
    assert found.overhead_usd == Decimal("0.001")


def test_only_the_span_and_only_ones_own_count():
    ada, mallory, now = uuid7(), uuid7(), datetime.now(UTC)
    keep(cache_hit(ada, occurred_at=now - timedelta(days=2)), cache_hit(ada), cache_hit(mallory))

    assert today(ada).hits == 1


def test_the_address_tells_it(client):
    ada = signed_up("Ada")
    keep(cache_hit(ada.organization.pk), paid_answer(ada.organization.pk, cache_reason="too-large"))

    answered = client.get(PATH, headers={"x-api-key": ada.api_key}).json()

    assert (answered["requests"], answered["eligible"], answered["hits"], answered["hit_rate"]) == (2, 2, 1, 0.5)
    assert answered["tiers"]["1"] == {"hits": 1, "avoided_cost": "0.0025"}
    assert answered["not_kept"] == {"too-large": 1}
    assert answered["avoided_cost"] == "0.0025"
    span = datetime.fromisoformat(answered["until"]) - datetime.fromisoformat(answered["since"])
    assert span == timedelta(days=30)


def test_the_span_may_be_chosen(client):
    ada = signed_up("Ada")
    keep(cache_hit(ada.organization.pk, occurred_at=datetime(2026, 11, 12, 12, tzinfo=UTC)))

    hits = [
        client.get(PATH, {"since": since, "until": until}, headers={"x-api-key": ada.api_key}).json()["hits"]
        for since, until in (
            ("2026-11-12T12:00:00Z", "2026-11-12T12:00:01Z"),
            ("2026-11-12T14:00:00+02:00", "2026-11-13"),
            ("2026-11-12", "2026-11-12T12:00:00"),
        )
    ]

    assert hits == [1, 1, 0]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-13-01"}, "until"),
        ({"since": "2026-11-12", "until": "2026-11-12"}, "since"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until"),
    ],
)
def test_a_span_that_is_none_is_refused(client, query, param):
    ada = signed_up("Ada")

    refused = client.get(PATH, query, headers={"x-api-key": ada.api_key})

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_a_span_at_the_beginning_of_time_is_empty(client):
    ada = signed_up("Ada")

    answered = client.get(PATH, {"until": "0001-01-02"}, headers={"x-api-key": ada.api_key})

    assert answered.status_code == 200
