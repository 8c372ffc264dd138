"""Reading the members of an organization, and who is invited to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.invitation_links import State, state_of
from accounts.models import ApiKey, Invitation, KeyPurpose, Membership
from accounts.roles import Role
from acron_site.lib.errors import NotFoundError

# recovery codes alone are none: they are made beside one of these
_SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@dataclass(frozen=True, slots=True)
class Member:
    """A person's place in an organization, as its members see it. `id` is the membership's."""

    id: UUID
    user_id: UUID
    email: str
    full_name: str
    role: Role
    joined_at: datetime
    last_log_in_at: datetime | None
    has_second_factor: bool

    @property
    def name(self) -> str:
        return self.full_name or self.email


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that nobody has accepted or withdrawn."""

    id: UUID
    email: str
    role: Role
    invited_by: str  # an email address; empty when that person is gone
    sent_at: datetime
    expires_at: datetime
    state: State


def members(organization_id: UUID, *, limit: int | None = None, after: UUID | None = None) -> list[Member]:
    """Those who joined first stand first; at most one more than `limit`, which says that there are more."""
    rows = _memberships(organization_id)
    if after is not None:
        rows = rows.filter(pk__gt=after)  # ids sort by time
    return [_member(row) for row in (rows if limit is None else rows[: limit + 1])]


def member(organization_id: UUID, member_id: UUID) -> Member:
    """Raises NotFoundError, for members of other organizations too."""
    row = _memberships(organization_id).filter(pk=member_id).first()
    if row is None:
        raise NotFoundError("there is no such member; list them under /governance/members")
    return _member(row)


def member_of_user(organization_id: UUID, user_id: UUID) -> Member | None:
    row = _memberships(organization_id).filter(user=user_id).first()
    return None if row is None else _member(row)


def invitations(organization_id: UUID, *, limit: int | None = None, after: UUID | None = None) -> list[Invited]:
    """Those that wait for an answer and those that have expired, the newest first; at most one more than `limit`."""
    waiting: QuerySet[Invitation] = Invitation.objects.for_organization(organization_id)
    rows = waiting.filter(accepted_at=None, revoked_at=None).select_related("invited_by").order_by("-pk")
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return [invited(row) for row in (rows if limit is None else rows[: limit + 1])]


def invited(row: Invitation) -> Invited:
    return Invited(
        id=row.pk,
        email=row.email,
        role=Role(row.role),
        invited_by=row.invited_by.email if row.invited_by else "",
        sent_at=row.created_at,
        expires_at=row.expires_at,
        state=state_of(row, timezone.now()),
    )


def keys_that_stay(organization_id: UUID, user_id: UUID) -> list[ApiKey]:
    """The living keys for programs that somebody made: they belong to the organization and outlive a membership."""
    own: QuerySet[ApiKey] = ApiKey.objects.for_organization(organization_id)
    is_living = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    return list(own.filter(is_living, created_by=user_id, purpose=KeyPurpose.STANDARD).order_by("created_at", "id"))


def _memberships(organization_id: UUID) -> QuerySet[Any]:
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=_SECOND_FACTORS)
    own = Membership.objects.for_organization(organization_id).select_related("user")
    rows: QuerySet[Any] = own.annotate(has_second_factor=Exists(factors)).order_by("pk")
    return rows


def _member(row: Any) -> Member:
    return Member(
        id=row.pk,
        user_id=row.user_id,
        email=row.user.email,
        full_name=row.user.full_name,
        role=Role(row.role),
        joined_at=row.created_at,
        last_log_in_at=row.user.last_login,
        has_second_factor=row.has_second_factor,
    )
