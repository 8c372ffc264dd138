"""Invitations: sent by email, accepted with the right account, and by nobody else."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import actor as actors
from accounts import invitation_links
from accounts.models import Invitation, User
from accounts.roles import Role
from accounts.services import invitations, members
from acron_site.lib.errors import AcronError, ConflictError, RateLimitedError
from tests.accounts.company import acts, browser, join, mails, roles, tokens
from tests.accounts.conftest import PASSWORD, signed_up


def send(client, key, email, role="member"):
    return client.post(
        "/governance/invitations",
        {"email": email, "role": role},
        content_type="application/json",
        headers={"x-api-key": key},
    )


def error_of(response):
    return response.json()["error"]


def invite(owner, email, role=Role.MEMBER):
    """An invitation and the token that was mailed."""
    invitation = invitations.invite(owner.actor, email, role)
    return invitation, tokens()[-1]


def account(name):
    return User.objects.create_user(f"{name.lower()}@example.com", PASSWORD, full_name=name)


def change(invitation, **fields):
    Invitation.objects.for_organization(invitation.organization_id).filter(pk=invitation.pk).update(**fields)


# sending


def test_an_invitation_goes_by_mail_and_its_link_is_nowhere_else(client, ada):
    answer = send(client, ada.api_key, " Grace@Example.com ", "admin")

    token, row = tokens()[-1], Invitation.objects.for_organization(ada.organization.pk).get()
    assert answer.status_code == 201
    assert answer.json()["email"] == "grace@example.com"
    assert (answer.json()["role"], answer.json()["state"]) == ("admin", "open")
    assert bytes(row.digest) == hashlib.sha256(token.encode()).digest()
    assert timedelta(days=6, hours=23) < row.expires_at - timezone.now() <= timedelta(days=7)
    mail = mails()[-1]
    assert "grace@example.com" in mail
    assert "Ada Ltd" in mail
    listed = client.get("/governance/invitations", headers={"x-api-key": ada.api_key})
    page = browser(ada.user).get("/members")
    for shown in (answer.content, listed.content, page.content):
        assert token.encode() not in shown
        assert b"grace@example.com" in shown
    assert acts(ada)[-1] == "invitation.sent"


def test_a_token_has_256_bits():
    made = {invitation_links.new_token() for _ in range(50)}

    assert len(made) == 50
    assert {len(token) for token in made} == {43}


def test_the_answer_does_not_tell_who_has_an_account(client, ada, mallory):
    known = send(client, ada.api_key, "mallory@example.com").json()
    unknown = send(client, ada.api_key, "nobody@example.com").json()

    differing = {name for name in known if known[name] != unknown[name]}
    assert differing == {"id", "email", "sent_at", "expires_at"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "role"),
        ({"email": "grace@example.com"}, "role"),
        ({"role": "member"}, "email"),
        ({"email": "no address", "role": "member"}, "email"),
        ({"email": "a" * 250 + "@example.com", "role": "member"}, "email"),
        ({"email": ["grace@example.com"], "role": "member"}, "email"),
        ({"email": "grace@example.com\nBcc: all@example.com", "role": "member"}, "email"),
        ({"email": "grace@example.com", "role": "king"}, "role"),
    ],
)
def test_bad_input_is_named(client, ada, body, param):
    response = client.post(
        "/governance/invitations", body, content_type="application/json", headers={"x-api-key": ada.api_key}
    )

    assert (response.status_code, error_of(response)["param"]) == (400, param)


def test_the_form_on_the_page_invites_and_explains(ada):
    adas = browser(ada.user)

    sent = adas.post("/members", {"email": "grace@example.com", "role": "viewer"}, follow=True)
    again = adas.post("/members", {"email": "grace@example.com", "role": "viewer"})
    wrong = adas.post("/members", {"email": "no address", "role": "king"})

    assert "on its way" in sent.content.decode()
    assert again.status_code == 409
    assert "send it again" in again.content.decode()
    assert wrong.status_code == 400
    assert len(tokens()) == 1


def test_members_and_open_invitations_are_told_apart(client, ada):
    join(ada, "Grace", Role.MEMBER)
    send(client, ada.api_key, "edsger@example.com")

    member, open_one = (send(client, ada.api_key, f"{name}@example.com") for name in ("GRACE", "Edsger"))

    assert [member.status_code, open_one.status_code] == [409, 409]
    assert "member already" in error_of(member)["message"]
    assert "open invitation" in error_of(open_one)["message"]


@pytest.mark.parametrize(
    ("inviter", "role", "status"),
    [
        (Role.OWNER, Role.OWNER, 302),
        (Role.ADMIN, Role.ADMIN, 302),
        (Role.ADMIN, Role.OWNER, 400),  # not among those that the form offers
        (Role.MEMBER, Role.VIEWER, 403),
        (Role.VIEWER, Role.VIEWER, 403),
    ],
)
def test_who_may_invite_as_what(ada, inviter, role, status):
    grace = join(ada, "Grace", inviter)

    answer = browser(grace.user).post("/members", {"email": "edsger@example.com", "role": role.value})

    assert answer.status_code == status
    assert len(tokens()) == (status == 302)


def test_a_key_for_programs_invites_no_owner(client, ada):
    grace = join(ada, "Grace", Role.ADMIN)
    with pytest.raises(AcronError):
        invitations.invite(
            actors.person(ada.organization.pk, grace.user_id, Role.ADMIN), "edsger@example.com", Role.OWNER
        )

    assert tokens() == []


def test_a_name_chosen_to_deceive_carries_no_link_into_a_mail():
    assert invitations.harmless("Win at\nhttps://evil.example.com/now ") == "Win at https evil example com now"
    assert invitations.harmless("Acme Inc.") == "Acme Inc."
    assert len(invitations.harmless("x" * 200)) == 60


# limits


def test_twenty_an_hour_is_the_most_with_those_sent_again(client, ada):
    first = invitations.invite(ada.actor, "grace0@example.com", Role.VIEWER)
    for number in range(1, 19):
        invitations.invite(ada.actor, f"grace{number}@example.com", Role.VIEWER)
    resent = client.post(f"/governance/invitations/{first.pk}/resend", headers={"x-api-key": ada.api_key})

    refused = send(client, ada.api_key, "grace20@example.com")
    refused_again = client.post(f"/governance/invitations/{first.pk}/resend", headers={"x-api-key": ada.api_key})

    assert resent.status_code == 200
    assert [refused.status_code, refused_again.status_code] == [429, 429]
    assert 3500 < int(refused.headers["Retry-After"]) <= 3601
    assert "an hour" in error_of(refused)["message"]


def test_withdrawing_and_inviting_anew_is_no_way_round_the_limit(ada):
    for _ in range(20):
        invitation = invitations.invite(ada.actor, "grace@example.com", Role.VIEWER)
        invitations.revoke(ada.actor, invitation.pk)

    with pytest.raises(RateLimitedError):
        invitations.invite(ada.actor, "grace@example.com", Role.VIEWER)


def test_fifty_open_ones_are_the_most(client, ada):
    day_ago = timezone.now() - timedelta(days=1)
    Invitation.objects.for_organization(ada.organization.pk).bulk_create(
        Invitation(
            organization=ada.organization,
            email=f"grace{number}@example.com",
            role=Role.VIEWER,
            digest=uuid4().bytes * 2,
            created_at=day_ago,
            expires_at=day_ago + timedelta(days=7),
        )
        for number in range(50)
    )

    refused = send(client, ada.api_key, "edsger@example.com")
    change(Invitation.objects.for_organization(ada.organization.pk).first(), expires_at=day_ago)

    assert refused.status_code == 429
    assert "withdraw" in error_of(refused)["message"]
    assert send(client, ada.api_key, "edsger@example.com").status_code == 201


# sending again, withdrawing, listing


def test_sending_again_ends_the_link_sent_before(client, ada):
    invitation, old = invite(ada, "grace@example.com")
    change(invitation, expires_at=timezone.now() + timedelta(days=1))

    answer = client.post(f"/governance/invitations/{invitation.pk}/resend", headers={"x-api-key": ada.api_key})

    new = tokens()[-1]
    assert answer.json()["id"] == str(invitation.pk)
    assert new != old
    assert client.get(f"/invitations/{old}").status_code == 410
    assert client.get(f"/invitations/{new}").status_code == 200
    assert [each["id"] for each in listed(client, ada)] == [str(invitation.pk)]
    with pytest.raises(ConflictError, match="newer"):
        invitations.accept(account("Grace"), old)


def listed(client, owner):
    return client.get("/governance/invitations", headers={"x-api-key": owner.api_key}).json()["data"]


def test_an_expired_invitation_is_listed_and_can_be_sent_again_or_replaced(client, ada):
    invitation, token = invite(ada, "grace@example.com")
    change(invitation, expires_at=timezone.now() - timedelta(seconds=1))

    assert [each["state"] for each in listed(client, ada)] == ["expired"]
    assert client.get(f"/invitations/{token}").status_code == 410
    assert send(client, ada.api_key, "grace@example.com").status_code == 201
    assert [each["state"] for each in listed(client, ada)] == ["open"]


def test_a_withdrawn_invitation_is_gone(client, ada):
    invitation, token = invite(ada, "grace@example.com")
    address = f"/governance/invitations/{invitation.pk}"

    first, second = (client.delete(address, headers={"x-api-key": ada.api_key}) for _ in range(2))

    assert [first.status_code, second.status_code] == [204, 404]
    assert listed(client, ada) == []
    gone = client.get(f"/invitations/{token}")
    assert gone.status_code == 410
    assert "withdrawn" in gone.content.decode()
    assert acts(ada)[-1] == "invitation.revoked"


def test_the_buttons_on_the_page_send_again_and_withdraw(ada):
    invitation, _ = invite(ada, "grace@example.com")
    adas = browser(ada.user)

    again = adas.post(f"/members/invitations/{invitation.pk}/resend", follow=True)
    withdrawn = adas.post(f"/members/invitations/{invitation.pk}/revoke", follow=True)

    assert "on its way again" in again.content.decode()
    assert "withdrawn" in withdrawn.content.decode()
    assert len(tokens()) == 2


def test_a_long_list_comes_in_parts_newest_first(client, ada):
    for number in range(3):
        invite(ada, f"grace{number}@example.com")
    key = {"x-api-key": ada.api_key}

    first = client.get("/governance/invitations?limit=2", headers=key).json()
    rest = client.get(f"/governance/invitations?limit=2&after={first['next']}", headers=key).json()

    emails = [row["email"] for row in [*first["data"], *rest["data"]]]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert sorted(emails) == [f"grace{number}@example.com" for number in range(3)]


# looking and accepting


def test_somebody_new_is_sent_to_log_in_or_sign_up_and_back(client, ada):
    _, token = invite(ada, "grace@example.com")

    page, posted = client.get(f"/invitations/{token}"), client.post(f"/invitations/{token}")

    text = page.content.decode()
    assert page.status_code == 200
    assert "Ada Ltd" in text
    assert "member" in text
    assert f"/login?next=/invitations/{token}" in text
    assert f"/signup?next=/invitations/{token}" in text
    assert "grace@example.com" not in text
    assert posted.headers["Location"] == f"/login?next=/invitations/{token}"
    assert "no-store" in page.headers["Cache-Control"]


def test_looking_accepts_nothing_and_the_button_does(ada):
    grace = account("Grace")
    _, token = invite(ada, "Grace@Example.com", Role.ADMIN)
    graces = browser(grace)

    looked = graces.get(f"/invitations/{token}")
    after_looking = roles(ada)
    accepted = graces.post(f"/invitations/{token}")

    assert "Accept" in looked.content.decode()
    assert after_looking == {"ada": "owner"}
    assert accepted.url == "/getting-started"
    assert roles(ada) == {"ada": "owner", "grace": "admin"}
    assert graces.get("/members").status_code == 200  # acting for Ada's organization from now on
    assert acts(ada)[-2:] == ["invitation.accepted", "member.added"]


def test_accepting_proves_the_address(ada):
    grace = account("Grace")
    _, token = invite(ada, "grace@example.com")

    invitations.accept(grace, token)

    address = EmailAddress.objects.get(user=grace)
    assert (address.email, address.verified, address.primary) == ("grace@example.com", True, True)
    assert "user.email_verified" in acts(ada)


def test_an_address_that_another_account_has_proven_is_refused(ada):
    grace, edsger = account("Grace"), account("Edsger")
    EmailAddress.objects.filter(user=edsger).delete()
    EmailAddress.objects.create(user=edsger, email="grace@example.com", verified=True)
    _, token = invite(ada, "grace@example.com")

    answer = browser(grace).post(f"/invitations/{token}")

    assert answer.status_code == 409
    assert roles(ada) == {"ada": "owner"}


def test_a_link_works_once(ada):
    grace = account("Grace")
    _, token = invite(ada, "grace@example.com")
    invitations.accept(grace, token)
    members.leave(actors.person(ada.organization.pk, grace.pk, Role.MEMBER))

    again = browser(grace).post(f"/invitations/{token}")

    assert again.status_code == 410
    assert "was used" in again.content.decode()
    assert roles(ada) == {"ada": "owner"}


@pytest.mark.parametrize("fields", [{"expires_at": timezone.now()}, {"revoked_at": timezone.now()}])
def test_what_has_ended_cannot_be_accepted(ada, fields):
    invitation, token = invite(ada, "grace@example.com")
    change(invitation, **fields)

    answer = browser(account("Grace")).post(f"/invitations/{token}")

    assert answer.status_code == 410
    assert roles(ada) == {"ada": "owner"}


def test_who_belongs_there_already_is_told_so_and_keeps_the_role(ada):
    _, token = invite(ada, "grace@example.com", Role.ADMIN)
    grace = join(ada, "Grace", Role.VIEWER)
    graces = browser(grace.user)

    looked, answer = graces.get(f"/invitations/{token}"), graces.post(f"/invitations/{token}", follow=True)

    assert "belong here already" in looked.content.decode()
    assert "already" in answer.content.decode()
    assert roles(ada)["grace"] == "viewer"


def test_a_member_may_belong_to_several_organizations(ada, mallory):
    _, token = invite(ada, "mallory@example.com")

    invitations.accept(mallory.user, token)

    assert roles(ada) == {"ada": "owner", "mallory": "member"}
    assert roles(mallory) == {"mallory": "owner"}


# Mallory


def test_the_wrong_person_is_told_what_to_do_and_cannot_accept(ada, mallory):
    _, token = invite(ada, "grace@example.com")
    theirs = browser(mallory.user)

    looked, posted = theirs.get(f"/invitations/{token}"), theirs.post(f"/invitations/{token}")

    for page in (looked, posted):
        assert "for another address" in page.content.decode()
        assert 'action="/logout"' in page.content.decode()
        assert f'value="/invitations/{token}"' in page.content.decode()
        assert "grace@example.com" not in page.content.decode()
    assert [looked.status_code, posted.status_code] == [200, 404]
    assert roles(ada) == {"ada": "owner"}


def test_mallory_reaches_no_invitation_of_ours(client, ada, mallory):
    invitation, token = invite(ada, "grace@example.com")
    key, theirs = {"x-api-key": mallory.api_key}, browser(mallory.user)

    answers = [
        client.delete(f"/governance/invitations/{invitation.pk}", headers=key),
        client.post(f"/governance/invitations/{invitation.pk}/resend", headers=key),
        theirs.post(f"/members/invitations/{invitation.pk}/resend"),
        theirs.post(f"/members/invitations/{invitation.pk}/revoke"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert listed(client, mallory) == []
    assert client.get(f"/invitations/{token}").status_code == 200
    assert tokens() == [token]


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 5000, "%00", "..", "é", "%ff"])
def test_a_token_that_was_never_sent_is_not_found(client, db, token):
    page = client.get(f"/invitations/{token}")

    assert page.status_code == 404


def test_a_row_of_the_database_opens_nothing(client, ada):
    invitation, _ = invite(ada, "grace@example.com")

    for guess in (bytes(invitation.digest).hex(), str(invitation.pk)):
        assert client.get(f"/invitations/{guess}").status_code == 404


def test_accepting_takes_a_form_of_our_own(ada):
    grace = account("Grace")
    _, token = invite(ada, "grace@example.com")
    lured = Client(enforce_csrf_checks=True)
    lured.force_login(grace, backend="django.contrib.auth.backends.ModelBackend")

    assert lured.post(f"/invitations/{token}").status_code == 403
    assert roles(ada) == {"ada": "owner"}


# at the same instant


@pytest.mark.django_db(transaction=True)
def test_one_link_used_ten_times_at_once_makes_one_member():
    ada, grace = signed_up("Ada"), account("Grace")
    _, token = sent_for_real(ada, "grace@example.com")

    outcomes = ten_at_once(lambda: invitations.accept(grace, token).is_new)

    assert sorted(map(str, outcomes)) == ["ConflictError"] * 9 + ["True"]
    assert roles(ada) == {"ada": "owner", "grace": "member"}


@pytest.mark.django_db(transaction=True)
def test_ten_invitations_to_one_address_at_once_make_one():
    ada = signed_up("Ada")

    outcomes = ten_at_once(lambda: bool(invitations.invite(ada.actor, "grace@example.com", Role.MEMBER)))

    assert sorted(map(str, outcomes)) == ["ConflictError"] * 9 + ["True"]
    assert Invitation.objects.for_organization(ada.organization.pk).count() == 1


def sent_for_real(owner, email):
    """Outside of a test's transaction mails leave at once: the token is put in by hand."""
    invitation, token = invitations.invite(owner.actor, email, Role.MEMBER), invitation_links.new_token()
    change(invitation, digest=invitation_links.digest_of(token))
    return invitation, token


def ten_at_once(act):
    start = threading.Barrier(10)

    def run(_):
        start.wait()
        try:
            return act()
        except AcronError as error:
            return type(error).__name__
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        return list(threads.map(run, range(10)))
