"""Accounts as programs and browsers meet them: over HTTP."""

import dataclasses

import pytest
from django.test import Client, RequestFactory

from accounts import keys, wiring
from accounts.api.views import LogOutView
from accounts.authentication import ApiKeyAuthentication
from accounts.directory import KeyDirectory
from accounts.models import ApiKey, Organization, User
from accounts.principal import Principal
from accounts.scopes import Scope
from accounts.services import people
from acron_site.lib.config import Governance, SettingsError
from tests.accounts.conftest import PASSWORD
from tests.accounts.kit import PEPPERS, FakeRecords


def post(client, path, body=None, **headers):
    return client.post(path, body or {}, content_type="application/json", headers=headers)


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def error_of(response):
    return response.json()["error"]


def test_signing_up_and_logging_in_answer_with_a_key(client, db):
    ada = {"email": "Ada@Example.com", "password": PASSWORD, "full_name": "Ada", "org_name": "Ada Ltd"}
    up = post(client, "/auth/signup", ada)
    into = post(client, "/auth/login", {"email": "ada@example.com", "password": PASSWORD})

    assert (up.status_code, into.status_code) == (201, 200)
    assert set(up.json()) == set(into.json()) == {"api_key", "user_id", "org_id"}
    assert up.json()["user_id"] == into.json()["user_id"]
    assert up.json()["org_id"] == into.json()["org_id"]
    assert up.json()["api_key"].startswith("ak_live_")


def test_names_may_be_left_out(client, db):
    up = post(client, "/auth/signup", {"email": "ada@example.com", "password": PASSWORD})

    assert up.status_code == 201
    assert Organization.objects.get().name == "ada's organization"


def test_a_long_name_makes_no_organization_that_the_database_refuses(client, db):
    up = post(client, "/auth/signup", {"email": "ada@example.com", "password": PASSWORD, "full_name": "x" * 200})

    assert up.status_code == 201


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "email"),
        ({"email": "ada@example.com"}, "password"),
        ({"email": "no address", "password": PASSWORD}, "email"),
        ({"email": ["a@example.com"], "password": PASSWORD}, "email"),
        ({"email": {"a": 1}, "password": PASSWORD}, "email"),
        ({"email": "a" * 300 + "@example.com", "password": PASSWORD}, "email"),
        ({"email": "ada@example.com", "password": None}, "password"),
        ({"email": "ada@example.com", "password": "x" * 2000}, "password"),
        ({"email": "ada@example.com", "password": "weak"}, "password"),
        ({"email": "ada@example.com", "password": PASSWORD, "org_name": "a\u0000b"}, "org_name"),
        ({"email": "ada@example.com", "password": PASSWORD, "full_name": "x" * 201}, "full_name"),
        ({"email": "ada@example.com", "password": PASSWORD, "full_name": 1e400}, None),
    ],
)
def test_bad_input_is_named(client, db, body, param):
    response = post(client, "/auth/signup", body)

    assert response.status_code == 400
    assert error_of(response)["param"] == param
    assert User.objects.count() == 0


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/login"])
@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', '{"email": "\\ud800"}', "{" * 5000])
def test_a_body_that_is_no_object_is_refused(client, db, path, body):
    response = client.post(path, body, content_type="application/json")

    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid_request_error"


def test_a_taken_email_is_a_conflict(client, ada):
    response = post(client, "/auth/signup", {"email": "ADA@example.com", "password": PASSWORD})

    assert response.status_code == 409
    assert error_of(response)["code"] == "conflict"


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_failed_log_in_does_not_tell_who_has_an_account(client, ada, email):
    response = post(client, "/auth/login", {"email": email, "password": "wrong"})

    assert response.status_code == 401
    assert error_of(response)["message"] == "the email or the password is wrong; check both, or reset the password"


