"""Whoever signs up with somebody else's address, or knew a password, keeps nothing once its owner sets a new one."""

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client

from accounts.models import ApiKey, User
from accounts.scopes import Scope
from accounts.services import api_keys, email_addresses, people
from acron_site.lib.errors import ConflictError
from tests.accounts.browsing import acts
from tests.accounts.conftest import PASSWORD
from tests.accounts.mailbox import emails_to, path_in

NEW_PASSWORD = "staple battery horse"


def reset_password(email):
    """Its owner reads the mail and follows the link; the page that comes next."""
    owner = Client()
    owner.post("/password/reset", {"email": email})
    form = owner.get(path_in(emails_to(email)[-1], "/password/reset/key/"), follow=True)
    fields = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    return owner.post(form.request["PATH_INFO"], fields, follow=True)


def living(person):
    return [key.name for key in ApiKey.objects.for_organization(person.organization.pk).filter(revoked_at=None)]


def test_a_reset_takes_a_strangers_keys_from_an_account_that_was_never_proven(client, ada):
    stranger = {"x-api-key": ada.api_key}
    api_keys.create(ada.actor, "CI", scopes=[Scope.INFER])

    page = reset_password("ada@example.com")

    assert client.get("/auth/account", headers=stranger).status_code == 401
    assert client.delete("/auth/account", headers=stranger).status_code == 401
    assert living(ada) == []
    assert "have ended (2)" in page.content.decode()
    assert acts(ada).count("user.password_changed") == 1


def test_a_reset_of_a_proven_account_leaves_its_programs_alone(client, ada):
    email_addresses.keep(ada.user).set_verified()
    people.log_in("ada@example.com", PASSWORD)
    api_keys.create(ada.actor, "CI", scopes=[Scope.INFER])

    page = reset_password("ada@example.com")

    assert sorted(living(ada)) == ["CI", "Sign-up"]
    assert "have ended (" not in page.content.decode()


def test_a_reset_proves_the_address(ada):
    reset_password("ada@example.com")
    again = api_keys.create(ada.actor, "CI", scopes=[Scope.INFER])
    reset_password("ada@example.com")

    assert email_addresses.is_verified(ada.user)
    assert acts(ada).count("user.email_verified") == 1
    assert living(ada) == [again.key.name]


@pytest.mark.parametrize("method", ["reset", "change"])
def test_a_new_password_ends_the_wish_to_change_to_another_address(ada, method):
    """Otherwise a link that was sent before would take the account over after it."""
    wish = email_addresses.ask_to_change(ada.user, "mallory@example.com")
    link = f"/verify-email/{EmailConfirmationHMAC(wish).key}"

    if method == "reset":
        reset_password("ada@example.com")
    else:
        browser = Client()
        browser.post("/login", {"login": "ada@example.com", "password": PASSWORD})
        fields = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        assert browser.post("/password/change", fields).status_code == 302
    Client().post(link)

    assert User.objects.get(pk=ada.user.pk).email == "ada@example.com"
    assert not EmailAddress.objects.filter(email="mallory@example.com").exists()


def test_a_link_that_ended_while_it_was_followed_changes_nothing(ada, rf):
    from accounts.actor import Origin

    wish = email_addresses.ask_to_change(ada.user, "mallory@example.com")
    email_addresses.forget_wish(ada.user)

    with pytest.raises(ConflictError, match="has ended"):
        email_addresses.confirm(wish, origin=Origin())
