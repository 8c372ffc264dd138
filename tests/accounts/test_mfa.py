"""Second factors: setting them up, logging in with them, and what of them is kept."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client

from accounts import wiring
from accounts.actor import Origin
from accounts.encryption import AesCipher, EncryptionKey
from accounts.models import AuditEvent
from accounts.services import email_addresses
from accounts.sign_in import second_factor
from tests.accounts.conftest import PASSWORD
from tests.accounts.mailbox import emails_to
from tests.accounts.passkeys import SoftPasskey

SECURITY = "/profile/security"


@pytest.fixture
def ada(ada):
    email_addresses.confirm(email_addresses.keep(ada.user), origin=Origin())
    return ada


@pytest.fixture
def browser(ada):
    """Ada's, logged in, and asked for the password just now."""
    made = Client(SERVER_NAME="localhost")
    log_in(made)
    made.post(f"/reauthenticate?next={SECURITY}", {"password": PASSWORD})
    return made


def log_in(client):
    return client.post("/login", {"login": "ada@example.com", "password": PASSWORD})


def is_logged_in(client):
    return "_auth_user_id" in client.session


def code_of(secret, *, step=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def with_app(browser):
    """Sets up an authenticator app and returns its secret."""
    page = browser.get(f"{SECURITY}/app/add")
    secret = page.context["form"].secret
    done = browser.post(f"{SECURITY}/app/add", {"code": code_of(secret)})
    assert done.url == f"{SECURITY}/recovery-codes"
    return secret


def with_passkey(browser):
    page = browser.get(f"{SECURITY}/passkeys/add")
    passkey = SoftPasskey()
    credential = passkey.register(plain(page.context["js_data"]["creation_options"]))
    done = browser.post(f"{SECURITY}/passkeys/add", {"name": "Laptop", "passwordless": "on", "credential": credential})
    assert done.status_code == 302, done.context["form"].errors
    return passkey


def plain(options):
    """As the page's script reads them."""
    return json.loads(json.dumps(options, cls=DjangoJSONEncoder))


def subjects():
    return [message.subject for message in emails_to("ada@example.com")]


def acts(person):
    events = AuditEvent.objects.for_organization(person.organization.pk)
    return [
        event.action for event in events.order_by("sequence") if "factor" in event.action or "codes" in event.action
    ]


def methods(person):
    """How somebody logged in, first to last."""
    events = AuditEvent.objects.for_organization(person.organization.pk).filter(action="user.logged_in")
    return [event.after["method"] for event in events.order_by("sequence")]


@pytest.mark.parametrize("page", ["app/add", "recovery-codes", "recovery-codes/new", "passkeys/add"])
def test_sensitive_pages_ask_who_you_are(client, ada, page):
    with_app_ = Client()
    log_in(with_app_)
    with_app_.post(f"/reauthenticate?next={SECURITY}", {"password": PASSWORD})
    if page != "app/add":
        with_app(with_app_)
    client.force_login(ada.user)

    response = client.get(f"{SECURITY}/{page}")

    assert (response.status_code, response.url.partition("?")[0]) == (302, "/reauthenticate")


def test_a_wrong_password_does_not_open_them(client, ada):
    log_in(client)

    wrong = client.post(f"/reauthenticate?next={SECURITY}/app/add", {"password": "wrong"})

    assert b"This is not your password" in wrong.content
    assert client.get(f"{SECURITY}/app/add").status_code == 302


def test_with_an_authenticator_app_a_password_is_not_enough(browser, client, ada, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        secret = with_app(browser)

    asked = log_in(client)
    was_logged_in = is_logged_in(client)
    wrong = client.post("/login/code", {"code": "000000"})
    right = client.post("/login/code", {"code": code_of(secret)})

    assert (asked.url, was_logged_in) == ("/login/code", False)
    assert b"This code is wrong" in wrong.content
    assert (right.url, is_logged_in(client)) == ("/getting-started", True)
    assert acts(ada) == ["user.second_factor_added"] * 2 + ["user.second_factor_failed"]
    assert methods(ada)[-1] == "password+totp"


def test_a_code_opens_one_session_only(browser, ada):
    secret, code = with_app(browser), None
    opened = []
    for _ in range(2):
        client = Client()
        log_in(client)
        code = code or code_of(secret, step=1)
        client.post("/login/code", {"code": code})
        opened.append(is_logged_in(client))

    assert opened == [True, False]


def test_a_recovery_code_lets_in_once(browser, ada):
    with_app(browser)
    code = browser.get(f"{SECURITY}/recovery-codes").context["unused_codes"][0]
    opened = []
    for _ in range(2):
        client = Client()
        log_in(client)
        client.post("/login/code", {"code": code})
        opened.append(is_logged_in(client))

    assert opened == [True, False]
    assert code not in browser.get(f"{SECURITY}/recovery-codes/download").content.decode()


def test_codes_cannot_be_tried_without_end(browser, client, ada):
    secret = with_app(browser)
    log_in(client)
    for number in range(5):
        client.post("/login/code", {"code": f"{number:06}"})

    response = client.post("/login/code", {"code": code_of(secret)})

    assert b"Too many failed tries" in response.content
    assert not is_logged_in(client)


def test_new_recovery_codes_void_the_earlier_ones(browser, ada, django_capture_on_commit_callbacks, mailoutbox):
    with_app(browser)
    before = browser.get(f"{SECURITY}/recovery-codes").context["unused_codes"]
    with django_capture_on_commit_callbacks(execute=True):
        done = browser.post(f"{SECURITY}/recovery-codes/new")
    after = browser.get(f"{SECURITY}/recovery-codes").context["unused_codes"]

    assert done.url == f"{SECURITY}/recovery-codes"
    assert len(after) == 10
    assert set(before).isdisjoint(after)
    assert "user.recovery_codes_generated" in acts(ada)
    assert mailoutbox[-1].subject == "New recovery codes"


def test_without_the_app_the_password_is_enough_again(browser, client, ada):
    with_app(browser)

    asked = browser.get(f"{SECURITY}/app/remove")
    done = browser.post(f"{SECURITY}/app/remove")
    log_in(client)

    assert (asked.status_code, done.url) == (200, SECURITY)
    assert is_logged_in(client)
    assert Authenticator.objects.count() == 0
    assert acts(ada) == ["user.second_factor_removed"] * 2
    assert "An authenticator app was removed" in subjects()


def test_programs_send_the_code_with_the_password(browser, client, ada):
    secret = with_app(browser)

    def api(**fields):
        body = {"email": "ada@example.com", "password": PASSWORD, **fields}
        return client.post("/auth/login", body, content_type="application/json")

    missing, wrong, wrong_password = api(), api(code="000000"), api(password="wrong", code=code_of(secret))
    right = api(code=code_of(secret, step=1))

    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "mfa_required")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (401, "code")
    assert wrong_password.json()["error"]["code"] == "invalid_api_key"
    assert (right.status_code, set(right.json())) == (200, {"api_key", "user_id", "org_id"})


def test_programs_may_send_a_recovery_code(browser, client, ada):
    with_app(browser)
    code = browser.get(f"{SECURITY}/recovery-codes").context["unused_codes"][0]
    body = {"email": "ada@example.com", "password": PASSWORD, "code": code}

    statuses = [client.post("/auth/login", body, content_type="application/json").status_code for _ in range(2)]

    assert statuses == [200, 401]


def test_wrong_codes_count_as_failed_log_ins(browser, client, ada):
    with_app(browser)
    body = {"email": "ada@example.com", "password": PASSWORD, "code": "000000"}

    statuses = [client.post("/auth/login", body, content_type="application/json").status_code for _ in range(11)]

    assert statuses == [401] * 10 + [429]


def test_a_passkey_logs_in_without_a_password(browser, ada):
    passkey = with_passkey(browser)
    client = Client(SERVER_NAME="localhost")

    options = client.get("/login/passkey", headers={"accept": "application/json"}).json()["request_options"]
    response = client.post("/login/passkey", {"credential": passkey.prove(options)})

    assert response.headers["location"] == "/getting-started"
    assert is_logged_in(client)
    assert methods(ada)[-1] == "webauthn"


def test_a_passkey_is_the_second_factor_after_a_password(browser, ada):
    passkey = with_passkey(browser)
    client = Client(SERVER_NAME="localhost")

    asked = log_in(client)
    options = plain(client.get("/login/code").context["js_data"]["request_options"])
    client.post("/login/code", {"credential": passkey.prove(options)})

    assert asked.url == "/login/code"
    assert is_logged_in(client)


def test_a_passkey_proves_who_you_are_again(browser, ada):
    passkey = with_passkey(browser)
    client = Client(SERVER_NAME="localhost")
    client.force_login(ada.user)

    page = client.get(f"/reauthenticate/passkey?next={SECURITY}/recovery-codes")
    credential = passkey.prove(plain(page.context["js_data"]["request_options"]))
    client.post(f"/reauthenticate/passkey?next={SECURITY}/recovery-codes", {"credential": credential})

    assert client.get(f"{SECURITY}/recovery-codes").status_code == 200


def test_a_passkey_of_another_key_pair_is_refused(browser, ada):
    passkey = with_passkey(browser)
    forged = SoftPasskey(passkey.identity)
    forged.user_handle = passkey.user_handle
    client = Client(SERVER_NAME="localhost")
    options = client.get("/login/passkey").json()["request_options"]

    response = client.post("/login/passkey", {"credential": forged.prove(options)})

    assert response.headers["location"] == "/login"
    assert not is_logged_in(client)


def test_passkeys_are_renamed_and_removed(browser, ada):
    with_passkey(browser)
    key = Authenticator.objects.get(type="webauthn")

    browser.post(f"{SECURITY}/passkeys/{key.pk}/rename", {"name": "Desk"})
    listed = browser.get(f"{SECURITY}/passkeys").content
    asked = browser.get(f"{SECURITY}/passkeys/{key.pk}/remove")
    removed = browser.post(f"{SECURITY}/passkeys/{key.pk}/remove")

    assert b"Desk" in listed
    assert (asked.status_code, removed.headers["location"]) == (200, f"{SECURITY}/passkeys")
    assert Authenticator.objects.count() == 0


@pytest.mark.parametrize("what", ["rename", "remove"])
def test_nobody_touches_the_passkey_of_somebody_else(browser, ada, mallory, what):
    with_passkey(browser)
    key = Authenticator.objects.get(type="webauthn")
    client = Client()
    client.post("/login", {"login": "mallory@example.com", "password": PASSWORD})
    client.post(f"/reauthenticate?next={SECURITY}", {"password": PASSWORD})

    assert client.post(f"{SECURITY}/passkeys/{key.pk}/{what}", {"name": "x"}).status_code == 404


GARBAGE = [
    "", "{", "null", "[]", "1", '"text"', "{}", '{"id": 1}', '{"response": null}', '{"response": {}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": null}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "_w"}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "attestationObject": "AA"}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA"}}',
    '{"id": 7, "rawId": [], "response": {"clientDataJSON": 5, "attestationObject": {}}}',
    "[" * 15_000, '{"a": "\\u0000"}', "x" * 30_000,
]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/login/passkey", "/login/code", f"{SECURITY}/passkeys/add", "/reauthenticate/passkey"]
)
def test_a_credential_that_is_none_is_refused_not_broken(browser, ada, path):
    with_passkey(browser)
    client = browser
    if path.startswith("/login"):
        client = Client(SERVER_NAME="localhost")
        if path == "/login/code":
            log_in(client)
    client.get(path)

    def status(credential):
        cache.clear()  # the limit of tries is not what this is about
        return client.post(path, {"credential": credential}).status_code

    assert [credential for credential in GARBAGE if status(credential) not in (200, 302)] == []
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_secrets_are_sealed_at_rest_and_can_be_resealed(browser, ada):
    secret = with_app(browser)
    app, codes = Authenticator.objects.get(type="totp"), Authenticator.objects.get(type="recovery_codes")

    assert secret not in json.dumps(app.data)
    assert second_factor.unseal(app.data["secret"]) == secret
    assert second_factor.unseal(second_factor.reseal(codes.data["seed"])) == second_factor.unseal(codes.data["seed"])


def test_sealed_under_a_former_key_it_is_resealed_under_the_present_one(settings):
    former, present = EncryptionKey(b"1" * 32), EncryptionKey(b"2" * 32)
    wiring.cipher.cache_clear()
    try:
        settings.ENCRYPTION_KEY = former.secret.hex()
        sealed = second_factor.seal("secret")
        wiring.cipher.cache_clear()
        settings.ENCRYPTION_KEY = f"{present.secret.hex()},{former.secret.hex()}"
        resealed = second_factor.reseal(sealed)
        wiring.cipher.cache_clear()
        settings.ENCRYPTION_KEY = present.secret.hex()
        assert second_factor.unseal(resealed) == "secret"
        assert isinstance(wiring.cipher(), AesCipher)
    finally:
        wiring.cipher.cache_clear()


def test_an_unproven_address_takes_no_second_factor_where_e_mails_leave(client, mallory, settings):
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False
    client.force_login(mallory.user)

    response = client.get(f"{SECURITY}/app/add", follow=True)

    assert b"Confirm your email address first" in response.content
