"""A cache store in this process's memory: least recently used entries go first."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from caching.backends.memory_rooms import Rooms
from caching.places import MARK_SECONDS, Place, Shelving, entries_prefix, namespace_prefix, plain

# what an entry takes besides its key and value: dictionary slot, objects' headers (measured with tracemalloc)
_OVERHEAD_BYTES = 300


@dataclass(frozen=True, slots=True)
class Kept:
    """`expires_at` is infinite for what is pinned; `value` is None where it was let go of and only the card is left."""

    value: bytes | None
    expires_at: float
    size_bytes: int
    shelving: Shelving | None = None


class MemoryStore:
    """An ExactStore for one process, of at most `max_bytes`; `clock` counts seconds and never goes back.

    Safe to use from threads: people list and purge from others than the one that serves.
    """

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = "memory"
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[bytes, Kept] = OrderedDict()
        self._size_bytes = 0
        self._rooms = Rooms()
        self._purged: dict[bytes, float] = {}
        self._lock = threading.Lock()

    @property
    def is_reachable(self) -> bool:
        return True

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    async def get(self, key: bytes) -> bytes | None:
        with self._lock:
            kept = self._living(key)
            if kept is None:
                return None
            self._entries.move_to_end(key)
            if kept.shelving is not None:
                self._rooms.touch(kept.shelving.place)
            return kept.value

    def put(self, key: bytes, value: bytes, ttl_seconds: int, *, shelving: Shelving | None = None) -> None:
        with self._lock:
            if shelving is not None and not self._may_shelve(key, shelving):
                return
            self._remove(key)
            size_bytes = len(key) + len(value) + _OVERHEAD_BYTES + (len(shelving.card) if shelving else 0)
            if ttl_seconds <= 0 or size_bytes > self._max_bytes:
                return
            self._entries[key] = Kept(value, self._clock() + ttl_seconds, size_bytes, shelving)
            self._size_bytes += size_bytes
            if shelving is not None:
                self._rooms.add(shelving.place, size_bytes)
                self._make_room_in_namespace(shelving)
            self._make_room()

    async def is_up(self) -> bool:
        return True

    async def close(self) -> None:
        with self._lock:
            self._entries.clear()
            self._rooms.clear()
            self._size_bytes = 0

    def forget(self, prefix: bytes) -> int:
        """Lets go of all that lies under keys that begin so; how many they were."""
        with self._lock:
            gone = [key for key in self._entries if key.startswith(prefix)]
            for key in gone:
                self._remove(key)
            return len(gone)

    def count(self, prefix: bytes) -> int:
        with self._lock:
            return sum(key.startswith(prefix) for key in self._entries)

    def mark_purged(self, prefix: bytes) -> None:
        """What is asked for already is not kept any more under keys that begin so: an organization's, a namespace's,
        one entry's."""
        with self._lock:
            oldest = self._clock() - MARK_SECONDS
            self._purged = {each: at for each, at in self._purged.items() if at > oldest}
            self._purged[prefix] = self._clock()

    # for those who list

    def shelved(self, prefix: bytes) -> list[tuple[Place, Kept]]:
        with self._lock:
            now = self._clock()
            return [
                (kept.shelving.place, kept)
                for key, kept in self._entries.items()
                if kept.shelving is not None and kept.expires_at > now and key.startswith(prefix)
            ]

    def find(self, key: bytes) -> Kept | None:
        with self._lock:
            return self._living(key)

    def seconds_left(self, kept: Kept) -> float:
        return kept.expires_at - self._clock()

    def change(self, key: bytes, *, ttl_seconds: float | None = None, card: bytes | None = None, empties: bool) -> bool:
        """Another time to live (infinite: pinned), another card, no value any more; False if it has gone."""
        with self._lock:
            kept = self._living(key)
            if kept is None or kept.shelving is None:
                return False
            changed = replace(
                kept,
                value=None if empties else kept.value,
                expires_at=kept.expires_at if ttl_seconds is None else self._clock() + ttl_seconds,
                shelving=kept.shelving if card is None else replace(kept.shelving, card=card),
            )
            self._entries[key] = changed
            self._rooms.remove(kept.shelving.place)
            if changed.expires_at != inf:
                self._rooms.add(kept.shelving.place, kept.size_bytes)
            return True

    def _living(self, key: bytes) -> Kept | None:
        kept = self._entries.get(key)
        if kept is not None and kept.expires_at <= self._clock():
            self._remove(key)
            return None
        return kept

    def _may_shelve(self, key: bytes, shelving: Shelving) -> bool:
        """Not what was purged since its request began, and not over a pinned entry."""
        former = self._entries.get(key)
        if former is not None and former.expires_at == inf:
            return False
        if not self._purged:
            return True
        begun_at, place = self._clock() - shelving.begun_seconds_ago, shelving.place
        organization_id = place.organization_id
        walls = (entries_prefix(organization_id), namespace_prefix(organization_id, plain(place.wall)), key)
        return all(begun_at > self._purged.get(wall, -inf) for wall in walls)

    def _make_room_in_namespace(self, shelving: Shelving) -> None:
        if shelving.namespace_max_bytes:
            for key in self._rooms.beyond(shelving.place, shelving.namespace_max_bytes):
                self._remove(key)

    def _make_room(self) -> None:
        for _ in range(len(self._entries)):
            if self._size_bytes <= self._max_bytes:
                return
            key, kept = next(iter(self._entries.items()))
            if kept.expires_at == inf:
                self._entries.move_to_end(key)
            else:
                self._remove(key)

    def _remove(self, key: bytes) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._size_bytes -= kept.size_bytes
            if kept.shelving is not None:
                self._rooms.remove(kept.shelving.place)
