"""Reading people and organizations."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Membership, Organization, User
from accounts.principal import Principal
from accounts.roles import Role, scopes_of
from acron_site.lib.errors import NotFoundError

_NAMED_AT_MOST = 10


def organization_named(name: str) -> Organization:
    """By slug or id; without a name, the only one there is. Raises NotFoundError naming those there are."""
    found = Organization.objects.filter(**_named(name)).first() if name else _only_one()
    if found is None:
        slugs = list(Organization.objects.order_by("created_at").values_list("slug", flat=True)[:_NAMED_AT_MOST])
        known = f"known are: {', '.join(slugs)}" if slugs else "make one with `manage.py create_organization`"
        raise NotFoundError(f"no organization called {name!r}; {known}" if name else f"say which organization; {known}")
    return found


def existing(organization_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the organizations that are still there."""
    return set(Organization.objects.filter(pk__in=list(organization_ids)).values_list("pk", flat=True))


def first_membership(user: User) -> Membership | None:
    """Where somebody acts who does not say where: the organization joined first."""
    return user.memberships.select_related("organization").order_by("created_at", "id").first()


def membership_in(user: User, organization_id: UUID) -> Membership | None:
    own: QuerySet[Membership] = Membership.objects.for_organization(organization_id)
    return own.filter(user=user).select_related("organization").first()


def memberships_of(user: User) -> list[Membership]:
    """All organizations of a person, those joined first in front."""
    return list(user.memberships.select_related("organization").order_by("created_at", "id"))


def principal_of(user: User, organization_id: UUID | None = None) -> Principal | None:
    """A person in the browser, acting for the organization they chose, or where they do not belong (any more)
    for the one joined first; None for those who belong nowhere."""
    chosen = membership_in(user, organization_id) if organization_id else None
    membership = chosen or first_membership(user)
    if membership is None:
        return None
    return Principal(
        organization_id=membership.organization_id,
        scopes=scopes_of(Role(membership.role)),
        user_id=user.pk,
        role=Role(membership.role),
    )


def _named(name: str) -> dict[str, str | UUID]:
    try:
        return {"id": UUID(name)}
    except ValueError:
        return {"slug": name}


def _only_one() -> Organization | None:
    organizations = list(Organization.objects.all()[:2])
    return organizations[0] if len(organizations) == 1 else None
