"""Reading people and organisations."""

from uuid import UUID

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
        raise NotFoundError(f"no organisation called {name!r}; {known}" if name else f"say which organisation; {known}")
    return found


def first_membership(user: User) -> Membership | None:
    """Where somebody acts who does not say where: the organisation joined first."""
    return user.memberships.select_related("organization").order_by("created_at", "id").first()


def principal_of(user: User) -> Principal | None:
    """A person in the browser, with the scopes of the role; None for those who belong nowhere."""
    membership = first_membership(user)
    if membership is None:
        return None
    return Principal(
        organization_id=membership.organization_id,
        scopes=scopes_of(Role(membership.role)),
        user_id=user.pk,
    )


def _named(name: str) -> dict[str, str | UUID]:
    try:
        return {"id": UUID(name)}
    except ValueError:
        return {"slug": name}


def _only_one() -> Organization | None:
    organizations = list(Organization.objects.all()[:2])
    return organizations[0] if len(organizations) == 1 else None
