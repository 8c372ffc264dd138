"""What people do with kept entries, on the record: read, delete, pin, mark, purge, take along."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import transaction

from accounts import audit
from accounts.actor import Actor
from accounts.rights import Right
from acron_site.lib.errors import ConflictError, InvalidRequestError
from caching import selectors_entries
from caching.entry_query import Selection
from caching.shelf import Listed, Opened, Position, Shelf, Slice

Act = Callable[[Shelf, UUID, UUID], bool]


@transaction.atomic
def read(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID) -> Opened:
    """Reading somebody's words is an act, so it stands in the audit log. Raises NotFoundError."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    _, opened = selectors_entries.find(shelves, actor.organization_id, entry_id)
    _record(actor, "cache_entry.read", opened.listed)
    return opened


@transaction.atomic
def search(shelves: Sequence[Shelf], actor: Actor, chosen: Selection, *, after: Position | None, limit: int) -> Slice:
    """A list by what stands in questions: whoever asks long enough has read them, so it takes the same and is recorded
    too."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    audit.record(actor, "cache_entries.searched", after={"filters": chosen.words})
    return selectors_entries.page(shelves, actor.organization_id, chosen, after=after, limit=limit)


@transaction.atomic
def begin_export(actor: Actor, chosen: Selection) -> None:
    """Who takes the entries along is recorded before the first of them is sent."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    audit.record(actor, "cache_entries.exported", after={"filters": chosen.words})


@transaction.atomic
def delete(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID) -> None:
    """In every tier: what answers the same request goes with it. Raises NotFoundError."""
    _with_twins(shelves, actor, entry_id, "cache_entry.deleted", lambda shelf, *place: shelf.delete(*place))


@transaction.atomic
def mark_wrong(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID) -> None:
    """In every tier: what answers the same request is not served any more either. Raises NotFoundError."""
    _with_twins(shelves, actor, entry_id, "cache_entry.marked_wrong", lambda shelf, *place: shelf.mark_wrong(*place))


@transaction.atomic
def pin(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID) -> None:
    """Raises NotFoundError, and ConflictError for what is marked as wrong."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    _, opened = selectors_entries.find(shelves, actor.organization_id, entry_id)
    if opened.listed.marked_wrong_at is not None:
        raise ConflictError("this entry is marked as wrong and is not served; ask again for a fresh answer to pin")
    _alone(shelves, actor, entry_id, "cache_entry.pinned", lambda shelf, *place: shelf.pin(*place))


@transaction.atomic
def unpin(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID) -> None:
    _alone(shelves, actor, entry_id, "cache_entry.unpinned", lambda shelf, *place: shelf.unpin(*place))


@transaction.atomic
def purge(
    shelves: Sequence[Shelf], actor: Actor, chosen: Selection, *, is_trial: bool, is_all: bool = False
) -> dict[int, int]:
    """How many of each tier were deleted, or would be. Raises InvalidRequestError when nothing says which.

    `is_all`: everything is really meant.
    """
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    if chosen.is_everything and not is_all:
        raise InvalidRequestError('nothing says which entries; send a filter, or "all": true for every one of them')
    # a trial tells what stands in questions, too
    if not is_trial or chosen.wanted.reads_questions:
        audit.record(actor, "cache_entries.counted" if is_trial else "cache.purged", after={"filters": chosen.words})
    return {
        shelf.tier: shelf.purge(actor.organization_id, chosen.wanted, is_trial=is_trial)
        for shelf in shelves
        if shelf.tier in chosen.tiers
    }


def _with_twins(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID, action: str, act: Act) -> None:
    listed = _alone(shelves, actor, entry_id, action, act)
    for shelf in shelves:
        # first: what is under way may come in between
        shelf.hold_off(actor.organization_id, listed.namespace, listed.fingerprint)
        for twin in shelf.twins(actor.organization_id, listed.namespace, listed.fingerprint):
            if twin != entry_id:
                act(shelf, actor.organization_id, twin)


def _alone(shelves: Sequence[Shelf], actor: Actor, entry_id: UUID, action: str, act: Act) -> Listed:
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    shelf, opened = selectors_entries.find(shelves, actor.organization_id, entry_id)
    _record(actor, action, opened.listed)
    if not act(shelf, actor.organization_id, entry_id):
        raise selectors_entries.no_such_entry()
    return opened.listed


def _record(actor: Actor, action: str, listed: Listed) -> None:
    audit.record(actor, action, after={"entry_id": listed.id, "tier": listed.tier})
