"""The list of what lies in this process's memory."""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from uuid import UUID

from caching.backends.memory import Kept, MemoryStore
from caching.exact_index import State
from caching.places import Place, entries_prefix, namespace_prefix
from caching.shelf import Position


class MemoryIndex:
    """Over all stores of the process, of which one holds the cache."""

    def __init__(self, stores: Callable[[], Sequence[MemoryStore]]) -> None:
        self._stores = stores

    def walls(self, organization_id: UUID) -> Sequence[str]:
        return sorted({place.wall for place, _ in self._shelved(entries_prefix(organization_id))})

    def members(self, organization_id: UUID, wall: str, after: Position | None) -> Iterator[tuple[Position, Place]]:
        found = [
            (Position(kept.shelving.stored_at, place.id), place)
            for place, kept in self._shelved(namespace_prefix(organization_id, wall))
            if kept.shelving is not None
        ]
        found.sort(key=lambda member: member[0], reverse=True)
        return iter([member for member in found if after is None or member[0] < after])

    def cards(self, places: Sequence[Place]) -> Sequence[bytes | None]:
        return [_card(self._kept(place)) for place in places]

    def states(self, places: Sequence[Place]) -> Sequence[State | None]:
        return [self._state(place) for place in places]

    def card(self, organization_id: UUID, entry_id: UUID) -> bytes | None:
        shelved = self._shelved(entries_prefix(organization_id))
        return next((_card(kept) for place, kept in shelved if place.id == entry_id), None)

    def value(self, place: Place) -> bytes | None:
        kept = self._kept(place)
        return None if kept is None else kept.value

    def mark_purged(self, organization_id: UUID, wall: str | None = None) -> None:
        prefix = entries_prefix(organization_id) if wall is None else namespace_prefix(organization_id, wall)
        for store in self._stores():
            store.mark_purged(prefix)

    def hold_off(self, place: Place) -> None:
        for store in self._stores():
            store.mark_purged(place.entry_key)

    def drop(self, places: Sequence[Place], *, is_purged: bool) -> int:
        count = 0
        for store in self._stores():
            for place in places:
                if is_purged:
                    store.mark_purged(place.entry_key)
                count += store.forget(place.entry_key) if store.find(place.entry_key) is not None else 0
        return count

    def sweep(self, organization_id: UUID, wall: str | None) -> int:  # noqa: ARG002 - as the protocol has it
        """Nothing: here a list and its entries are one."""
        return 0

    def pin(self, place: Place) -> bool:
        return self._change(place, ttl_seconds=inf)

    def unpin(self, place: Place, *, ttl_seconds: int) -> bool:
        return self._change(place, ttl_seconds=ttl_seconds)

    def mark_wrong(self, place: Place, card: bytes, *, ttl_seconds: int) -> bool:
        for store in self._stores():
            store.mark_purged(place.entry_key)
        return self._change(place, ttl_seconds=ttl_seconds, card=card, empties=True)

    def _change(self, place: Place, *, ttl_seconds: float, card: bytes | None = None, empties: bool = False) -> bool:
        stores = self._stores()
        changed = [
            store.change(place.entry_key, ttl_seconds=ttl_seconds, card=card, empties=empties) for store in stores
        ]
        return any(changed)

    def _shelved(self, prefix: bytes) -> list[tuple[Place, Kept]]:
        return [row for store in self._stores() for row in store.shelved(prefix)]

    def _kept(self, place: Place) -> Kept | None:
        return next((kept for store in self._stores() if (kept := store.find(place.entry_key)) is not None), None)

    def _state(self, place: Place) -> State | None:
        for store in self._stores():
            kept = store.find(place.entry_key)
            if kept is not None:
                left = store.seconds_left(kept)
                return State(len(kept.value or b""), None if left == inf else left)
        return None


def _card(kept: Kept | None) -> bytes | None:
    return None if kept is None or kept.shelving is None else kept.shelving.card
