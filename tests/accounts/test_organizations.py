"""Founding organizations, switching between them, and their settings."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections

from accounts import wiring
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from accounts.services import organizations, policies
from acron_site.lib.errors import ConflictError, InvalidRequestError, NotFoundError
from tests.accounts.company import acts, browser, join, roles
from tests.accounts.conftest import PASSWORD, signed_up


def patch_policies(client, key, body):
    return client.patch("/governance/policies", body, content_type="application/json", headers={"x-api-key": key})


# founding


def test_somebody_founds_a_second_organization_and_acts_for_it(ada):
    adas = browser(ada.user)

    form, founded = adas.get("/organizations/new"), adas.post("/organizations/new", {"name": "Second"})

    assert 'name="name"' in form.content.decode()
    assert founded.url == "/getting-started"
    assert "Second" in adas.get("/settings").content.decode()
    second = Organization.objects.get(name="Second")
    assert Membership.objects.for_organization(second.pk).get().role == "owner"


def test_who_belongs_nowhere_lands_where_an_organization_is_founded(db):
    grace = browser(User.objects.create_user("grace@example.com", PASSWORD))

    sent, page = grace.get("/members"), grace.get("/organizations/new")

    assert sent.url == "/organizations/new"
    assert "no organization at present" in page.content.decode()
    assert grace.post("/organizations/new", {"name": "Grace Ltd"}).url == "/getting-started"
    assert grace.get("/members").status_code == 200


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\u0000b", "a\nb", "\u202egnp.exe", "\u200b"])
def test_a_name_that_cannot_be_shown_is_refused(client, ada, name):
    adas = browser(ada.user)

    assert adas.post("/organizations/new", {"name": name}).status_code == 400
    assert adas.post("/settings", {"name": name}).status_code == 400
    response = patch_policies(client, ada.api_key, {"name": name})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "name")
    assert list(Organization.objects.values_list("name", flat=True)) == ["Ada Ltd"]


def test_nobody_owns_more_than_twenty(ada):
    for number in range(19):
        organizations.found_another(ada.user, f"Number {number}")

    answer = browser(ada.user).post("/organizations/new", {"name": "One too many"})

    assert answer.status_code == 409
    assert "20 organizations" in answer.content.decode()
    assert Organization.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_nobody_owns_more_than_twenty_by_being_quick():
    ada = signed_up("Ada")
    for number in range(17):
        organizations.found_another(ada.user, f"Number {number}")
    start = threading.Barrier(6)

    def found(number):
        start.wait()
        try:
            return organizations.found_another(ada.user, f"Quick {number}") and "founded"
        except ConflictError:
            return "conflict"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        outcomes = sorted(threads.map(found, range(6)))

    assert outcomes == ["conflict"] * 4 + ["founded"] * 2


def test_an_organization_that_is_gone_cannot_be_locked(db):
    with pytest.raises(NotFoundError):
        organizations.lock(uuid4())


# switching


def test_somebody_switches_to_another_organization_of_theirs(ada, mallory):
    join(mallory, "Ada", Role.VIEWER)
    adas = browser(ada.user)

    answer = adas.post("/organizations/switch", {"organization": str(mallory.organization.pk), "next": "/members"})

    assert answer.url == "/members"
    page = adas.get("/members").content.decode()
    assert "mallory@example.com" in page
    assert "Invite somebody" not in page


@pytest.mark.parametrize(
    "wanted", ["https://evil.example.com/", "//evil.example.com", "javascript:alert(1)", "\\\\evil", ""]
)
def test_switching_leads_nowhere_else(ada, wanted):
    answer = browser(ada.user).post("/organizations/switch", {"organization": str(ada.organization.pk), "next": wanted})

    assert answer.url == "/getting-started"


def test_mallory_switches_to_nothing_of_ours(ada, mallory):
    theirs = browser(mallory.user)

    answers = [
        theirs.post("/organizations/switch", {"organization": wanted})
        for wanted in (str(ada.organization.pk), str(uuid4()), "x", "")
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert "ada@example.com" not in theirs.get("/members").content.decode()


def test_who_is_removed_falls_back_to_their_own_organization(ada, mallory):
    join(mallory, "Ada", Role.VIEWER)
    adas = browser(ada.user, mallory.organization)
    assert "mallory@example.com" in adas.get("/members").content.decode()

    Membership.objects.for_organization(mallory.organization.pk).filter(user=ada.user).delete()

    assert "mallory@example.com" not in adas.get("/members").content.decode()


def test_after_logging_in_first_switching_leads_on(ada):
    assert browser(ada.user).get("/organizations/switch").url == "/getting-started"


# settings


def test_the_settings_say_their_default_and_where_they_come_from(client, ada):
    answer = client.get("/governance/policies", headers={"x-api-key": ada.api_key}).json()

    named = {setting["name"]: setting for setting in answer["settings"]}
    assert (answer["name"], answer["slug"]) == ("Ada Ltd", "ada-ltd")
    assert (named["keeps_content"]["value"], named["keeps_content"]["source"]) == (False, "default")
    assert named["encryption_at_rest"]["value"] in (True, False)
    assert all(setting["default"] and setting["source"] for setting in answer["settings"])
    page = browser(ada.user).get("/settings").content.decode()
    assert "not kept in the ledger" in page
    assert "/settings/providers" in page


@pytest.mark.parametrize(
    ("key", "generated", "expected"),
    [
        ("", [], (False, "ASAHI_ENCRYPTION_KEY is not set")),
        ("ab" * 32, [], (True, "the operator's ASAHI_ENCRYPTION_KEY")),
        ("ab" * 32, ["ASAHI_ENCRYPTION_KEY"], (True, "a key that ACRON made at its first start")),
    ],
)
def test_the_state_of_encryption_is_the_true_one(client, ada, settings, key, generated, expected):
    settings.ENCRYPTION_KEY, settings.GENERATED_SECRETS = key, generated
    wiring.cipher.cache_clear()

    answer = client.get("/governance/policies", headers={"x-api-key": ada.api_key}).json()
    wiring.cipher.cache_clear()

    encryption = next(setting for setting in answer["settings"] if setting["name"] == "encryption_at_rest")
    assert (encryption["value"], encryption["source"]) == expected


def test_the_name_changes_and_the_slug_stays(client, ada):
    by_page = browser(ada.user).post("/settings", {"name": " Ada and Friends "})
    after_page = Organization.objects.get()
    by_api = patch_policies(client, ada.api_key, {"name": "Ada & Co"})

    assert by_page.url == "/settings"
    assert (after_page.name, after_page.slug) == ("Ada and Friends", "ada-ltd")
    assert (by_api.status_code, by_api.json()["name"], by_api.json()["slug"]) == (200, "Ada & Co", "ada-ltd")
    assert acts(ada)[-2:] == ["organization.renamed"] * 2


@pytest.mark.parametrize(
    "body",
    [
        {"slug": "other"},
        {"name": "Fine", "keeps_encryption": True},
        {"name": "Fine", "content_retention_days": 0},
        {"name": "Fine", "content_retention_days": 10**9},
        {"name": "Fine", "keeps_content": "perhaps"},
        {},
    ],
)
def test_what_cannot_be_changed_is_named(client, ada, body):
    response = patch_policies(client, ada.api_key, body)

    assert response.status_code == 400
    assert response.json()["error"]["param"] in (*body, "name")
    assert Organization.objects.get().name == "Ada Ltd"


def test_keeping_content_is_switched_by_page_and_api(client, ada):
    adas = browser(ada.user)

    on = adas.post("/settings/retention", {"keeps_content": "on", "content_retention_days": "7"})
    after_on = Organization.objects.get()
    renamed = adas.post("/settings", {"name": "Renamed"})
    after_rename = Organization.objects.get()
    days = patch_policies(client, ada.api_key, {"content_retention_days": 9}).json()
    off = adas.post("/settings/retention", {"content_retention_days": "9"})
    wrong = adas.post("/settings/retention", {"keeps_content": "on", "content_retention_days": "0"})

    assert [on.status_code, renamed.status_code, off.status_code, wrong.status_code] == [302, 302, 302, 400]
    assert (after_on.keeps_content, after_on.content_retention_days) == (True, 7)
    assert (after_rename.name, after_rename.keeps_content) == ("Renamed", True)
    named = {setting["name"]: setting for setting in days["settings"]}
    assert (named["keeps_content"]["value"], named["content_retention_days"]["value"]) == (True, 9)
    assert named["keeps_content"]["source"] == "set for this organization"
    assert Organization.objects.get().keeps_content is False


def test_of_several_changes_all_are_made_or_none(ada):
    with pytest.raises(InvalidRequestError):
        policies.change(ada.actor, name="Renamed", content_retention_days=0)

    assert Organization.objects.get().name == "Ada Ltd"
    assert "organization.renamed" not in acts(ada)


def test_a_member_reads_the_settings_and_changes_nothing(ada):
    grace = join(ada, "Grace", Role.MEMBER)
    graces = browser(grace.user)

    page, changed = graces.get("/settings"), graces.post("/settings", {"name": "Grace Ltd"})

    assert page.status_code == 200
    assert 'action="/settings"' not in page.content.decode()
    assert 'action="/settings/retention"' not in page.content.decode()
    assert "/settings/delete-organization" not in page.content.decode()
    assert changed.status_code == 403
    assert roles(ada)["grace"] == "member"


def test_only_owners_are_shown_the_way_to_delete(ada):
    assert "/settings/delete-organization" in browser(ada.user).get("/settings").content.decode()
