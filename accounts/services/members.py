"""Who belongs to an organization, and as what.

Everything that changes this first locks the organization (`organizations.lock`) and asks again who the actor is now:
of two owners who remove each other at the same instant, the second finds that they are no owner any more.
"""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import ApiKey, Invitation, KeyPurpose, Membership, Organization, User
from accounts.rights import TABLE, Right
from accounts.roles import Role, scopes_of
from accounts.scopes import HOLDS_EVERYTHING
from accounts.services import api_keys, organizations
from acron_site.lib.errors import ConflictError, InsufficientScopeError, NotFoundError

_PERSONAL = (KeyPurpose.SIGN_UP, KeyPurpose.LOGIN)


@transaction.atomic
def add(actor: Actor, organization: Organization, user: User, role: Role) -> Membership:
    """Makes a membership without asking whether the actor may; invitations ask."""
    membership = Membership(organization=organization, user=user, role=role)
    membership.save(force_insert=True)
    audit.record(actor, "member.added", membership, after={"role": role})
    return membership


@transaction.atomic
def change_role(actor: Actor, member_id: UUID, role: Role) -> Membership:
    """Gives a member another role. Only owners name and dismiss owners; nobody raises themselves."""
    actor = at_work(actor)
    actor.principal.require_right(Right.MANAGE_MEMBERS)
    membership = _find(actor, member_id)
    before = Role(membership.role)
    if before is role:
        return membership
    if Role.OWNER in (before, role):
        actor.principal.require_right(Right.MANAGE_OWNERS)
    if membership.user_id == actor.principal.user_id and role.is_at_least(before):
        raise InsufficientScopeError("nobody can raise their own role; ask an owner of the organization, see /members")
    _require_owner_remains(membership)
    _give_role(actor, membership, role)
    return membership


@transaction.atomic
def remove(actor: Actor, member_id: UUID) -> Membership:
    """Ends a membership with the keys that speak for the person; their own one everybody may end."""
    actor = at_work(actor)
    membership = _find(actor, member_id)
    if _speaks_for(actor, membership):
        return _end(actor, membership, "member.left")
    actor.principal.require_right(Right.MANAGE_MEMBERS)
    if membership.role == Role.OWNER:
        actor.principal.require_right(Right.MANAGE_OWNERS)
    return _end(actor, membership, "member.removed")


@transaction.atomic
def leave(actor: Actor) -> Membership:
    """Ends the actor's own membership."""
    actor = at_work(actor)
    return _end(actor, _own(actor), "member.left")


@transaction.atomic
def transfer_ownership(actor: Actor, member_id: UUID) -> Membership:
    """Makes another member an owner and the acting owner an admin."""
    actor = at_work(actor)
    actor.principal.require_right(Right.MANAGE_OWNERS)
    own, heir = _own(actor), _find(actor, member_id)
    if own.pk == heir.pk:
        raise ConflictError("you own this organization already; choose another member")
    if heir.role != Role.OWNER:
        _give_role(actor, heir, Role.OWNER)
    _give_role(actor, own, Role.ADMIN)
    audit.record(actor, "ownership.transferred", heir, before={"role": Role.OWNER}, after={"role": Role.ADMIN})
    return heir


def at_work(actor: Actor) -> Actor:
    """Locks the organization, and gives a person the role that they have now: it may have changed since they asked."""
    organizations.lock(actor.organization_id)
    if actor.principal.role is None or actor.principal.user_id is None:
        return actor
    role = Role(_own(actor).role)
    return actor if role is actor.principal.role else replace(actor, principal=replace(actor.principal, role=role))


def _own(actor: Actor) -> Membership:
    """Raises InsufficientScopeError for programs, and for people who do not belong here (any more)."""
    principal = actor.principal
    if principal.role is None or principal.user_id is None:
        raise InsufficientScopeError("only a person can do this; log in, and use the page /members or the key it gives")
    own: Membership | None = (
        Membership.objects.for_organization(actor.organization_id).filter(user=principal.user_id).first()
    )
    if own is None:
        raise InsufficientScopeError("you do not belong to this organization any more; ask an owner for an invitation")
    return own


def _find(actor: Actor, member_id: UUID) -> Membership:
    found: Membership | None = (
        Membership.objects.for_organization(actor.organization_id).filter(pk=member_id).select_related("user").first()
    )
    if found is None:
        raise NotFoundError("there is no such member; list them under /governance/members")
    return found


def _speaks_for(actor: Actor, membership: Membership) -> bool:
    """Keys for programs do not speak for who made them."""
    return actor.principal.role is not None and actor.principal.user_id == membership.user_id


def _require_owner_remains(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        return
    owners = Membership.objects.for_organization(membership.organization_id).filter(role=Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise ConflictError(
            "this is the only owner; make another member an owner first, or delete the organization under /settings"
        )


def _give_role(actor: Actor, membership: Membership, role: Role) -> None:
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    audit.record(actor, "member.role_changed", membership, before={"role": before}, after={"role": role})
    keys = list(_personal_keys(membership))
    for key in keys:
        api_keys.tell_of_change(key.prefix)
    # scopes are written into a key when it is made; what holds more than the role now gives must be made anew
    given = scopes_of(role)
    api_keys.end(actor, [key for key in keys if HOLDS_EVERYTHING.isdisjoint(given) and not given >= set(key.scopes)])
    _withdraw_invitations(actor, membership, _may_invite(role))


def _end(actor: Actor, membership: Membership, action: str) -> Membership:
    _require_owner_remains(membership)
    api_keys.end(actor, _personal_keys(membership))
    _withdraw_invitations(actor, membership, ())
    audit.record(actor, action, membership, before={"role": membership.role})
    Membership.objects.for_organization(actor.organization_id).filter(pk=membership.pk).delete()
    return membership


def _personal_keys(membership: Membership) -> Iterable[ApiKey]:
    own = ApiKey.objects.for_organization(membership.organization_id)
    living: Iterable[ApiKey] = own.filter(created_by=membership.user_id, purpose__in=_PERSONAL, revoked_at=None)
    return living


def _may_invite(role: Role) -> Iterable[Role]:
    if role.is_at_least(TABLE[Right.MANAGE_OWNERS].role):
        return Role
    return (
        [each for each in Role if each is not Role.OWNER] if role.is_at_least(TABLE[Right.MANAGE_MEMBERS].role) else ()
    )


def _withdraw_invitations(actor: Actor, membership: Membership, roles_that_stay: Iterable[Role]) -> None:
    """Otherwise somebody could invite a second account of theirs, and come back by it."""
    own = Invitation.objects.for_organization(membership.organization_id)
    sent = own.filter(invited_by=membership.user_id, accepted_at=None, revoked_at=None)
    for invitation in sent.exclude(role__in=list(roles_that_stay)):
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit.record(actor, "invitation.revoked", invitation)
