"""The pages of API keys, as a person in the browser meets them."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import keys, wiring
from accounts.models import ApiKey, KeyMode, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members
from tests.accounts.conftest import PASSWORD

BACKEND = "django.contrib.auth.backends.ModelBackend"
FORM = {"name": "Checkout", "scopes": ["infer"], "mode": "live", "expires_in_days": "90"}


@pytest.fixture
def browser(ada):
    return logged_in(ada.user)


@pytest.fixture
def confirmed(browser):
    return confirm(browser)


def test_a_new_key_is_shown_once_on_the_list(confirmed, ada):
    made = confirmed.post("/keys/new", FORM)
    first, second = confirmed.get("/keys"), confirmed.get("/keys")

    assert (made.status_code, made.url) == (302, "/keys")
    (text,) = set(re.findall(keys.PATTERN, first.content.decode()))
    assert wiring.key_directory().resolve(text).scopes == {Scope.INFER}
    assert text not in second.content.decode()
    assert "no-store" in first.headers["Cache-Control"]


def test_the_form_makes_the_key_that_was_asked_for(confirmed, ada):
    confirmed.post(
        "/keys/new",
        FORM
        | {
            "scopes": ["infer", "analytics"],
            "mode": "test",
            "allowed_networks": "203.0.113.0/24\r\n198.51.100.7",
            "allowed_models": "mock-small, mock-large",
            "requests_per_minute": "60",
            "monthly_budget_usd": "2.5",
        },
    )

    key = newest(ada)
    assert (key.name, key.mode, key.scopes, key.created_by) == ("Checkout", "test", ["analytics", "infer"], ada.user)
    assert key.allowed_networks == ["203.0.113.0/24", "198.51.100.7/32"]
    assert key.allowed_models == ["mock-large", "mock-small"]
    assert (key.requests_per_minute, key.tokens_per_minute, str(key.monthly_budget_usd)) == (60, None, "2.5000")
    assert key.expires_at - timezone.now() == pytest.approx(timedelta(days=90), abs=timedelta(minutes=1))


def test_a_key_may_live_for_ever(confirmed, ada):
    confirmed.post("/keys/new", FORM | {"expires_in_days": "0"})

    key = newest(ada)
    assert (key.name, key.expires_at) == ("Checkout", None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["root"]}, "Select a valid choice"),
        ({"expires_in_days": "x"}, "Select a valid choice"),
        ({"allowed_networks": "203.0.113.7/24"}, "write 203.0.113.0/24 for the network"),
        ({"allowed_models": "a*b"}, "is no model&#x27;s name"),
        ({"requests_per_minute": "0"}, "greater than or equal to 1"),
        ({"tokens_per_minute": "3000000000"}, "must be a whole number from 1 to"),
        ({"monthly_budget_usd": "0"}, "must be an amount above 0"),
    ],
)
def test_a_wrong_wish_is_named_in_the_form(confirmed, ada, change, words):
    response = confirmed.post("/keys/new", FORM | change)

    assert response.status_code == 400
    assert words in response.content.decode()
    assert ApiKey.objects.for_organization(ada.organization.pk).count() == 1


@pytest.mark.parametrize("path", ["/keys/new", "/keys/{key_id}/roll"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_key_is_made_only_after_the_password_was_asked_for_again(browser, ada, path, method):
    address = path.format(key_id=newest(ada).pk)

    response = getattr(browser, method)(address, FORM if method == "post" else None)

    assert (response.status_code, response.url.partition("?")[0]) == (302, "/reauthenticate")
    assert ApiKey.objects.for_organization(ada.organization.pk).count() == 1


def test_what_was_asked_for_is_done_after_the_password(browser, ada):
    asked = browser.post("/keys/new", FORM)

    done = browser.post(asked.url, {"password": PASSWORD, "next": "/keys/new"})

    assert (done.status_code, done.url) == (302, "/keys")
    assert newest(ada).name == "Checkout"
    assert re.search(keys.PATTERN, browser.get("/keys").content.decode())


def test_a_rolled_key_is_followed_by_a_new_one_that_is_shown_once(confirmed, ada):
    old = api_keys.create(ada.actor, "Checkout", scopes=[Scope.INFER]).key

    form = confirmed.get(f"/keys/{old.pk}/roll")
    done = confirmed.post(f"/keys/{old.pk}/roll", {"overlap": "3600"})

    assert "For one hour" in form.content.decode()
    assert (done.status_code, done.url) == (302, "/keys")
    assert re.search(keys.PATTERN, confirmed.get("/keys").content.decode())
    assert ends_at(old) - timezone.now() == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=1))
    again = confirmed.post(f"/keys/{old.pk}/roll", {"overlap": "3600"})
    assert (again.status_code, "rolled already" in again.content.decode()) == (409, True)


def test_an_overlap_of_nothing_ends_the_old_key_at_once(confirmed, ada):
    old = newest(ada)

    confirmed.post(f"/keys/{old.pk}/roll", {"overlap": "0"})

    assert ends_at(old) <= timezone.now()


@pytest.mark.parametrize("overlap", ["-5", "", "x", "1"])
def test_a_wrong_overlap_makes_no_key(confirmed, ada, overlap):
    key = newest(ada)

    response = confirmed.post(f"/keys/{key.pk}/roll", {"overlap": overlap})

    assert response.status_code == 400
    assert newest(ada) == key


def test_a_key_is_revoked_after_a_page_that_asks(browser, ada):
    key = api_keys.create(ada.actor, "Checkout", scopes=[Scope.INFER]).key

    asked = browser.get(f"/keys/{key.pk}/revoke")
    assert "cannot be undone" in asked.content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None

    done = browser.post(f"/keys/{key.pk}/revoke")
    key.refresh_from_db()
    assert (done.status_code, done.url) == (302, "/keys")
    assert key.revoked_at


def test_the_list_shows_what_works_and_all_on_request(browser, ada):
    ended = api_keys.create(ada.actor, "Ended", scopes=[Scope.INFER]).key
    api_keys.create(ada.actor, "Testing", scopes=[Scope.INFER], mode=KeyMode.TEST)
    api_keys.revoke(ada.actor, ended.pk)
    rows = ApiKey.objects.for_organization(ada.organization.pk)
    rows.filter(name="Sign-up").update(created_at=timezone.now() - timedelta(days=91))

    working, everything = browser.get("/keys").content.decode(), browser.get("/keys?show=all").content.decode()

    assert "Ended" not in working
    assert "Ended" in everything
    assert "Revoked" in everything
    assert "Unused for 90 days" in working
    assert ">Test</span>" in working
    assert "ak_(?:live|test)_" in working


def test_a_long_list_comes_in_parts(browser, ada):
    made = api_keys.create(ada.actor, "Key", scopes=[Scope.INFER]).key
    ApiKey.objects.for_organization(ada.organization.pk).bulk_create(
        ApiKey(organization=ada.organization, name=f"No {n}", prefix=f"{n:08}", digest=bytes(made.digest), pepper_id=1,
               scopes=["infer"])
        for n in range(120)
    )  # fmt: skip

    first = browser.get("/keys").content.decode()
    (after,) = re.findall(r"\?after=([0-9a-f-]+)", first)
    second = browser.get(f"/keys?after={after}").content.decode()

    assert first.count("/revoke") == 100
    assert second.count("/revoke") == 22
    assert [browser.get(f"/keys?after={wrong}").status_code for wrong in ("x", ada.user.pk)] == [404, 404]


def test_a_member_sees_own_keys_and_is_offered_no_scope_beyond_the_role(ada):
    user = User.objects.create_user("grace@example.com", PASSWORD)
    members.add(ada.actor, ada.organization, user, Role.MEMBER)
    browser = confirm(logged_in(user))
    adas = newest(ada)

    form, listed = browser.get("/keys/new").content.decode(), browser.get("/keys").content.decode()

    assert 'value="infer"' in form
    assert 'value="admin"' not in form
    assert "No API keys yet" in listed
    assert browser.post("/keys/new", FORM | {"scopes": ["admin"]}).status_code == 400
    assert [browser.get(f"/keys/{adas.pk}/{act}").status_code for act in ("roll", "revoke")] == [404, 404]
    assert browser.post(f"/keys/{adas.pk}/revoke").status_code == 404
    adas.refresh_from_db()
    assert adas.revoked_at is None


def logged_in(user):
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return browser


def confirm(browser):
    """Gives the password again."""
    response = browser.post("/reauthenticate", {"password": PASSWORD})
    assert response.status_code == 302
    return browser


def newest(owner):
    return ApiKey.objects.for_organization(owner.organization.pk).order_by("-created_at", "-id").first()


def ends_at(key):
    key.refresh_from_db()
    return key.expires_at
