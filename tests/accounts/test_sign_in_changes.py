"""Changing what one signs in with: password, email address, sessions."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.actor import Origin
from accounts.demo import EMAIL as DEMO_EMAIL
from accounts.demo import ensure_demo
from accounts.models import ApiKey, User
from accounts.services import email_addresses, organizations, people
from acron_site.lib.errors import ConflictError
from tests.accounts.browsing import acts, log_in, sign_up
from tests.accounts.conftest import PASSWORD
from tests.accounts.mailbox import emails_to, path_in

NEW_PASSWORD = "staple battery horse"


def test_resetting_the_password_ends_every_session_and_log_in_key(client, ada):
    log_in(client)
    key = people.log_in("ada@example.com", PASSWORD).api_key
    reader = Client()
    asked = reader.post("/password/reset", {"email": "Ada@example.com"})
    link = path_in(emails_to("ada@example.com")[-1], "/password/reset/key/")
    form = reader.get(link, follow=True)
    done = reader.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    moved = [response.headers["location"] for response in (asked, done)]
    assert moved == ["/password/reset/done", "/password/reset/key/done"]
    assert client.get("/profile").headers["location"].startswith("/login")
    assert log_in(Client(), password=PASSWORD).status_code == 200
    assert log_in(Client(), password=NEW_PASSWORD).status_code == 302
    assert ApiKey.objects.for_organization(ada.organization.pk).get(prefix=key[8:16]).revoked_at is not None
    assert emails_to("ada@example.com")[-1].subject == "Your password was reset"
    assert b"This link does not work" in Client().get(link, follow=True).content
    assert "user.password_changed" in acts(ada)


def test_asking_for_a_reset_answers_the_same_for_everybody(client, ada):
    known = client.post("/password/reset", {"email": "ada@example.com"})
    unknown = client.post("/password/reset", {"email": "nobody@example.com"})

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert emails_to("nobody@example.com")[0].subject == "There is no account with this address"


def test_links_in_e_mails_ignore_the_host_that_asked(client, ada, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PUBLIC_URL = "https://acron.example"

    client.post("/password/reset", {"email": "ada@example.com"}, headers={"host": "mallory.example"})

    message = emails_to("ada@example.com")[-1]
    assert "https://acron.example/password/reset/key/" in message.text
    assert "mallory" not in message.text + message.html


def test_changing_the_password_keeps_this_session_and_ends_the_others(client, ada):
    elsewhere = Client()
    log_in(client)
    log_in(elsewhere)

    fields = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    wrong = client.post("/password/change", {**fields, "oldpassword": "wrong"})
    done = client.post("/password/change", fields)

    assert b"not your password" in wrong.content.lower()
    assert done.status_code == 302
    assert client.get("/profile/sessions").status_code == 200
    assert elsewhere.get("/profile/sessions").status_code == 302
    assert emails_to("ada@example.com")[-1].subject == "Your password was changed"


def test_an_e_mail_address_changes_once_the_new_one_is_proven(client, ada):
    log_in(client)
    asked = client.post("/email", {"email": "ada@new.example", "action_add": "1"})
    assert asked.url.startswith("/reauthenticate")
    client.post("/reauthenticate?next=/email", {"password": PASSWORD})
    client.post("/email", {"email": "Ada@New.example", "action_add": "1"})
    before = User.objects.get().email
    page = client.get("/email").content

    client.post(path_in(emails_to("ada@new.example")[-1], "/verify-email/"))

    assert (before, User.objects.get().email) == ("ada@example.com", "ada@new.example")
    assert b"ada@new.example" in page
    assert emails_to("ada@example.com")[-1].subject == "Your email address was changed"
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [("ada@new.example", True, True)]
    assert "user.email_changed" in acts(ada)


def test_an_address_that_somebody_wants_to_change_to_stays_free_for_its_owner(client, ada, mallory):
    email_addresses.ask_to_change(mallory.user, "grace@example.com")

    assert sign_up(client, "grace@example.com").url == "/getting-started"
    client.post("/logout")
    client.post("/password/reset", {"email": "grace@example.com"})
    resets = [each for each in emails_to("grace@example.com") if each.subject == "Reset your password"]
    assert len(resets) == 1

    pending = email_addresses.pending(mallory.user)
    with pytest.raises(ConflictError):
        email_addresses.confirm(pending, origin=Origin())


def test_an_address_with_an_account_is_not_taken_over_by_a_link(client, ada, mallory):
    log_in(client, "mallory@example.com")
    client.post("/reauthenticate?next=/email", {"password": PASSWORD})
    client.post("/email", {"email": "ada@example.com", "action_add": "1"})
    client.post("/email", {"email": "ada@example.com", "action_primary": "1"})

    response = client.post(path_in(emails_to("ada@example.com")[-1], "/verify-email/"), follow=True)

    assert b"belongs to another account" in response.content
    assert User.objects.get(pk=mallory.user.pk).email == "mallory@example.com"


def test_an_unproven_address_can_be_changed_without_losing_it(client, ada):
    log_in(client)
    client.post("/reauthenticate?next=/email", {"password": PASSWORD})

    client.post("/email", {"email": "ada@new.example", "action_add": "1"})
    client.post("/email", {"email": "ada@new.example", "action_remove": "1"})

    assert User.objects.get().email == "ada@example.com"
    assert email_addresses.pending(ada.user) is None


def test_who_is_not_verified_is_reminded(client, ada):
    log_in(client)
    before = client.get("/profile").content
    email_addresses.confirm(email_addresses.keep(ada.user), origin=Origin())

    assert b"Please confirm that" in before
    assert b"Please confirm that" not in client.get("/profile").content


def test_accounts_that_are_older_than_verification_log_in(client, ada):
    EmailAddress.objects.all().delete()

    assert log_in(client).url == "/getting-started"
    assert EmailAddress.objects.get().primary


def test_whom_the_operator_or_the_demonstration_makes_is_verified(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    organizations.found("Ada Ltd", "ada@example.com")
    ensure_demo()

    verified = EmailAddress.objects.filter(verified=True, primary=True).values_list("email", flat=True)
    assert set(verified) == {"ada@example.com", DEMO_EMAIL}


def test_one_session_or_all_others_can_be_ended(client, ada):
    browsers = [client, Client(), Client()]
    for browser in browsers:
        log_in(browser)
        browser.get("/profile")
    page = client.get("/profile/sessions")
    second = page.context["sessions"][1]

    client.post("/profile/sessions", {"session": second.pk})
    after_one = [browser.get("/profile").status_code for browser in browsers]
    client.post("/profile/sessions", {})
    after_all = [browser.get("/profile").status_code for browser in browsers]

    assert after_one == [200, 302, 200]
    assert after_all == [200, 302, 302]
    assert acts(ada).count("user.sessions_ended") == 2


def test_nobody_ends_the_sessions_of_somebody_else(client, ada, mallory):
    mallorys = Client()
    log_in(mallorys, "mallory@example.com")
    mallorys.get("/profile")
    log_in(client)
    hers = mallorys.get("/profile/sessions").context["sessions"][0]

    client.post("/profile/sessions", {"session": hers.pk})

    assert mallorys.get("/profile").status_code == 200
