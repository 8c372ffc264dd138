"""What every page's template knows: who looks at it, for which organisation, and what they may do."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts import selectors
from accounts.models import Membership, Organization
from accounts.principal import Principal
from accounts.rights import Right


@dataclass(frozen=True, slots=True)
class Viewer:
    """`rights` answers in templates: `{% if viewer.rights.READ_AUDIT %}`."""

    principal: Principal
    organization: Organization
    role: str
    memberships: list[Membership]

    @property
    def rights(self) -> dict[str, bool]:
        return {right.name: self.principal.may(right) for right in Right}


def who(request: HttpRequest) -> dict[str, Any]:
    """`viewer` is None for those who are not logged in or belong to no organisation."""
    principal: Principal | None = getattr(request, "principal", None)
    user = getattr(request, "user", None)
    if principal is None or user is None or not user.is_authenticated:
        return {"viewer": None}
    memberships = selectors.memberships_of(user)
    here = next((each for each in memberships if each.organization_id == principal.organization_id), None)
    if here is None:
        return {"viewer": None}
    return {"viewer": Viewer(principal, here.organization, here.role, memberships)}
