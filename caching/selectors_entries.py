"""Reading lists of kept entries, which say nothing of what was asked and answered."""

from collections.abc import Sequence
from uuid import UUID

from acron_site.lib.errors import NotFoundError
from caching.entry_query import Selection
from caching.shelf import Listed, Opened, Position, Shelf, Slice, merged


def page(
    shelves: Sequence[Shelf], organization_id: UUID, chosen: Selection, *, after: Position | None, limit: int
) -> Slice:
    """Of all tiers that are meant, newest first."""
    slices = [
        shelf.list(organization_id, chosen.wanted, after=after, limit=limit)
        for shelf in shelves
        if shelf.tier in chosen.tiers
    ]
    return merged(slices, limit)


def one(shelves: Sequence[Shelf], organization_id: UUID, entry_id: UUID) -> Listed:
    """One entry, without what was said. Raises NotFoundError."""
    return find(shelves, organization_id, entry_id)[1].listed


def find(shelves: Sequence[Shelf], organization_id: UUID, entry_id: UUID) -> tuple[Shelf, Opened]:
    """For services: where it lies, and what was said, which nobody sees without a record. Raises NotFoundError."""
    for shelf in shelves:
        opened = shelf.read(organization_id, entry_id)
        if opened is not None:
            return shelf, opened
    raise no_such_entry()


def no_such_entry() -> NotFoundError:
    return NotFoundError("there is no such entry (any more); GET /cache/entries lists those there are")
