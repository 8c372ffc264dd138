"""Writes of tier 2, gathered beside the requests and never in their way."""

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from acron_site.lib.values import quick
from caching.protocols import Keepsake, Namespace, Space

logger = logging.getLogger(__name__)

_AT_ONCE = 100
_MOST_BYTES = 32 * 1024 * 1024  # waiting in one process
_MOST_HITS = 10_000
_PAUSE_SECONDS = 0.2
_STOP_SECONDS = 5.0
_OVERHEAD_BYTES = 500


@quick
@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry on its way to the store."""

    keepsake: Keepsake
    space: Space

    @property
    def size_bytes(self) -> int:
        kept = self.keepsake
        return len(kept.question) + len(kept.note) + len(kept.body) + kept.vector.nbytes + _OVERHEAD_BYTES


# how often each entry was served; the namespace is its wall
Hits = Mapping[tuple[Namespace, UUID], int]


class UnwritableError(Exception):
    """The store cannot be written just now."""


class EntryKeeper(Protocol):
    """Where entries are written. Not for more than one thread at a time; its methods block."""

    def write(self, batch: Sequence[Waiting]) -> int:
        """Returns how many it has refused for good. Raises UnwritableError."""
        ...

    def count(self, hits: Hits) -> None:
        """Raises UnwritableError."""
        ...

    def close(self) -> None: ...


class EntryWriter:
    """A bounded queue with a thread behind it, which begins with the first entry."""

    def __init__(
        self, keeper: EntryKeeper, *, most_bytes: int = _MOST_BYTES, pause_seconds: float = _PAUSE_SECONDS
    ) -> None:
        self._keeper = keeper
        self._most_bytes, self._pause_seconds = most_bytes, pause_seconds
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._hits: dict[tuple[Namespace, UUID], int] = {}
        self._lock = threading.Lock()
        self._flushing = threading.Lock()  # the store is written by one thread at a time
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_stumbling = False
        self.dropped = 0

    def put(self, keepsake: Keepsake, space: Space) -> None:
        """Hands it over without waiting. What cannot be kept is dropped and counted."""
        waiting = Waiting(keepsake, space)
        with self._lock:
            if self._waiting_bytes + waiting.size_bytes > self._most_bytes:
                self.dropped += 1
                return
            self._waiting.append(waiting)
            self._waiting_bytes += waiting.size_bytes
            self._begin()

    def note_hit(self, namespace: Namespace, entry_id: UUID) -> None:
        key = (namespace, entry_id)
        with self._lock:
            if key in self._hits or len(self._hits) < _MOST_HITS:
                self._hits[key] = self._hits.get(key, 0) + 1
                self._begin()

    def flush(self) -> None:
        """Writes what waits; what the store refuses is dropped, so that memory stays bounded."""
        with self._flushing:
            while batch := self._next_batch():
                self._attempt(batch)
            hits = self._next_hits()
            if hits:
                self._note(self._counted(hits))

    def stop(self) -> None:
        """Writes what waits, if the store takes it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        with self._flushing:
            self._keeper.close()
        if self.dropped:
            logger.warning("cache.entries_dropped", extra={"count": self.dropped})

    def _begin(self) -> None:
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._work, name="semantic-entries", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._stopping.wait(self._pause_seconds):
            self.flush()
        self.flush()

    def _attempt(self, batch: Sequence[Waiting]) -> None:
        try:
            self.dropped += self._keeper.write(batch)
        except UnwritableError as error:
            self.dropped += len(batch)
            self._note(error)
        else:
            self._note(None)

    def _counted(self, hits: Hits) -> UnwritableError | None:
        try:
            self._keeper.count(hits)
        except UnwritableError as error:  # a count of hits may be too low
            return error
        return None

    def _next_batch(self) -> list[Waiting]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            self._waiting_bytes -= sum(waiting.size_bytes for waiting in batch)
            return batch

    def _next_hits(self) -> Hits:
        with self._lock:
            hits, self._hits = self._hits, {}
            return hits

    def _note(self, error: UnwritableError | None) -> None:
        # once per change, not per batch
        if bool(error) != self._is_stumbling:
            self._is_stumbling = bool(error)
            if error:
                logger.warning("cache.entries_cannot_be_kept", extra={"cause": str(error)})
            else:
                logger.info("cache.entries_are_kept_again", extra={"dropped": self.dropped})
