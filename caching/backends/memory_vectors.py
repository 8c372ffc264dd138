"""A semantic store in this process's memory: least recently used entries go first."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from caching.places import MARK_SECONDS, Place, marks, wall_of
from caching.protocols import Keepsake, Kept, Namespace, Neighbour, Partition, Space, Vector

# what an entry takes besides its texts and its vector: dictionary slots, objects' headers, the id in its shelf
_OVERHEAD_BYTES = 1_200
_FIRST_ROWS = 16

_Place = tuple[Partition, Space]
_Request = tuple[Namespace, bytes, Space]  # the exact one
_Mark = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Held:
    """An entry as it stands. What is pinned neither ends nor makes room; what is wrong has no answer any more."""

    keepsake: Keepsake
    space: Space
    size_bytes: int
    expires_at: float
    hits: int = 0
    is_pinned: bool = False
    marked_wrong_at: float | None = None

    @property
    def id(self) -> UUID:
        return self.keepsake.id

    @property
    def namespace(self) -> Namespace:
        return self.keepsake.partition.namespace

    @property
    def fingerprint(self) -> bytes:
        return self.keepsake.fingerprint

    @property
    def request(self) -> _Request:
        return self.namespace, self.fingerprint, self.space

    @property
    def place(self) -> _Place:
        return self.keepsake.partition, self.space

    @property
    def is_servable(self) -> bool:
        return self.marked_wrong_at is None

    def has_ended(self, now: float) -> bool:
        return not self.is_pinned and self.expires_at <= now


class _Shelf:
    """The vectors of one partition in one space, as the rows of a matrix."""

    def __init__(self, dimension: int) -> None:
        self.ids: list[UUID] = []
        self._at: dict[UUID, int] = {}
        self._matrix: NDArray[np.float32] = np.empty((_FIRST_ROWS, dimension), dtype=np.float32)

    def add(self, entry_id: UUID, vector: Vector) -> None:
        row = len(self.ids)
        if row == len(self._matrix):
            self._matrix = np.resize(self._matrix, (2 * row, self._matrix.shape[1]))
        self._matrix[row] = vector
        self._at[entry_id] = row
        self.ids.append(entry_id)

    def remove(self, entry_id: UUID) -> None:
        """The last row takes the place."""
        row, last = self._at.pop(entry_id), self.ids.pop()
        if last != entry_id:
            self.ids[row], self._at[last] = last, row
            self._matrix[row] = self._matrix[len(self.ids)]

    def nearest(self, vector: Vector, limit: int) -> list[tuple[UUID, float]]:
        similarities = self._matrix[: len(self.ids)] @ vector
        if limit < len(similarities):
            best = np.argpartition(similarities, -limit)[-limit:]
        else:
            best = np.arange(len(similarities))
        ordered = best[np.argsort(-similarities[best])]
        return [(self.ids[row], float(similarities[row])) for row in ordered]


class MemoryVectors:
    """A SemanticStore for one process, of about `max_bytes`; `clock` tells seconds since 1970.

    Safe to use from threads: people list and purge from others than the one that serves.
    """

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.time) -> None:
        self.name = "memory"
        self._max_bytes, self._clock = max_bytes, clock
        self._entries: OrderedDict[UUID, Held] = OrderedDict()
        self._requests: dict[_Request, UUID] = {}
        self._shelves: dict[_Place, _Shelf] = {}
        self._size_bytes = 0
        self._purged: dict[_Mark, float] = {}
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    async def nearest(self, partition: Partition, space: Space, vector: Vector, *, limit: int) -> Sequence[Neighbour]:
        place = (partition, space)
        with self._lock:
            shelf = self._shelves.get(place) if len(vector) == space.dimension else None
            while shelf is not None:
                found = [(self._entries[id_], similarity) for id_, similarity in shelf.nearest(vector, limit)]
                over = [entry for entry, _ in found if entry.has_ended(self._clock())]
                if not over:
                    return [Neighbour(entry.id, near, entry.keepsake.question) for entry, near in found]
                for entry in over:
                    self._remove(entry.id)
                shelf = self._shelves.get(place)
        return []

    async def fetch(self, namespace: Namespace, entry_id: UUID) -> Kept | None:
        with self._lock:
            entry = self._living(entry_id)
            if entry is None or entry.namespace != namespace or not entry.is_servable:
                return None
            return Kept(entry.keepsake.note, entry.keepsake.body, entry.keepsake.stored_at)

    def put(self, keepsake: Keepsake, space: Space) -> None:
        entry = Held(keepsake, space, _size_of(keepsake), keepsake.expires_at)
        if len(keepsake.vector) != space.dimension or entry.size_bytes > self._max_bytes:
            return
        with self._lock:
            if self._may_keep(entry):
                former = self._requests.get(entry.request)
                if former is not None:
                    self._remove(former)
                self._add(entry)
                self._make_room()

    def note_hit(self, namespace: Namespace, entry_id: UUID) -> None:
        """Somebody was served this entry: it makes room later than others."""
        with self._lock:
            entry = self._entries.get(entry_id)
            if entry is not None and entry.namespace == namespace:
                self._entries[entry_id] = replace(entry, hits=entry.hits + 1)
                self._entries.move_to_end(entry_id)

    async def is_up(self) -> bool:
        return True

    async def close(self) -> None:
        with self._lock:
            for entry_id in list(self._entries):
                self._remove(entry_id)

    # for those who list

    def held(self, organization_id: UUID) -> Sequence[Held]:
        with self._lock:
            now = self._clock()
            own = [entry for entry in self._entries.values() if entry.namespace.organization_id == organization_id]
            return [entry for entry in own if not entry.has_ended(now)]

    def drop(self, entry_ids: Iterable[UUID]) -> int:
        """How many were there."""
        with self._lock:
            gone = [entry_id for entry_id in entry_ids if entry_id in self._entries]
            for entry_id in gone:
                self._remove(entry_id)
            return len(gone)

    def pin(self, entry_id: UUID, *, is_pinned: bool) -> bool:
        """What is no longer pinned has its time once more."""
        with self._lock:
            entry = self._living(entry_id)
            if entry is None or not entry.is_servable:
                return False
            expires_at = entry.expires_at if is_pinned else self._clock() + entry.keepsake.ttl_seconds
            self._entries[entry_id] = replace(entry, expires_at=expires_at, is_pinned=is_pinned)
            return True

    def mark_wrong(self, entry_id: UUID) -> bool:
        """It keeps its question and loses its answer, and its place among the vectors."""
        with self._lock:
            entry = self._living(entry_id)
            if entry is None:
                return False
            now = self._clock()
            kept = replace(entry.keepsake, body=b"", note=b"")
            self._remove(entry_id)
            self._add(Held(kept, entry.space, _size_of(kept), now + kept.ttl_seconds, entry.hits, marked_wrong_at=now))
            return True

    def mark_purged(self, organization_id: UUID, what: str) -> None:
        """What was asked for already is not kept any more in a place that is marked so, see `places.marks`."""
        with self._lock:
            now = time.perf_counter()
            self._purged = {mark: at for mark, at in self._purged.items() if at > now - MARK_SECONDS}
            self._purged[organization_id, what] = now

    def forget(self, organization_id: UUID) -> None:
        """Lets go of all that is the organization's."""
        with self._lock:
            for entry in list(self._entries.values()):
                if entry.namespace.organization_id == organization_id:
                    self._remove(entry.id)

    def _living(self, entry_id: UUID) -> Held | None:
        entry = self._entries.get(entry_id)
        if entry is not None and entry.has_ended(self._clock()):
            self._remove(entry_id)
            return None
        return entry

    def _may_keep(self, entry: Held) -> bool:
        """Not what was purged since it was asked for, and not in the place of what is pinned."""
        kept, organization_id = entry.keepsake, entry.namespace.organization_id
        former = self._requests.get(entry.request)
        if former is None and kept.id in self._entries:  # ids are ours; another's is not overwritten
            return False
        if former is not None and self._entries[former].is_pinned:
            return False
        if not self._purged:
            return True
        place = Place(organization_id, wall_of(entry.namespace.name), kept.fingerprint)
        return all(kept.asked_at > self._purged.get((organization_id, what), -inf) for what in marks(place))

    def _make_room(self) -> None:
        for _ in range(len(self._entries)):
            if self._size_bytes <= self._max_bytes:
                return
            entry_id, entry = next(iter(self._entries.items()))
            if entry.is_pinned:
                self._entries.move_to_end(entry_id)
            else:
                self._remove(entry_id)

    def _add(self, entry: Held) -> None:
        if entry.is_servable:
            shelf = self._shelves.get(entry.place)
            if shelf is None:
                shelf = self._shelves[entry.place] = _Shelf(entry.space.dimension)
            shelf.add(entry.id, entry.keepsake.vector)
        self._entries[entry.id] = entry
        self._requests[entry.request] = entry.id
        self._size_bytes += entry.size_bytes

    def _remove(self, entry_id: UUID) -> None:
        entry = self._entries.pop(entry_id)
        if entry.is_servable:
            shelf = self._shelves[entry.place]
            shelf.remove(entry_id)
            if not shelf.ids:
                del self._shelves[entry.place]
        del self._requests[entry.request]
        self._size_bytes -= entry.size_bytes


def _size_of(keepsake: Keepsake) -> int:
    # the vector lies twice: in the keepsake and in its shelf, whose matrix may be half empty
    texts = len(keepsake.question.encode("utf-8", "surrogatepass")) + len(keepsake.note) + len(keepsake.body)
    return texts + 3 * keepsake.vector.nbytes + _OVERHEAD_BYTES
