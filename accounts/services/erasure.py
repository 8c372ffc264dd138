"""Erasing organizations and accounts: all that is kept of them, everywhere.

An organization goes in two steps. One transaction removes its rows, its audit log too, and ends its keys. After it,
what other apps keep (`accounts.belongings`: cache entries, the ledger) is cleared, as far as that goes in a few
seconds; a background job does the rest, and looks once more when the last request that was under way has ended.
What comes even later, like the journal of a machine that was off, is found by `clearing.sweep`.
"""

import logging
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import connection, transaction

from accounts import actor as actors
from accounts import emails, jobs, news, selectors_account, tasks
from accounts.actor import Actor, Origin
from accounts.models import User
from accounts.rights import Right
from accounts.selectors_account import Place
from accounts.services import clearing, members, organizations
from accounts.tenancy import OrganizationScopedModel
from acron_site.lib.errors import ConflictError, NotFoundError

logger = logging.getLogger(__name__)

_AT_ONCE_SECONDS = 5.0  # for what the caller waits for
_LONGEST_REQUEST_SECONDS = 660.0  # a provider's call that is under way may put its answer into the cache until then


@transaction.atomic
def erase_organization(actor: Actor) -> None:
    """Removes the actor's organization with all that is kept of it. Only owners may."""
    actor = members.at_work(actor)
    actor.principal.require_right(Right.DELETE_ORGANIZATION)
    _erase(actor.organization_id)


@transaction.atomic
def delete_account(user_id: UUID, *, origin: Origin | None = None) -> None:
    """Removes a person, and the organizations that only they belong to. Others go on without them.

    Raises ConflictError while they are the last owner of an organization that others belong to.
    """
    # first the person, then their organizations in one order for everybody: nobody waits in a circle. No stronger lock:
    # a row that names the person takes a light one on them when its transaction ends, and may hold the organization
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFoundError("this account was deleted")
    for organization_id in sorted(user.memberships.values_list("organization_id", flat=True)):
        organizations.lock(organization_id)
    # read only now: of two owners who go at the same time, the second may be the last one
    places = selectors_account.places_of(user)
    _require_heirs(places)
    for place in places:
        _leave(user, place, origin)
    for session in UserSession.objects.filter(user=user):
        session.end()
    emails.queue(user.email, "account_deleted")
    logger.info("account.deleted", extra={"user_id": str(user.pk)})
    user.delete()


def _require_heirs(places: Sequence[Place]) -> None:
    held = [place.name for place in places if place.is_last_owner]
    if held:
        raise ConflictError(
            f"you are the only owner of {', '.join(held)}, and others belong to it: make another member an owner "
            "under /members, remove the members, or delete the organization under /settings/delete-organization"
        )


def _leave(user: User, place: Place, origin: Origin | None) -> None:
    if place.is_alone:
        _erase(place.organization_id)
    else:
        members.leave(actors.person(place.organization_id, user.pk, place.role, origin))


def _erase(organization_id: UUID) -> None:
    """Without asking whether anybody may. The caller holds the organization's lock."""
    news.organization_changed(organization_id)  # its keys, and those who call without one
    with connection.cursor() as cursor:
        # the audit log's trigger lets an organization's chain go only as a whole, and only in this transaction
        cursor.execute("SELECT set_config('acron.erasing', %s, true)", [str(organization_id)])
        for table in _tables():
            table.objects.for_organization(organization_id).delete()
        # in SQL: Django would want to remove the ledger's rows within this transaction, however many there are
        cursor.execute("DELETE FROM accounts_organization WHERE id = %s", [organization_id])
    logger.info("organization.erased", extra={"organization_id": str(organization_id)})
    # robust: the organization is gone, whatever becomes of this
    transaction.on_commit(partial(_clear_now, organization_id), robust=True)


def _tables() -> list[type[OrganizationScopedModel]]:
    """Those that the database ties to the organization; the others are somebody's belongings."""
    scoped = [model for model in apps.get_models() if issubclass(model, OrganizationScopedModel)]
    return [model for model in scoped if getattr(model._meta.get_field("organization"), "db_constraint", True)]


def _clear_now(organization_id: UUID) -> None:
    is_clear = clearing.clear(organization_id, within_seconds=_AT_ONCE_SECONDS)
    if not is_clear:
        jobs.start(tasks.clear_belongings, str(organization_id))
    jobs.start(tasks.clear_belongings, str(organization_id), after_seconds=_LONGEST_REQUEST_SECONDS)
