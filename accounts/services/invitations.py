"""Inviting people to an organization by email, and accepting.

The token goes to the invited address and nowhere else: only its digest is kept, and no page and no answer shows it.
So whoever presents it reads that mailbox, and accepting proves the address of the account as well as a verification
link would. That is safe because the account must have the very address: an inviter, who knows it but does not get
the mail, proves nothing with it; and whoever registered a stranger's address beforehand never gets the link. Its true
owner can only act in that account after a reset of the password, which ends the sessions made before.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import actor as actors
from accounts import audit, emails, invitation_links
from accounts.actor import Actor, Origin
from accounts.invitation_links import State
from accounts.models import Invitation, Membership, Organization, User, normalised_email
from accounts.rights import Right
from accounts.roles import Role
from accounts.services import email_addresses, members, organizations
from acron_site.lib.errors import ConflictError, InsufficientScopeError, NotFoundError, RateLimitedError

LIFETIME = timedelta(days=7)
OPEN_AT_MOST = 50
SENT_PER_HOUR = 20

_HOUR = timedelta(hours=1)
_LONGEST_NAME_IN_A_MAIL = 60
_WHY_NOT = {
    State.ACCEPTED: "this invitation was used already",
    State.REVOKED: "this invitation was withdrawn or sent again; look for a newer one, or ask for one",
    State.EXPIRED: "this invitation has expired; ask for a new one",
}


@dataclass(frozen=True, slots=True)
class Joined:
    """`is_new` is false for who belonged there already, as what they are."""

    membership: Membership
    is_new: bool


@transaction.atomic
def invite(actor: Actor, email: str, role: Role) -> Invitation:
    """Offers a membership by email. The answer is the same whether or not that address has an account."""
    email = organizations.require_email(email)
    actor = members.at_work(actor)
    _require_may_give(actor, role)
    _require_not_a_member(actor, email)
    _clear_expired(actor, email)
    _require_room(actor)
    _require_pace(actor)
    token, now = invitation_links.new_token(), timezone.now()
    invitation = Invitation(
        organization_id=actor.organization_id,
        email=email,
        role=role,
        digest=invitation_links.digest_of(token),
        invited_by_id=actor.principal.user_id,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    invitation.save(force_insert=True)
    _send(actor, invitation, token, "invitation.sent")
    return invitation


@transaction.atomic
def resend(actor: Actor, invitation_id: UUID) -> Invitation:
    """Sends an invitation again, with a new link and the whole time to answer; the link sent before ends."""
    actor = members.at_work(actor)
    invitation = _find(actor, invitation_id)
    _require_may_give(actor, Role(invitation.role))
    _require_not_a_member(actor, invitation.email)
    if invitation_links.state_of(invitation, timezone.now()) is State.EXPIRED:
        _require_room(actor)
    _require_pace(actor)
    _leave_trace(invitation)
    token, now = invitation_links.new_token(), timezone.now()
    invitation.digest, invitation.created_at = invitation_links.digest_of(token), now
    invitation.expires_at, invitation.invited_by_id = now + LIFETIME, actor.principal.user_id
    invitation.save(update_fields=["digest", "created_at", "expires_at", "invited_by"])
    _send(actor, invitation, token, "invitation.sent_again")
    return invitation


@transaction.atomic
def revoke(actor: Actor, invitation_id: UUID) -> None:
    """Ends the link. The invited person is not told."""
    actor = members.at_work(actor)
    invitation = _find(actor, invitation_id)
    _require_may_give(actor, Role(invitation.role))
    _withdraw(actor, invitation)


@transaction.atomic
def accept(user: User, token: str, *, origin: Origin | None = None) -> Joined:
    """Makes whoever holds the link a member, if they are logged in with the invited address."""
    # the person before the organization, as in the deletion of an account, which may run at the same time
    if User.objects.select_for_update(no_key=True).filter(pk=user.pk).first() is None:
        raise NotFoundError("this account was deleted")
    organization = organizations.lock(_found(token).organization_id)
    # once more: it may have been answered or sent again until the lock was ours
    invitation = _found(token)
    _require_open(invitation)
    require_invited(user, invitation)
    actor = actors.person(organization.pk, user.pk, Role(invitation.role), origin)
    _prove_address(actor, user)
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    audit.record(actor, "invitation.accepted", invitation, after={"role": invitation.role})
    return _join(actor, organization, user, Role(invitation.role))


def require_invited(user: User, invitation: Invitation) -> None:
    """Raises InsufficientScopeError for everybody but the person with the invited address."""
    if normalised_email(user.email) != normalised_email(invitation.email):
        raise InsufficientScopeError(
            "this invitation is for another email address; log out, and log in or sign up with the invited one"
        )


def _join(actor: Actor, organization: Organization, user: User, role: Role) -> Joined:
    present: Membership | None = Membership.objects.for_organization(organization.pk).filter(user=user).first()
    if present is not None:
        return Joined(present, is_new=False)
    return Joined(members.add(actor, organization, user, role), is_new=True)


def _found(token: str) -> Invitation:
    found = invitation_links.find(token)
    if found is None:
        raise NotFoundError("there is no such invitation; open the link of the newest mail, or ask for a new one")
    return found


def _require_open(invitation: Invitation) -> None:
    state = invitation_links.state_of(invitation, timezone.now())
    if state is not State.OPEN:
        raise ConflictError(_WHY_NOT[state])


def _prove_address(actor: Actor, user: User) -> None:
    """Marks the account's address as verified; why this is safe stands at the top of this file."""
    address = email_addresses.keep(user)
    if address.verified:
        return
    if not address.set_verified():
        raise ConflictError("this email address was verified by another account; log in with that one")
    audit.record(actor, "user.email_verified", user, after={"method": "invitation"})


