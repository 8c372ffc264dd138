"""Makes the API key that a line of the ACCESS table names."""

from typing import Any

from accounts import actor as actors
from accounts.models import Membership
from accounts.scopes import Scope
from accounts.services import api_keys


def an_api_key(organization: Any) -> dict[str, Any]:
    """A key of whoever joined last: the caller of a page, if it is one."""
    newest = Membership.objects.for_organization(organization.pk).order_by("-created_at", "-id").first()
    issued = api_keys.issue(
        actors.system(organization.pk),
        organization,
        "made",
        scopes=[Scope.INFER],
        created_by=newest.user if newest else None,
    )
    return {"key_id": issued.key.pk}
