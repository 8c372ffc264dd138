"""The getting-started page: a key, snippets with it, and the first request."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts import keys, snippets, wiring
from accounts.models import ApiKey, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import members
from analytics.events import EventStatus
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_key_pages import confirm, logged_in
from tests.analytics.facts import cache_hit, keep, paid_answer

PAGE, FRAGMENT, SEND = "/getting-started", "/getting-started/first-request", "/getting-started/send"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(ada):
    return logged_in(ada.user)


def test_a_key_made_here_stands_in_every_snippet_once(browser, ada):
    confirm(browser)

    made = browser.post(PAGE)
    first, second = text_of(browser.get(PAGE)), text_of(browser.get(PAGE))

    assert (made.status_code, made.url) == (302, PAGE)
    found = re.findall(keys.PATTERN, first)
    assert len(set(found)) == 1
    assert len(found) == len(snippets.ALL) + 1
    assert wiring.key_directory().resolve(found[0]).scopes == {Scope.INFER}
    assert not re.search(keys.PATTERN, second)
    assert "$ACRON_API_KEY" in second
    assert "os.environ[&quot;ACRON_API_KEY&quot;]" in second


def test_the_key_of_a_sign_up_waits_here(browser, ada):
    session = browser.session
    session["flash:issued_key"] = ada.api_key
    session.save()

    assert ada.api_key in text_of(browser.get(PAGE))
    assert ada.api_key not in text_of(browser.get(PAGE))


def test_a_look_ahead_at_the_page_does_not_use_the_key_up(browser, ada):
    session = browser.session
    session["flash:issued_key"] = ada.api_key
    session.save()

    browser.head(PAGE)

    assert ada.api_key in text_of(browser.get(PAGE))


def test_a_key_is_made_only_after_the_password_was_asked_for_again(browser, ada):
    response = browser.post(PAGE)

    assert (response.status_code, response.url.partition("?")[0]) == (302, "/reauthenticate")
    assert ApiKey.objects.for_organization(ada.organization.pk).count() == 1


def test_the_address_is_the_one_that_was_called(browser, settings):
    settings.ALLOWED_HOSTS = ["acron.example.com"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    plain = text_of(browser.get(PAGE, headers={"host": "acron.example.com:8000"}))
    proxied = text_of(browser.get(PAGE, headers={"host": "acron.example.com", "x-forwarded-proto": "https"}))

    assert "curl http://acron.example.com:8000/v1/chat/completions" in plain
    assert "curl https://acron.example.com/v1/chat/completions" in proxied


def test_without_a_proxy_the_callers_word_for_https_does_not_count(browser):
    page = text_of(browser.get(PAGE, headers={"x-forwarded-proto": "https"}))

    assert "curl http://testserver/v1/chat/completions" in page


def test_a_viewer_is_told_whom_to_ask_for_a_key(ada):
    viewer = colleague(ada, Role.VIEWER)

    page = text_of(viewer.get(PAGE))

    assert "Ask an owner or admin" in page
    assert "Send one from the browser" not in page
    assert [viewer.post(PAGE).status_code, viewer.post(SEND).status_code] == [403, 403]


def test_an_organization_that_has_all_its_keys_is_told_so(browser, ada):
    confirm(browser)
    ApiKey.objects.for_organization(ada.organization.pk).bulk_create(
        ApiKey(organization=ada.organization, name="x", prefix=f"{n:08}", digest=b"", pepper_id=1, scopes=["infer"])
        for n in range(500)
    )

    response = browser.post(PAGE)

    assert response.status_code == 409
    assert "500 keys at most" in text_of(response)


# the first request


def test_until_a_request_arrives_the_fragment_asks_again(browser):
    fragment = text_of(browser.get(FRAGMENT, headers=HTMX))

    assert fragment.lstrip().startswith('<div id="first-request"')
    assert "every 4s" in fragment
    assert "No request has arrived yet" in fragment


def test_an_answered_request_is_shown_with_what_it_cost_and_the_asking_stops(browser, ada):
    keep(paid_answer(ada.organization.pk, saved_usd=Decimal("0.001")))

    fragment = text_of(browser.get(FRAGMENT, headers=HTMX))

    assert "every 4s" not in fragment
    for words in ("Request received", "mock-large (mock)", "the provider", "$0.0025", "$0.0010", "200 ok"):
        assert words in fragment


def test_a_hit_says_which_tier_answered(browser, ada):
    keep(cache_hit(ada.organization.pk))

    fragment = text_of(browser.get(FRAGMENT, headers=HTMX))

    assert "the cache, tier 1" in fragment
    assert "$0.00" in fragment


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": EventStatus.ERROR, "http_status": 502, "error_code": "upstream_error"}, "The provider refused"),
        ({"status": EventStatus.ERROR, "http_status": 400, "error_code": "new_code"}, "400 new_code"),
        ({"status": EventStatus.CLIENT_GONE, "http_status": 0}, "hung up before the answer was complete"),
        ({"status": EventStatus.INTERRUPTED, "http_status": 0}, "stopped while it answered"),
        ({"status": EventStatus.STARTED, "http_status": 0, "cost_usd": None}, "is being answered"),
    ],
)
def test_a_request_that_has_not_worked_is_explained_and_the_asking_goes_on(browser, ada, changes, words):
    keep(paid_answer(ada.organization.pk, **changes))

    fragment = text_of(browser.get(FRAGMENT, headers=HTMX))

    assert words in fragment
    assert "every 4s" in fragment


def test_the_newest_request_counts(browser, ada):
    earlier = datetime.now(UTC) - timedelta(minutes=1)
    keep(
        paid_answer(ada.organization.pk, occurred_at=earlier, status=EventStatus.ERROR, http_status=502),
        paid_answer(ada.organization.pk, model="mock-small"),
    )

    assert "mock-small" in text_of(browser.get(FRAGMENT, headers=HTMX))


def test_a_rivals_request_is_not_ours(browser, mallory):
    keep(paid_answer(mallory.organization.pk))

    assert "No request has arrived yet" in text_of(browser.get(FRAGMENT, headers=HTMX))


def test_without_scripts_the_fragment_is_a_page(browser, ada):
    keep(paid_answer(ada.organization.pk))

    response = browser.get(FRAGMENT)

    assert "<main" in text_of(response)
    assert "Request received" in text_of(response)
    assert "HX-Request" in response.headers["Vary"]
    assert FRAGMENT in text_of(browser.get(PAGE))


def test_where_no_gateway_runs_sending_says_what_to_start(browser):
    fragment = browser.post(SEND, headers=HTMX)
    plain = browser.post(SEND, follow=True)

    assert "no gateway runs in this process" in text_of(fragment)
    assert plain.redirect_chain == [(FRAGMENT, 302)]
    assert "no gateway runs in this process" in text_of(plain)


# snippets


@pytest.mark.parametrize("snippet", snippets.ALL, ids=lambda snippet: snippet.name)
@pytest.mark.parametrize("api_key", [None, "ak_live_x"])
def test_a_snippet_leaves_nothing_to_fill_in(snippet, api_key):
    text = snippet.render("https://acron.example.com", api_key)

    assert "https://acron.example.com" in text
    assert (api_key or "ACRON_API_KEY") in text
    assert "{base_url}" not in text
    assert "{api_key}" not in text


def colleague(owner, role):
    user = User.objects.create_user("grace@example.com", PASSWORD)
    members.add(owner.actor, owner.organization, user, role)
    return logged_in(user)


def text_of(response):
    return response.content.decode()