def _find(actor: Actor, invitation_id: UUID) -> Invitation:
    waiting = Invitation.objects.for_organization(actor.organization_id).filter(accepted_at=None, revoked_at=None)
    found: Invitation | None = waiting.filter(pk=invitation_id).first()
    if found is None:
        raise NotFoundError("there is no such open invitation; list them under /governance/invitations")
    return found


def _require_may_give(actor: Actor, role: Role) -> None:
    actor.principal.require_right(Right.MANAGE_OWNERS if role is Role.OWNER else Right.MANAGE_MEMBERS)


def _require_not_a_member(actor: Actor, email: str) -> None:
    # the inviter sees the members anyway; of people elsewhere nothing is asked
    if Membership.objects.for_organization(actor.organization_id).filter(user__email=email).exists():
        raise ConflictError("this person is a member already; change their role under /members", param="email")


def _clear_expired(actor: Actor, email: str) -> None:
    """There is one invitation to an address: an expired one makes room, an open one is sent again instead."""
    waiting = Invitation.objects.for_organization(actor.organization_id).filter(accepted_at=None, revoked_at=None)
    earlier = waiting.filter(email=email).first()
    if earlier is None:
        return
    if invitation_links.state_of(earlier, timezone.now()) is State.OPEN:
        raise ConflictError(
            "there is an open invitation to this address; send it again, or withdraw it first", param="email"
        )
    _withdraw(actor, earlier)


def _require_room(actor: Actor) -> None:
    now = timezone.now()
    own = Invitation.objects.for_organization(actor.organization_id)
    waiting = own.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)
    if waiting.count() >= OPEN_AT_MOST:
        raise RateLimitedError(
            f"{OPEN_AT_MOST} invitations are open, which is the most at a time; withdraw some under /members",
            headers={"Retry-After": str(int(_HOUR.total_seconds()))},
        )


def _require_pace(actor: Actor) -> None:
    now = timezone.now()
    sent = Invitation.objects.for_organization(actor.organization_id).filter(created_at__gt=now - _HOUR)
    moments = list(sent.order_by("-created_at").values_list("created_at", flat=True)[:SENT_PER_HOUR])
    if len(moments) == SENT_PER_HOUR:
        wait = max(1, int((moments[-1] + _HOUR - now).total_seconds()) + 1)
        raise RateLimitedError(
            f"{SENT_PER_HOUR} invitations an hour is the most; wait {wait} s",
            headers={"Retry-After": str(wait)},
        )


def _leave_trace(invitation: Invitation) -> None:
    """What was sent before stays as a row of its own: its link can say what became of it, and it counts as sent."""
    Invitation(
        organization_id=invitation.organization_id,
        email=invitation.email,
        role=invitation.role,
        digest=_out_of_the_way(invitation),
        invited_by_id=invitation.invited_by_id,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        revoked_at=timezone.now(),
    ).save(force_insert=True)


def _out_of_the_way(invitation: Invitation) -> bytes:
    """Takes the digest from a row: there can only be one with it."""
    digest = bytes(invitation.digest)
    invitation.digest = invitation_links.digest_of(invitation_links.new_token())
    invitation.save(update_fields=["digest"])
    return digest


def _withdraw(actor: Actor, invitation: Invitation) -> None:
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    audit.record(actor, "invitation.revoked", invitation)


def _send(actor: Actor, invitation: Invitation, token: str, action: str) -> None:
    audit.record(actor, action, invitation, after={"role": invitation.role, "expires_at": invitation.expires_at})
    emails.queue(
        invitation.email,
        "invitation",
        {
            "organization": harmless(invitation.organization.name),
            "role": invitation.role,
            "expires_at": invitation.expires_at,
            "link": emails.link(reverse("invitation", args=[token])),
        },
    )


def harmless(name: str) -> str:
    """An organization's name for a mail to somebody who did not ask for it: no line breaks, nothing to click on."""
    printable = "".join(character if character.isprintable() else " " for character in name)
    apart = re.sub(r"[./:@\\]+(?=\S)", " ", printable)
    return " ".join(apart.split())[:_LONGEST_NAME_IN_A_MAIL]
