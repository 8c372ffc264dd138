"""Members: who may change, remove and follow whom, on the page and over the API."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import connections

from accounts import actor as actors
from accounts import selectors_members, wiring
from accounts.models import ApiKey, Invitation, KeyPurpose, Membership, User
from accounts.rights import TABLE
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, invitations, members, people
from acron_site.lib.errors import AcronError, ConflictError, InsufficientScopeError, InvalidApiKeyError
from tests.accounts.company import acts, browser, join, proven, roles
from tests.accounts.conftest import PASSWORD, signed_up


def call(client, method, path, key, body=None):
    return client.generic(method, path, body or "{}", content_type="application/json", headers={"x-api-key": key})


def patch_role(client, key, member, role):
    return client.patch(
        f"/governance/members/{member.pk}",
        {"role": role},
        content_type="application/json",
        headers={"x-api-key": key},
    )


def error_of(response):
    return response.json()["error"]


def acting(member):
    return actors.person(member.organization_id, member.user_id, Role(member.role))


# reading


def test_the_list_tells_who_belongs_here_and_how_safely_they_log_in(client, ada):
    grace = join(ada, "Grace", Role.MEMBER)
    people.log_in("grace@example.com", PASSWORD)
    Authenticator.objects.create(user=grace.user, type=Authenticator.Type.TOTP, data={})

    answer = client.get("/governance/members", headers={"x-api-key": ada.api_key}).json()

    assert (answer["has_more"], answer["next"]) == (False, None)
    assert [(row["email"], row["role"], row["has_second_factor"]) for row in answer["data"]] == [
        ("ada@example.com", "owner", False),
        ("grace@example.com", "member", True),
    ]
    assert answer["data"][0]["last_log_in_at"] is None
    assert answer["data"][1]["last_log_in_at"] is not None


def test_recovery_codes_alone_are_no_second_factor(ada):
    Authenticator.objects.create(user=ada.user, type=Authenticator.Type.RECOVERY_CODES, data={})

    assert [each.has_second_factor for each in selectors_members.members(ada.organization.pk)] == [False]


def test_a_long_list_comes_in_parts(client, ada):
    for name in ("Grace", "Edsger", "Barbara"):
        join(ada, name, Role.VIEWER)

    first = client.get("/governance/members?limit=3", headers={"x-api-key": ada.api_key}).json()
    rest = client.get(f"/governance/members?limit=3&after={first['next']}", headers={"x-api-key": ada.api_key}).json()

    assert [len(first["data"]), first["has_more"]] == [3, True]
    assert [len(rest["data"]), rest["has_more"], rest["next"]] == [1, False, None]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=٣", "after=x", "after="])
def test_a_wrong_parameter_is_named(client, ada, query):
    response = client.get(f"/governance/members?{query}", headers={"x-api-key": ada.api_key})

    assert response.status_code == 400
    assert error_of(response)["param"] == query.partition("=")[0]


def test_the_page_shows_members_and_the_permission_table(ada):
    join(ada, "Grace", Role.VIEWER)

    page = browser(ada.user).get("/members").content.decode()

    assert "grace@example.com" in page
    assert all(right.value.capitalize().replace("'", "&#x27;") in page for right in TABLE)
    assert 'action="/members"' in page


def test_a_viewer_sees_the_page_without_anything_to_change(ada):
    grace = join(ada, "Grace", Role.VIEWER)

    page = browser(grace.user).get("/members").content.decode()

    assert "ada@example.com" in page
    assert "/remove" not in page
    assert "/role" not in page
    assert "Invite somebody" not in page


# changing roles


@pytest.mark.parametrize(
    ("actor", "target", "to", "status"),
    [
        (Role.OWNER, Role.ADMIN, Role.OWNER, 200),
        (Role.OWNER, Role.OWNER, Role.VIEWER, 200),
        (Role.OWNER, Role.VIEWER, Role.MEMBER, 200),
        (Role.ADMIN, Role.MEMBER, Role.ADMIN, 200),
        (Role.ADMIN, Role.ADMIN, Role.VIEWER, 200),
        (Role.ADMIN, Role.MEMBER, Role.OWNER, 403),
        (Role.ADMIN, Role.OWNER, Role.ADMIN, 403),
        (Role.MEMBER, Role.VIEWER, Role.MEMBER, 403),
        (Role.VIEWER, Role.VIEWER, Role.OWNER, 403),
    ],
)
def test_who_may_give_which_role(ada, actor, target, to, status):
    grace, edsger = join(ada, "Grace", actor), join(ada, "Edsger", target)

    answer = browser(grace.user).post(f"/members/{edsger.pk}/role", {"role": to.value})

    assert (answer.status_code == 302) == (status == 200)
    assert answer.status_code in (302, status)
    assert roles(ada)["edsger"] == (to if status == 200 else target)
    assert ("member.role_changed" in acts(ada)) == (status == 200)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER, Role.VIEWER])
def test_nobody_raises_themselves(ada, role):
    grace = join(ada, "Grace", role)

    answers = [browser(grace.user).post(f"/members/{grace.pk}/role", {"role": to}) for to in ("owner", "admin")]

    assert roles(ada)["grace"] == role
    assert role is Role.ADMIN or [answer.status_code for answer in answers] == [403, 403]


def test_nobody_raises_themselves_by_a_key_that_they_made_as_an_admin(client, ada):
    grace = join(ada, "Grace", Role.ADMIN)
    key = api_keys.issue(acting(grace), ada.organization, "CI", scopes=[Scope.ADMIN], created_by=grace.user).text
    members.change_role(ada.actor, grace.pk, Role.VIEWER)

    response = patch_role(client, key, grace, "admin")

    assert response.status_code == 403
    assert "own role" in error_of(response)["message"]


def test_an_admin_may_step_down(ada):
    grace = join(ada, "Grace", Role.ADMIN)

    browser(grace.user).post(f"/members/{grace.pk}/role", {"role": "viewer"})

    assert roles(ada)["grace"] == "viewer"


def test_a_key_for_programs_changes_members_but_never_owners(client, ada):
    grace, key = (
        join(ada, "Grace", Role.MEMBER),
        api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ADMIN], created_by=ada.user).text,
    )
    own = Membership.objects.for_organization(ada.organization.pk).get(user=ada.user)

    assert patch_role(client, key, grace, "viewer").status_code == 200
    assert patch_role(client, key, grace, "owner").status_code == 403
    assert patch_role(client, key, own, "admin").status_code == 403
    assert call(client, "DELETE", f"/governance/members/{own.pk}", key).status_code == 403


def test_the_only_owner_stays_owner(client, ada):
    own = Membership.objects.for_organization(ada.organization.pk).get(user=ada.user)

    demoted = patch_role(client, ada.api_key, own, "admin")
    removed = call(client, "DELETE", f"/governance/members/{own.pk}", ada.api_key)
    left = browser(ada.user).post("/members/leave")

    assert [demoted.status_code, removed.status_code, left.status_code] == [409, 409, 409]
    assert "make another member an owner first" in error_of(demoted)["message"]
    assert "make another member an owner first" in left.content.decode().lower()
    assert roles(ada) == {"ada": "owner"}


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": None}, {"role": ["owner"]}, {"role": "OWNER"}])
def test_a_role_that_does_not_exist_is_named(client, ada, body):
    grace = join(ada, "Grace", Role.MEMBER)

    response = client.patch(
        f"/governance/members/{grace.pk}", body, content_type="application/json", headers={"x-api-key": ada.api_key}
    )

    assert (response.status_code, error_of(response)["param"]) == (400, "role")
    assert browser(ada.user).post(f"/members/{grace.pk}/role", {"role": "king"}).status_code == 400


def test_a_change_reaches_the_keys_that_speak_for_the_person(ada):
    grace = join(ada, "Grace", Role.ADMIN)
    admins, members_own = people.log_in("grace@example.com", PASSWORD), join_and_log_in(ada, "Edsger", Role.MEMBER)
    directory = wiring.key_directory()
    assert directory.resolve(admins.api_key).role is Role.ADMIN

    members.change_role(ada.actor, grace.pk, Role.MEMBER)
    members.change_role(ada.actor, members_own[0].pk, Role.ADMIN)

    with pytest.raises(InvalidApiKeyError, match="revoked"):  # it holds the scope of an admin
        in_worker(admins.api_key)
    assert in_worker(members_own[1]).role is Role.ADMIN


def join_and_log_in(owner, name, role):
    member = join(owner, name, role)
    return member, people.log_in(member.user.email, PASSWORD).api_key


def in_worker(key):
    """What a worker that has not seen the key yet makes of it."""
    wiring.key_directory.cache_clear()
    return wiring.key_directory().resolve(key)


# removing and leaving


def test_removing_somebody_ends_what_speaks_for_them_and_names_what_stays(client, ada):
    grace, log_in_key = join_and_log_in(ada, "Grace", Role.ADMIN)
    program = api_keys.issue(acting(grace), ada.organization, "CI", scopes=[Scope.INFER], created_by=grace.user)
    graces = browser(grace.user)
    assert graces.get("/members").status_code == 200
    assert wiring.key_directory().resolve(log_in_key)

    response = call(client, "DELETE", f"/governance/members/{grace.pk}", ada.api_key)

    assert response.status_code == 200
    assert [key["prefix"] for key in response.json()["remaining_api_keys"]] == [program.key.prefix]
    assert graces.get("/members").url == "/organizations/new"
    with pytest.raises(InvalidApiKeyError):
        in_worker(log_in_key)
    assert in_worker(program.text).organization_id == ada.organization.pk
    revoked = ApiKey.objects.for_organization(ada.organization.pk).get(created_by=grace.user, purpose=KeyPurpose.LOGIN)
    assert revoked.revoked_at is not None
    assert acts(ada)[-2:] == ["api_key.revoked", "member.removed"]


def test_a_founder_who_goes_loses_the_sign_up_key(ada):
    grace = join(ada, "Grace", Role.OWNER)
    own = Membership.objects.for_organization(ada.organization.pk).get(user=ada.user)

    members.remove(acting(grace), own.pk)

    with pytest.raises(InvalidApiKeyError, match="revoked"):
        in_worker(ada.api_key)


def test_who_goes_cannot_come_back_by_an_invitation_of_their_own(ada):
    grace = join(ada, "Grace", Role.ADMIN)
    invitations.invite(acting(grace), "grace.at.home@example.com", Role.ADMIN)
    invitations.invite(ada.actor, "edsger@example.com", Role.MEMBER)

    members.remove(ada.actor, grace.pk)

    waiting = Invitation.objects.for_organization(ada.organization.pk).filter(revoked_at=None)
    assert [each.email for each in waiting] == ["edsger@example.com"]


def test_the_page_asks_before_it_removes_and_names_the_keys_that_stay(ada):
    grace = join(ada, "Grace", Role.MEMBER)
    api_keys.issue(acting(grace), ada.organization, "Nightly build", scopes=[Scope.INFER], created_by=grace.user)
    adas = browser(ada.user)

    asked = adas.get(f"/members/{grace.pk}/remove")
    still = roles(ada)
    done = adas.post(f"/members/{grace.pk}/remove", follow=True)

    assert "Nightly build" in asked.content.decode()
    assert still == {"ada": "owner", "grace": "member"}
    assert roles(ada) == {"ada": "owner"}
    assert "Nightly build" in done.content.decode()


@pytest.mark.parametrize("role", list(Role))
def test_everybody_may_leave_while_an_owner_remains(ada, role):
    grace = join(ada, "Grace", role)

    answer = browser(grace.user).post("/members/leave")

    assert answer.status_code == 302
    assert roles(ada) == {"ada": "owner"}
    assert acts(ada)[-1] == "member.left"


def test_a_member_removes_nobody_else(client, ada):
    grace, edsger = join(ada, "Grace", Role.MEMBER), join(ada, "Edsger", Role.VIEWER)
    with pytest.raises(InsufficientScopeError):
        members.remove(acting(grace), edsger.pk)

    assert browser(grace.user).post(f"/members/{edsger.pk}/remove").status_code == 403
    assert "edsger" in roles(ada)


def test_an_admin_removes_no_owner(ada):
    grace = join(ada, "Grace", Role.ADMIN)
    own = Membership.objects.for_organization(ada.organization.pk).get(user=ada.user)

    answer = browser(grace.user).post(f"/members/{own.pk}/remove")

    assert answer.status_code == 403
    assert roles(ada)["ada"] == "owner"


# Mallory


def test_mallory_reaches_no_member_of_ours(client, ada, mallory):
    grace = join(ada, "Grace", Role.MEMBER)
    theirs = browser(mallory.user)

    answers = [
        patch_role(client, mallory.api_key, grace, "viewer"),
        call(client, "DELETE", f"/governance/members/{grace.pk}", mallory.api_key),
        call(client, "DELETE", f"/governance/members/{uuid4()}", mallory.api_key),
        theirs.post(f"/members/{grace.pk}/role", {"role": "viewer"}),
        theirs.get(f"/members/{grace.pk}/remove"),
        theirs.post(f"/members/{grace.pk}/remove"),
        theirs.get(f"/members/{grace.pk}/ownership"),
        theirs.post(f"/members/{grace.pk}/ownership"),
        hand_on(client, mallory.api_key, grace.pk),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert roles(ada) == {"ada": "owner", "grace": "member"}
    listed = client.get("/governance/members", headers={"x-api-key": mallory.api_key}).json()["data"]
    assert [row["email"] for row in listed] == ["mallory@example.com"]


def hand_on(client, key, member_id):
    return client.post(
        "/governance/ownership",
        {"member_id": str(member_id)},
        content_type="application/json",
        headers={"x-api-key": key},
    )


# handing the ownership on


def test_an_owner_hands_the_ownership_on(client, ada):
    grace = join(ada, "Grace", Role.MEMBER)

    answer = hand_on(client, ada.api_key, grace.pk)

    assert (answer.status_code, answer.json()["role"]) == (200, "owner")
    assert roles(ada) == {"ada": "admin", "grace": "owner"}
    assert "ownership.transferred" in acts(ada)


def test_only_an_owner_in_person_hands_the_ownership_on(client, ada):
    grace, edsger = join_and_log_in(ada, "Grace", Role.ADMIN), join(ada, "Edsger", Role.MEMBER)
    program = api_keys.issue(ada.actor, ada.organization, "CI", scopes=[Scope.ADMIN], created_by=ada.user).text

    assert hand_on(client, grace[1], edsger.pk).status_code == 403
    assert hand_on(client, program, edsger.pk).status_code == 403
    assert hand_on(client, ada.api_key, "x").status_code == 400
    assert roles(ada) == {"ada": "owner", "grace": "admin", "edsger": "member"}


def test_handing_the_ownership_to_oneself_is_a_conflict(client, ada):
    own = Membership.objects.for_organization(ada.organization.pk).get(user=ada.user)

    assert hand_on(client, ada.api_key, own.pk).status_code == 409


def test_the_page_asks_for_the_password_before_the_ownership_goes(ada):
    grace = join(ada, "Grace", Role.MEMBER)

    stale = browser(ada.user).post(f"/members/{grace.pk}/ownership")
    after_stale = roles(ada)
    fresh = proven(ada.user)
    asked = fresh.get(f"/members/{grace.pk}/ownership")
    done = fresh.post(f"/members/{grace.pk}/ownership")

    assert stale.url.startswith("/reauthenticate")
    assert after_stale == {"ada": "owner", "grace": "member"}
    assert asked.status_code == 200
    assert done.url == "/members"
    assert roles(ada) == {"ada": "admin", "grace": "owner"}


# at the same instant


def at_once(*acts_of_people):
    """Runs these at the same instant, each on a connection of its own; their outcomes, None where one succeeded."""
    start = threading.Barrier(len(acts_of_people))

    def run(act):
        start.wait()
        try:
            act()
        except AcronError as error:
            return type(error)
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(len(acts_of_people)) as threads:
        return list(threads.map(run, acts_of_people))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
@pytest.mark.parametrize("what", ["remove", "demote", "leave", "transfer", "remove and leave"])
def test_of_two_owners_at_the_same_instant_one_remains(what, attempt):
    ada = signed_up("Ada")
    grace = join(ada, "Grace", Role.OWNER)
    own = Membership.objects.for_organization(ada.organization.pk).get(user=ada.user)
    by_ada, by_grace = ada.actor, acting(grace)
    stories = {
        "remove": (lambda: members.remove(by_ada, grace.pk), lambda: members.remove(by_grace, own.pk)),
        "demote": (
            lambda: members.change_role(by_ada, grace.pk, Role.ADMIN),
            lambda: members.change_role(by_grace, own.pk, Role.ADMIN),
        ),
        "leave": (lambda: members.leave(by_ada), lambda: members.leave(by_grace)),
        "transfer": (
            lambda: members.transfer_ownership(by_ada, grace.pk),
            lambda: members.transfer_ownership(by_grace, own.pk),
        ),
        "remove and leave": (lambda: members.remove(by_ada, grace.pk), lambda: members.leave(by_ada)),
    }

    outcomes = at_once(*stories[what])

    assert list(roles(ada).values()).count("owner") == 1
    # handed to each other, the ownership goes there and back; else the second is told why not
    second: dict[str, list[Any]] = {
        "transfer": [None],
        "leave": [ConflictError],
        "remove and leave": [ConflictError, InsufficientScopeError],
    }
    refusal = next((outcome for outcome in outcomes if outcome is not None), None)
    assert refusal in second.get(what, [InsufficientScopeError])
    assert None in outcomes


@pytest.mark.django_db(transaction=True)
def test_changing_members_while_keys_are_made_does_not_lock_up():
    ada = signed_up("Ada")
    colleagues = [join(ada, name, Role.MEMBER) for name in ("Grace", "Edsger", "Barbara", "Donald")]

    outcomes = at_once(
        *(lambda member=member: members.change_role(ada.actor, member.pk, Role.ADMIN) for member in colleagues),
        *(
            lambda number=number: api_keys.issue(ada.actor, ada.organization, f"{number}", scopes=[Scope.INFER])
            for number in range(4)
        ),
    )

    assert outcomes == [None] * 8
    assert User.objects.count() == 5
