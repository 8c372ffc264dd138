"""Signing up, in and out with a browser, and the emails that go with it."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts import flash
from accounts.actor import Origin
from accounts.models import ApiKey, Membership, Organization, User
from accounts.services import email_addresses, people
from acron_site import mailing
from acron_site.lib.errors import ConflictError
from tests.accounts.browsing import acts, is_logged_in, log_in, sign_up
from tests.accounts.conftest import PASSWORD
from tests.accounts.mailbox import emails_to, path_in


@pytest.fixture
def verification_is_required(settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def test_signing_up_makes_person_organization_and_key_and_logs_in(client, db):
    response = sign_up(client, "Ada@Example.com", full_name="Ada", organization_name="Ada Ltd")

    ada, organization = User.objects.get(), Organization.objects.get()
    key = ApiKey.objects.for_organization(organization.pk).get()
    assert (response.status_code, response.url) == (302, "/getting-started")
    assert (ada.email, ada.full_name, organization.name) == ("ada@example.com", "Ada", "Ada Ltd")
    assert Membership.objects.for_organization(organization.pk).get().role == "owner"
    assert client.session["flash:issued_key"].startswith(f"ak_live_{key.prefix}")
    assert is_logged_in(client)


def test_the_e_mail_of_a_sign_up_proves_the_address_by_a_post(client, db):
    sign_up(client)
    link = path_in(emails_to("ada@example.com")[-1], "/verify-email/")

    seen = client.get(link)
    before = email_addresses.is_verified(User.objects.get())
    confirmed = client.post(link)

    assert (seen.status_code, before) == (200, False)
    assert (confirmed.status_code, confirmed.url) == (302, "/getting-started")
    assert email_addresses.is_verified(User.objects.get())
    assert b"This link does not work" in client.get(link).content
    assert [each.subject for each in emails_to("ada@example.com")].count("Confirm your email address") == 1


def test_where_verification_is_required_nobody_is_logged_in_before_it(client, db, verification_is_required):
    up = sign_up(client)
    into = log_in(client)
    was_logged_in = is_logged_in(client)
    link = path_in(emails_to("ada@example.com")[1], "/verify-email/")
    confirmed = client.post(link)

    assert (up.url, into.url, was_logged_in) == ("/verify-email", "/verify-email", False)
    assert (confirmed.status_code, confirmed.url) == (302, "/getting-started")
    assert client.session["flash:issued_key"].startswith("ak_live_")


def test_another_browser_that_opens_the_link_is_not_logged_in(client, db, verification_is_required):
    sign_up(client)
    elsewhere = Client()

    confirmed = elsewhere.post(path_in(emails_to("ada@example.com")[1], "/verify-email/"))

    assert confirmed.headers["location"] == "/login"
    assert not is_logged_in(elsewhere)
    assert log_in(elsewhere).url == "/getting-started"


def test_the_key_of_a_sign_up_is_shown_to_nobody_else_in_the_same_browser(client, mallory, verification_is_required):
    email_addresses.confirm(email_addresses.keep(mallory.user), origin=Origin())
    sign_up(client, "grace@example.com")

    log_in(client, "mallory@example.com")

    assert is_logged_in(client)
    assert "flash:issued_key" not in client.session


def test_where_verification_is_required_a_taken_e_mail_is_told_to_its_owner_only(client, ada, verification_is_required):
    taken = sign_up(client)
    free = sign_up(Client(), "grace@example.com")

    assert (taken.status_code, taken.url) == (free.status_code, free.url) == (302, "/verify-email")
    assert emails_to("ada@example.com")[-1].subject == "You have an account already"
    assert User.objects.filter(email="ada@example.com").count() == 1


def test_otherwise_a_taken_e_mail_is_refused_with_the_remedy(client, ada):
    response = sign_up(client)

    assert b"log in or reset the password" in response.content
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "no address"}, "valid email"),
        ({"password1": "weak"}, "too short"),
        ({"password1": "x" * 1001}, "at most 1000"),
        ({"full_name": "x" * 201}, "at most 200"),
        ({"organization_name": "a\0b"}, "Null characters"),
    ],
)
def test_bad_input_is_named_on_the_page(client, db, fields, words):
    response = client.post("/signup", {"email": "ada@example.com", "password1": PASSWORD, **fields})

    assert words in response.content.decode()
    assert User.objects.count() == 0


def test_an_invitation_is_kept_through_sign_up(client, db):
    page = client.get("/signup?next=/invitations/token")
    response = sign_up(client, next="/invitations/token")
    link = path_in(emails_to("ada@example.com")[-1], "/verify-email/")

    assert b'name="next" value="/invitations/token"' in page.content
    assert response.url == "/invitations/token"
    assert client.post(link).url == "/invitations/token"


@pytest.mark.parametrize("path", ["/signup", "/login"])
@pytest.mark.parametrize("target", ["https://mallory.example/", "//mallory.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client, ada, path, target):
    fields = {"email": "grace@example.com", "password1": PASSWORD, "login": ada.user.email, "password": PASSWORD}

    assert client.post(path, {**fields, "next": target}).url == "/getting-started"


def test_fifty_sign_ups_with_one_e_mail_at_once_make_one_account(transactional_db):
    def through_a_door(number):
        address = f"10.0.0.{number}"
        try:
            if number % 2:
                body = {"email": "ada@example.com", "password": PASSWORD}
                client = Client(REMOTE_ADDR=address)
                return client.post("/auth/signup", body, content_type="application/json").status_code
            try:
                people.sign_up("ada@example.com", PASSWORD, origin=Origin(address))
            except ConflictError as error:
                return error.status
            return 201
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        statuses = list(threads.map(through_a_door, range(50)))

    assert sorted(statuses) == [201] + [409] * 49
    assert (User.objects.count(), Organization.objects.count(), EmailAddress.objects.count()) == (1, 1, 1)


def test_sign_ups_are_counted_per_address_for_page_and_api_together(db, settings):
    governance = dataclasses.replace(settings.ACRON.governance, sign_ups_per_hour=2)
    settings.ACRON = dataclasses.replace(settings.ACRON, governance=governance)
    client = Client(REMOTE_ADDR="203.0.113.9")
    sign_up(client, "one@example.com")
    client.logout()
    by_api = {"email": "two@example.com", "password": PASSWORD}
    client.post("/auth/signup", by_api, content_type="application/json")

    page = sign_up(client, "three@example.com")
    api = client.post("/auth/signup", by_api, content_type="application/json")

    assert (page.status_code, api.status_code, api.headers["Retry-After"]) == (429, 429, "3600")
    assert b"too many sign-ups" in page.content
    assert User.objects.count() == 2


def test_asking_who_has_an_account_counts_as_signing_up(ada, settings):
    governance = dataclasses.replace(settings.ACRON.governance, sign_ups_per_hour=2)
    settings.ACRON = dataclasses.replace(settings.ACRON, governance=governance)

    client = Client(REMOTE_ADDR="203.0.113.9")
    pages = [sign_up(client).content.decode() for _ in range(3)]

    assert ["too many sign-ups" in page for page in pages] == [False, False, True]
    assert ["log in or reset the password" in page for page in pages] == [True, True, False]


@pytest.mark.parametrize(
    ("setting", "email_url", "is_awaited"),
    [
        ("auto", "", False),
        ("auto", "consolemail://", False),
        ("auto", "smtp://localhost:25", True),
        ("required", "", True),
        ("optional", "smtp://localhost:25", False),
    ],
)
def test_verification_is_awaited_where_e_mails_arrive_or_the_operator_says_so(setting, email_url, is_awaited):
    leaves = mailing.do_leave(mailing.chosen("", email_url).backend)

    assert mailing.is_awaited(setting, leaves=leaves) is is_awaited


def test_logging_in_takes_a_new_session(client, ada):
    client.get("/login?next=/profile")
    client.post("/login", {"login": "ada@example.com", "password": "wrong"})
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted

    response = log_in(client, next="/profile")

    cookie = response.cookies["sessionid"]
    assert response.url == "/profile"
    assert cookie.value != planted
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert acts(ada) == ["user.logged_in"]


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_a_failed_log_in_does_not_tell_who_has_an_account(client, ada, email):
    response = log_in(client, email, "wrong")

    assert response.status_code == 200
    assert b"The email or the password is wrong" in response.content


def test_a_locked_account_looks_like_a_wrong_password(client, ada):
    User.objects.update(is_active=False)

    assert b"The email or the password is wrong" in log_in(client).content


def test_page_and_api_share_one_throttle(client, ada):
    for _ in range(5):
        log_in(client, password="wrong")
        wrong = {"email": "ada@example.com", "password": "wrong"}
        client.post("/auth/login", wrong, content_type="application/json", headers={"x-forwarded-for": "9.9.9.9"})

    page = log_in(client)
    right = {"email": "ada@example.com", "password": PASSWORD}
    api = client.post("/auth/login", right, content_type="application/json")

    assert b"Too many failed tries" in page.content
    assert api.status_code == 429


def test_operators_log_in_at_the_same_page(client, ada):
    anonymous = client.get("/admin/login/?next=/admin/")
    client.force_login(ada.user)
    stranger = client.get("/admin/login/")
    User.objects.update(is_staff=True, is_superuser=True)
    operator = client.get("/admin/")

    assert (anonymous.status_code, anonymous.url) == (302, "/login?next=%2Fadmin%2F")
    assert (stranger.status_code, operator.status_code) == (403, 200)


def test_logging_out_takes_a_post(client, ada):
    log_in(client)

    asked = client.get("/logout")
    was_logged_in = is_logged_in(client)
    done = client.post("/logout")

    assert (asked.status_code, was_logged_in) == (200, True)
    assert (done.status_code, done.url, is_logged_in(client)) == (302, "/", False)
    assert acts(ada) == ["user.logged_in", "user.logged_out"]


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_forms_are_refused_without_the_token_of_their_page(ada, name):
    assert Client(enforce_csrf_checks=True).post(reverse(name), {}).status_code == 403


def test_pages_are_not_kept_by_the_browser(client, db):
    assert "no-store" in client.get("/login").headers["Cache-Control"]


def test_without_redis_pages_and_api_go_on(client, ada, settings, tmp_path):
    away = {"BACKEND": "acron_site.lib.spare_cache.RedisWithSpare", "LOCATION": f"unix://{tmp_path}/nobody.sock"}
    settings.CACHES = {"default": away}

    assert log_in(client).status_code == 302
    assert client.post("/password/reset", {"email": "ada@example.com"}).status_code == 302


def test_a_flash_is_shown_once(rf):
    request = rf.get("/")
    request.session = {}
    flash.keep(request, "issued_key", "text")

    assert (flash.take(request, "issued_key"), flash.take(request, "issued_key")) == ("text", None)


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password was hashed: what takes time, and could tell who has an account."""

    count = 0

    def encode(self, password, salt):
        CountingHasher.count += 1
        return super().encode(password, salt)


@pytest.fixture
def hashings(settings):
    """How many hashings something takes."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]

    def counted(act):
        CountingHasher.count = 0
        act()
        return CountingHasher.count

    return counted


def test_time_does_not_tell_who_has_an_account(hashings, client, db, verification_is_required):
    sign_up(Client())

    def by_api(email):
        return client.post("/auth/login", {"email": email, "password": "wrong"}, content_type="application/json")

    assert hashings(lambda: log_in(client, password="wrong")) == 1
    assert hashings(lambda: log_in(client, "nobody@example.com", "wrong")) == 1
    assert hashings(lambda: by_api("ada@example.com")) == hashings(lambda: by_api("nobody@example.com")) == 1
    assert hashings(lambda: sign_up(Client())) == hashings(lambda: sign_up(Client(), "grace@example.com")) == 1
