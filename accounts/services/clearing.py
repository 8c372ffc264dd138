"""Clearing what other apps keep of organizations that are gone (see `accounts.belongings`)."""

import logging
import time
from uuid import UUID

from accounts import belongings
from accounts.belongings import BelongingsUnavailableError
from accounts.models import Organization

logger = logging.getLogger(__name__)


def clear(organization_id: UUID, *, within_seconds: float | None = None) -> bool:
    """Erases what other apps keep of an organization. False when time ran out or a store was away."""
    end = None if within_seconds is None else time.monotonic() + within_seconds
    is_clear = True
    for kept in belongings.registered():
        try:
            for _ in kept.erase(organization_id):
                if end is not None and time.monotonic() > end:
                    return False
        except BelongingsUnavailableError as error:
            logger.warning("organization.not_cleared", extra={"belongings": kept.name, "cause": str(error)})
            is_clear = False
    return is_clear


def sweep() -> int:
    """Clears what belongs to organizations that are gone. Returns how many of those there were."""
    owners = {owner for kept in belongings.registered() for owner in kept.organizations()}
    # asked after: an organization is there before anything of it is
    gone = owners - set(Organization.objects.filter(pk__in=owners).values_list("pk", flat=True))
    for organization_id in gone:
        logger.info("organization.swept", extra={"organization_id": str(organization_id)})
        clear(organization_id)
    return len(gone)
