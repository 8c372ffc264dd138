"""What operators do to people: each organization of that person reads of it in its own audit log."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.actor import Actor, Origin
from accounts.models import ApiKey, KeyPurpose, Membership, User
from accounts.principal import Principal
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.services import api_keys, organizations
from acron_site.lib.errors import InsufficientScopeError, NotFoundError


@transaction.atomic
def set_access(operator: User, user_id: UUID, *, is_active: bool, is_staff: bool, origin: Origin) -> None:
    """Lets somebody in or locks them out, and makes an operator of them or no longer.

    Whoever is locked out loses their sessions with the next request, and the keys that signing up and logging in
    gave them within a second. Only superusers make operators, and nobody changes themselves.
    """
    # no stronger lock, see `organizations.lock`
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFoundError("there is no such person any more; go back to the list")
    before = {"is_active": user.is_active, "is_staff": user.is_staff}
    after = {"is_active": is_active, "is_staff": is_staff}
    changed = [name for name in before if before[name] != after[name]]
    if not changed:
        return
    _require_may(operator, user, changed)
    user.is_active, user.is_staff = is_active, is_staff
    user.save(update_fields=changed)
    # one order for all: two operators at once must not wait for each other
    for membership in user.memberships.order_by("organization_id"):
        organizations.lock(membership.organization_id)
        actor = _actor(operator, membership, origin)
        audit.record(
            actor,
            "operator.changed_access",
            user,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
        if not is_active:
            api_keys.end(actor, _personal_keys(membership))


def _require_may(operator: User, user: User, changed: list[str]) -> None:
    if not (operator.is_active and operator.is_staff):
        raise InsufficientScopeError("only operators may do this; ask one of them")
    if operator.pk == user.pk:
        raise InsufficientScopeError("nobody changes their own access; ask another operator")
    if not operator.is_superuser and ("is_staff" in changed or user.is_superuser):
        raise InsufficientScopeError("only a superuser makes operators or changes one; ask one of them")


def _actor(operator: User, membership: Membership, origin: Origin) -> Actor:
    principal = Principal(membership.organization_id, frozenset({Scope.ADMIN}), user_id=operator.pk, role=Role.OWNER)
    return Actor(principal, origin)


def _personal_keys(membership: Membership) -> QuerySet[ApiKey]:
    """Those that speak for the person; keys made for programs are the organization's and stay."""
    own: QuerySet[ApiKey] = ApiKey.objects.for_organization(membership.organization_id)
    personal = (KeyPurpose.SIGN_UP, KeyPurpose.LOGIN)
    return own.filter(created_by=membership.user_id, purpose__in=personal, revoked_at=None)
