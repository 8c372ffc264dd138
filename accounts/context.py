"""What every page's template knows: who looks at it, for which organization, and what they may do."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts import selectors
from accounts.models import Membership, Organization, User
from accounts.principal import Principal
from accounts.rights import Right
from accounts.services import email_addresses


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
    """`viewer` is None for those who are not logged in or belong to no organization; `needs_verification` says whether
    somebody is logged in whose email address is not proven."""
    principal: Principal | None = getattr(request, "principal", None)
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"viewer": None, "needs_verification": False}
    # templates call it: only layouts that ask cost a query
    return {"viewer": _viewer(user, principal), "needs_verification": lambda: not email_addresses.is_verified(user)}


def _viewer(user: User, principal: Principal | None) -> Viewer | None:
    if principal is None:
        return None
    memberships = selectors.memberships_of(user)
    here = next((each for each in memberships if each.organization_id == principal.organization_id), None)
    return None if here is None else Viewer(principal, here.organization, here.role, memberships)
