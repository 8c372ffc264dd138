"""A person's own account: who am I, take everything along, go for good. By program and in the browser."""

import json
from typing import Any
from uuid import UUID

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.core import mail
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, members
from accounts.services.organizations import found_for
from acron_site.lib.ids import uuid7
from analytics import content_store
from analytics.content import Content
from tests.accounts.conftest import PASSWORD, Person, signed_up
from tests.analytics.facts import keep, paid_answer

BACKEND = "django.contrib.auth.backends.ModelBackend"


def colleague(owner: Person, name: str, role: Role) -> User:
    user = User.objects.create_user(f"{name}@example.com", PASSWORD, full_name=name.title())
    members.add(owner.actor, owner.organization, user, role)
    return user


def logged_in(user: User, **options: Any) -> Client:
    """Somebody who has logged in, and has just typed their password once more."""
    client = Client(**options)
    client.post("/login", {"login": user.email, "password": PASSWORD})
    assert client.post("/reauthenticate", {"password": PASSWORD}).status_code == 302
    return client


def key_of(user: User) -> dict[str, str]:
    made = Client().post("/auth/login", {"email": user.email, "password": PASSWORD}, "application/json")
    return {"x-api-key": made.json()["api_key"]}


def document(response: HttpResponseBase) -> Any:
    async def gathered() -> bytes:
        return b"".join([part async for part in response])  # type: ignore[attr-defined]

    assert response.status_code == 200
    assert response.headers["content-disposition"].startswith("attachment; ")
    return json.loads(async_to_sync(gathered)())


def keep_words(organization_id: UUID, words: str) -> None:
    Organization.objects.filter(pk=organization_id).update(keeps_content=True)
    said = orjson.dumps(words)
    content_store.write([Content(uuid7(), organization_id, timezone.now(), said, said)])


def sent_to(response: HttpResponseBase) -> str:
    assert response.status_code == 302
    return response.headers["location"].partition("?")[0]


def is_refused(headers: dict[str, str]) -> bool:
    return Client().get("/auth/account", headers=headers).status_code == 401


def test_who_am_i(client, ada, mallory):
    members.add(mallory.actor, mallory.organization, ada.user, Role.VIEWER)

    told = client.get("/auth/account", headers=key_of(ada.user)).json()

    assert (told["user"]["id"], told["user"]["email"]) == (str(ada.user.pk), "ada@example.com")
    assert [(each["name"], each["slug"], each["role"]) for each in told["organizations"]] == [
        ("Ada Ltd", "ada-ltd", "owner"),
        ("Mallory Ltd", "mallory-ltd", "viewer"),
    ]


@pytest.mark.parametrize(("method", "address"), [("get", ""), ("delete", ""), ("get", "/export")])
def test_a_key_for_programs_speaks_for_nobody(client, ada, method, address):
    key = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ADMIN], created_by=ada.user).text

    refusal = getattr(client, method)(f"/auth/account{address}", headers={"x-api-key": key})

    assert refusal.status_code == 403
    assert "log in with POST /auth/login and use that key" in refusal.json()["error"]["message"]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_deleted_is_gone(client):
    ada = signed_up("Ada")
    keep(paid_answer(ada.organization.pk))
    headers = key_of(ada.user)
    mail.outbox.clear()

    response = client.delete("/auth/account", headers=headers)

    assert (response.status_code, response.content) == (204, b"")
    assert not User.objects.exists()
    assert not Organization.objects.exists()
    assert is_refused(headers)
    assert is_refused({"x-api-key": ada.api_key})
    again = client.post("/auth/login", {"email": "ada@example.com", "password": PASSWORD}, "application/json")
    assert again.status_code == 401
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["ada@example.com"], "Your ACRON account was deleted")
    ]


@pytest.mark.django_db(transaction=True)
def test_somebody_who_deleted_the_account_may_sign_up_again(client):
    ada = signed_up("Ada")
    client.delete("/auth/account", headers={"x-api-key": ada.api_key})

    assert signed_up("Ada").user.pk != ada.user.pk


@pytest.mark.django_db(transaction=True)
def test_the_export_holds_what_is_kept_and_no_secret(client):
    ada, mallory = signed_up("Ada"), signed_up("Mallory")
    members.add(mallory.actor, mallory.organization, ada.user, Role.ADMIN)
    api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.INFER])
    keep(*(paid_answer(ada.organization.pk, end_user=f"user {number}") for number in range(1_203)))
    keep(paid_answer(mallory.organization.pk))
    for person in (ada, mallory):
        keep_words(person.organization.pk, f"said by {person.user.full_name}")

    response = client.get("/auth/account/export", headers={"x-api-key": ada.api_key})
    exported = document(response)

    assert exported["profile"]["email"] == "ada@example.com"
    assert [each["slug"] for each in exported["memberships"]] == ["ada-ltd", "mallory-ltd"]
    (own,) = exported["organizations"]  # the other one is Mallory's too
    assert own["name"] == "Ada Ltd"
    assert sorted(key["name"] for key in own["api_keys"]) == ["CI", "Sign-up"]
    assert [event["sequence"] for event in own["audit_events"]] == list(range(1, len(own["audit_events"]) + 1))
    assert len({event["user"] for event in own["inference_events"]}) == 1_203
    assert own["inference_events"][0]["cost"] == "0.0025"
    assert [each["request"] for each in own["kept_content"]] == ["said by Ada"]
    assert "digest" not in json.dumps(own["api_keys"])
    assert ada.user.password not in json.dumps(exported)
    assert ada.api_key not in json.dumps(exported)


