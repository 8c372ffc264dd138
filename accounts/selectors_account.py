"""Where a person belongs, and what becomes of those organizations when the account goes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import selectors
from accounts.models import Membership, User
from accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Place:
    """One membership of a person, and the roles of those who belong there too."""

    organization_id: UUID
    name: str
    slug: str
    role: Role
    since: datetime
    others: tuple[Role, ...]

    @property
    def is_alone(self) -> bool:
        """Nobody else belongs there: the organization goes with the person."""
        return not self.others

    @property
    def is_last_owner(self) -> bool:
        """Others belong there, and would be left without an owner."""
        return self.role is Role.OWNER and bool(self.others) and Role.OWNER not in self.others

    @property
    def goes_on(self) -> bool:
        return not self.is_alone and not self.is_last_owner


def places_of(user: User) -> list[Place]:
    """Those joined first in front."""
    return [
        Place(
            organization_id=each.organization_id,
            name=each.organization.name,
            slug=each.organization.slug,
            role=Role(each.role),
            since=each.created_at,
            others=_others(each),
        )
        for each in selectors.memberships_of(user)
    ]


def _others(membership: Membership) -> tuple[Role, ...]:
    there = Membership.objects.for_organization(membership.organization_id).exclude(pk=membership.pk)
    return tuple(Role(role) for role in there.values_list("role", flat=True))
