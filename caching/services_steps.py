"""What people and programs do to kept steps, on the record."""

from collections.abc import Iterable

from asgiref.sync import async_to_sync
from django.db import transaction

from accounts import audit
from accounts.actor import Actor
from accounts.rights import Right
from caching import namespaces, steps, wiring


@transaction.atomic
def invalidate(actor: Actor, tags: Iterable[str], *, namespace: str) -> None:
    """From now on no worker finds a step that was, or is being, computed from what these tags stand for."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    place = namespaces.named(actor.organization_id, namespace)
    names = sorted(steps.tags_from(tags))
    audit.record(actor, "cache.steps_invalidated", after={"namespace": namespace, "tags": names})
    # last: it cannot be undone, and what it raises undoes the record
    async_to_sync(wiring.invalidate_steps)(place, names)
