"""Reading lists of kept entries, which say nothing of what was asked and answered."""

from collections.abc import Sequence
from uuid import UUID

from caching.entry_query import Selection
from caching.shelf import Position, Shelf, Slice, merged


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
