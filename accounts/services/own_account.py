"""As whom a person acts on their own account: in the organization they joined first.

An account stands outside organizations, the audit log inside of them. What people do to their own account is recorded
in that one organization; people who belong to none have nowhere it could be recorded.
"""

from accounts import actor as actors
from accounts import audit, selectors
from accounts.actor import Actor, Origin
from accounts.models import User
from accounts.roles import Role


def acting(user: User, origin: Origin) -> Actor | None:
    membership = selectors.first_membership(user)
    if membership is None:
        return None
    return actors.person(membership.organization_id, user.pk, Role(membership.role), origin)


def record(user: User, action: str, origin: Origin, **after: object) -> None:
    """Adds an act of a person on their own account to the audit log, in the caller's transaction."""
    actor = acting(user, origin)
    if actor is not None:
        audit.record(actor, action, user, after=after)
