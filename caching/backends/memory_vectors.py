"""A semantic store in this process's memory: least recently used entries go first."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from caching.protocols import Keepsake, Kept, Namespace, Neighbour, Partition, Space, Vector

# what an entry takes besides its texts and its vector: dictionary slots, objects' headers, the id in its shelf
_OVERHEAD_BYTES = 1_200
_FIRST_ROWS = 16

_Place = tuple[Partition, Space]
_Request = tuple[Namespace, bytes, Space]  # the exact one


@dataclass(frozen=True, slots=True)
class _Entry:
    keepsake: Keepsake
    place: _Place
    size_bytes: int

    @property
    def request(self) -> _Request:
        return self.keepsake.partition.namespace, self.keepsake.fingerprint, self.place[1]


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
    """A SemanticStore for one process, of about `max_bytes`; `clock` tells seconds since 1970."""

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.time) -> None:
        self.name = "memory"
        self._max_bytes, self._clock = max_bytes, clock
        self._entries: OrderedDict[UUID, _Entry] = OrderedDict()
        self._requests: dict[_Request, UUID] = {}
        self._shelves: dict[_Place, _Shelf] = {}
        self._size_bytes = 0
        self._forgotten: deque[UUID] = deque()

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def forget(self, organization_id: UUID) -> None:
        """Lets go of all that is the organization's. To be called from any thread: it is done by the one that serves,
        before it serves again."""
        self._forgotten.append(organization_id)

    async def nearest(self, partition: Partition, space: Space, vector: Vector, *, limit: int) -> Sequence[Neighbour]:
        self._let_go()
        place = (partition, space)
        shelf = self._shelves.get(place) if len(vector) == space.dimension else None
        while shelf is not None:
            found = [(self._entries[id_], similarity) for id_, similarity in shelf.nearest(vector, limit)]
            over = [entry for entry, _ in found if entry.keepsake.expires_at <= self._clock()]
            if not over:
                return [Neighbour(entry.keepsake.id, near, entry.keepsake.question) for entry, near in found]
            for entry in over:
                self._remove(entry.keepsake.id)
            shelf = self._shelves.get(place)
        return []

    async def fetch(self, namespace: Namespace, entry_id: UUID) -> Kept | None:
        self._let_go()
        entry = self._entries.get(entry_id)
        if entry is None or entry.keepsake.partition.namespace != namespace:
            return None
        if entry.keepsake.expires_at <= self._clock():
            self._remove(entry_id)
            return None
        return Kept(entry.keepsake.note, entry.keepsake.body, entry.keepsake.stored_at)

    def put(self, keepsake: Keepsake, space: Space) -> None:
        self._let_go()
        entry = _Entry(keepsake, (keepsake.partition, space), _size_of(keepsake))
        if len(keepsake.vector) != space.dimension or entry.size_bytes > self._max_bytes:
            return
        former = self._requests.get(entry.request)
        if former is not None:
            self._remove(former)
        elif keepsake.id in self._entries:  # ids are ours; another's is not overwritten
            return
        self._add(entry)
        while self._size_bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def note_hit(self, namespace: Namespace, entry_id: UUID) -> None:
        """Somebody was served this entry: it makes room later than others."""
        entry = self._entries.get(entry_id)
        if entry is not None and entry.keepsake.partition.namespace == namespace:
            self._entries.move_to_end(entry_id)

    async def is_up(self) -> bool:
        return True

    async def close(self) -> None:
        for entry_id in list(self._entries):
            self._remove(entry_id)

    def _add(self, entry: _Entry) -> None:
        entry_id, vector = entry.keepsake.id, entry.keepsake.vector
        shelf = self._shelves.get(entry.place)
        if shelf is None:
            shelf = self._shelves[entry.place] = _Shelf(len(vector))
        shelf.add(entry_id, vector)
        self._entries[entry_id] = entry
        self._requests[entry.request] = entry_id
        self._size_bytes += entry.size_bytes

    def _remove(self, entry_id: UUID) -> None:
        entry = self._entries.pop(entry_id)
        shelf = self._shelves[entry.place]
        shelf.remove(entry_id)
        if not shelf.ids:
            del self._shelves[entry.place]
        del self._requests[entry.request]
        self._size_bytes -= entry.size_bytes

    def _let_go(self) -> None:
        while self._forgotten:
            gone = self._forgotten.popleft()
            for entry in list(self._entries.values()):
                if entry.keepsake.partition.namespace.organization_id == gone:
                    self._remove(entry.keepsake.id)


def _size_of(keepsake: Keepsake) -> int:
    # the vector lies twice: in the keepsake and in its shelf, whose matrix may be half empty
    texts = len(keepsake.question.encode("utf-8", "surrogatepass")) + len(keepsake.note) + len(keepsake.body)
    return texts + 3 * keepsake.vector.nbytes + _OVERHEAD_BYTES