@pytest.mark.django_db(transaction=True)
def test_the_export_comes_with_the_deletion_when_it_is_asked_for(client):
    ada = signed_up("Ada")
    keep(paid_answer(ada.organization.pk))

    exported = document(client.delete("/auth/account?export=true", headers={"x-api-key": ada.api_key}))

    assert exported["organizations"][0]["inference_events"][0]["model"] == "mock-large"
    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_a_wrong_parameter_deletes_nothing(client, ada):
    refusal = client.delete("/auth/account?export=perhaps", headers={"x-api-key": ada.api_key})

    assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "export")
    assert User.objects.count() == 1


def test_the_last_owner_of_others_is_told_what_to_do(client, ada):
    colleague(ada, "grace", Role.ADMIN)

    refusal = client.delete("/auth/account?export=true", headers={"x-api-key": ada.api_key})

    assert (refusal.status_code, refusal.json()["error"]["code"]) == (409, "conflict")
    assert "Ada Ltd" in refusal.json()["error"]["message"]
    assert User.objects.count() == 2


def test_a_member_goes_and_the_organization_stays(client, ada):
    grace = colleague(ada, "grace", Role.MEMBER)

    assert client.delete("/auth/account", headers=key_of(grace)).status_code == 204

    assert Membership.objects.for_organization(ada.organization.pk).get().user == ada.user
    assert client.get("/auth/account", headers={"x-api-key": ada.api_key}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_in_the_browser_it_takes_the_csrf_token_and_ends_every_session():
    ada = signed_up("Ada")
    elsewhere, here = logged_in(ada.user), logged_in(ada.user)
    elsewhere.get("/profile/delete")
    here.get("/profile/delete")
    cookies = here.cookies
    here = Client(enforce_csrf_checks=True)
    here.cookies = cookies

    assert here.delete("/auth/account").status_code == 403
    assert User.objects.count() == 1
    token = here.cookies["csrftoken"].value
    assert here.delete("/auth/account", headers={"x-csrftoken": token}).status_code == 204

    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert sent_to(elsewhere.get("/profile/delete")) == "/login"


@pytest.mark.django_db(transaction=True)
def test_the_page_says_what_goes_and_deletes_after_the_address_was_typed():
    ada = signed_up("Ada")
    client = logged_in(ada.user)

    page = client.get("/profile/delete").content.decode()
    assert "<strong>Ada Ltd</strong>, which only you belong to" in page
    typo = client.post("/profile/delete", {"email": "ada@example.org"})
    assert (typo.status_code, User.objects.count()) == (400, 1)
    assert "type ada@example.com" in typo.content.decode()

    gone = client.post("/profile/delete", {"email": " Ada@Example.com "}, follow=True)

    assert gone.redirect_chain == [(reverse("landing"), 302)]
    assert "Your account is deleted" in gone.content.decode()
    assert not User.objects.exists()
    assert sent_to(client.get("/profile/delete")) == "/login"


def test_the_page_names_who_needs_another_owner_and_what_goes_on(ada, mallory):
    colleague(ada, "grace", Role.ADMIN)
    members.add(mallory.actor, mallory.organization, ada.user, Role.MEMBER)
    client = logged_in(ada.user)

    page = client.get("/profile/delete").content.decode()

    assert "<li>Ada Ltd (1 other member)</li>" in page
    assert "<strong>Mallory Ltd</strong> goes on without you" in page
    assert "Delete my account" not in page
    refusal = client.post("/profile/delete", {"email": "ada@example.com"})
    assert refusal.status_code == 409
    assert "make another member an owner" in refusal.content.decode()


def test_who_belongs_nowhere_can_go_too(ada):
    grace = User.objects.create_user("grace@example.com", PASSWORD)
    client = logged_in(grace)

    assert client.get("/profile/delete").status_code == 200
    client.post("/profile/delete", {"email": "grace@example.com"})

    assert list(User.objects.all()) == [ada.user]


@pytest.mark.parametrize("address", ["/profile/delete", "/settings/delete-organization"])
def test_a_browser_left_open_deletes_nothing_without_the_password(ada, address):
    client = Client()
    client.force_login(ada.user, backend=BACKEND)

    asked = client.post(address, {"email": "ada@example.com", "slug": "ada-ltd"})

    assert sent_to(asked) == reverse("account_reauthenticate")
    assert (User.objects.count(), Organization.objects.count()) == (1, 1)
    client.post(asked.headers["location"], {"password": PASSWORD})
    assert Organization.objects.count() == 0  # it goes on where it was held up


@pytest.mark.django_db(transaction=True)
def test_the_download_takes_the_password_too():
    ada = signed_up("Ada")
    client = Client()
    client.force_login(ada.user, backend=BACKEND)
    assert sent_to(client.get("/profile/export")) == reverse("account_reauthenticate")

    exported = document(logged_in(ada.user).get("/profile/export"))

    assert exported["organizations"][0]["slug"] == "ada-ltd"


@pytest.mark.django_db(transaction=True)
def test_an_owner_deletes_an_organization_after_its_slug_was_typed():
    ada = signed_up("Ada")
    other = found_for(ada.user, "Second")
    client = logged_in(ada.user)

    typo = client.post("/settings/delete-organization", {"slug": "ada"})
    assert (typo.status_code, Organization.objects.count()) == (400, 2)
    assert "type ada-ltd" in typo.content.decode()
    gone = client.post("/settings/delete-organization", {"slug": "ada-ltd"}, follow=True)

    assert "Ada Ltd is deleted" in gone.content.decode()
    assert list(Organization.objects.all()) == [other]
    assert is_refused({"x-api-key": ada.api_key})


def test_an_admin_cannot_delete_the_organization(ada):
    client = logged_in(colleague(ada, "grace", Role.ADMIN))

    assert client.post("/settings/delete-organization", {"slug": "ada-ltd"}).status_code == 403
    assert Organization.objects.count() == 1