def test_guesses_are_slowed_down_whatever_the_forwarded_address_says(client, ada):
    wrong = {"email": "ada@example.com", "password": "wrong"}
    statuses = [
        post(client, "/auth/login", wrong, **{"x-forwarded-for": f"10.0.0.{number}"}).status_code
        for number in range(11)
    ]

    assert statuses == [401] * 10 + [429]


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_logging_out_ends_the_key(client, ada, header):
    key = people.log_in("ada@example.com", PASSWORD).api_key
    own = {header: f"Bearer {key}" if header == "authorization" else key}

    assert post(client, "/auth/logout", **own).status_code == 204
    wiring.key_directory.cache_clear()  # as in another process, or here after the commit
    assert post(client, "/auth/logout", **own).status_code == 401


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "no API key came with the request"),
        ({"x-api-key": "sk-123"}, "no whole API key"),
        ({"authorization": "Bearer é"}, "no whole API key"),
        ({"authorization": "Basic QTpC"}, "no API key came with the request"),
    ],
)
def test_no_key_and_a_bad_key_are_refused_with_what_to_do(client, db, headers, words):
    response = post(client, "/auth/logout", **headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert error_of(response)["code"] == "invalid_api_key"
    assert words in error_of(response)["message"]


def test_a_method_that_does_not_exist_is_405(client, ada):
    assert client.get("/auth/login").status_code == 405
    assert client.get("/auth/logout", headers=bearer(ada.api_key)).status_code == 405


def test_a_browser_session_acts_with_the_role_of_its_person(ada):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada.user)
    token = "a" * 32
    browser.cookies["csrftoken"] = token

    forged = post(browser, "/auth/logout")
    meant = post(browser, "/auth/logout", **{"x-csrftoken": token})
    after = post(browser, "/auth/logout", **{"x-csrftoken": token})

    assert (forged.status_code, meant.status_code, after.status_code) == (403, 204, 401)


def test_calls_without_a_key_are_allowed_where_the_operator_says_so(client, ada, settings):
    governance = Governance(auth_api_key_required=False, anonymous_organization=str(ada.organization.pk))
    settings.ACRON = dataclasses.replace(settings.ACRON, governance=governance)

    assert post(client, "/auth/logout").status_code == 204
    assert post(client, "/auth/logout", **bearer("sk-bad")).status_code == 401
    anonymous = Principal(ada.organization.pk, frozenset({Scope.INFER, Scope.ANALYTICS}))
    assert wiring.key_directory().resolve_keyless() == anonymous


@pytest.mark.parametrize(
    "governance", [Governance(), Governance(auth_api_key_required=False), Governance(anonymous_organization="any")]
)
def test_otherwise_nobody_acts_without_a_key(client, db, settings, governance):
    settings.ACRON = dataclasses.replace(settings.ACRON, governance=governance)

    assert post(client, "/auth/logout").status_code == 401


def test_an_anonymous_organization_that_is_no_id_is_refused_at_start(settings):
    governance = Governance(auth_api_key_required=False, anonymous_organization="acme")

    with pytest.raises(SettingsError, match="ANONYMOUS_ORGANIZATION must be the id"):
        wiring.anonymous_principal(dataclasses.replace(settings.ACRON, governance=governance))


class WithoutDatabase(ApiKeyAuthentication):
    def directory(self):
        records = FakeRecords()
        records.is_away = True
        return KeyDirectory(records, PEPPERS)


def test_while_the_database_is_away_unknown_keys_are_asked_to_come_back():
    view = LogOutView.as_view(authentication_classes=[WithoutDatabase])
    request = RequestFactory().post("/auth/logout", headers={"x-api-key": keys.make("live")[0]})

    response = view(request)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"


def test_operators_see_no_secret(admin_client, ada):
    key = ApiKey.objects.for_organization(ada.organization.pk).get()
    pages = [
        admin_client.get(f"/admin/accounts/{path}").content.decode()
        for path in ("apikey/", f"apikey/{key.pk}/change/", "user/", f"user/{ada.user.pk}/change/", "membership/")
    ]

    for page in pages:
        assert ada.api_key[-38:] not in page
        assert bytes(key.digest).hex() not in page
        assert ada.user.password not in page
    assert "ada@example.com" in pages[2]
