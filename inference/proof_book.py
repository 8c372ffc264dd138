"""What is proven of cheaper models, as requests see it: from memory, with a thread behind."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol
from uuid import UUID

from inference.routing.proofs import Pair, Proofs

logger = logging.getLogger(__name__)

_FRESH_SECONDS = 10.0
_BELIEVED_SECONDS = 600.0
_UNUSED_SECONDS = 600.0
_PAUSE_SECONDS = 0.5
_STOP_SECONDS = 5.0
_AT_ONCE = 500
_MOST_ORGANIZATIONS = 10_000


class ProofsUnavailableError(Exception):
    """The record of proofs cannot be read or written just now."""


class ProofRecords(Protocol):
    """The record of proofs. All of it blocks, and raises ProofsUnavailableError."""

    def read(self, organization_id: UUID) -> Proofs: ...

    def write(self, pairs: Sequence[Pair]) -> int:
        """Returns how many of them were kept."""
        ...

    def release(self) -> None:
        """Gives back what it holds for the calling thread."""
        ...


@dataclass(slots=True)
class _Known:
    proofs: Proofs | None  # None while they have not been read
    used_at: float
    read_at: float = -inf


class ProofBook:
    """One per process. Nothing of it waits or fails: what is not known is not proven.

    Proofs in use are read again every 10 seconds, and believed for 10 minutes while that fails.
    """

    def __init__(
        self,
        records: ProofRecords,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause_seconds: float = _PAUSE_SECONDS,
        most_pairs: int = 10_000,
    ) -> None:
        self._records, self._clock = records, clock
        self._pause_seconds = pause_seconds
        self._known: dict[UUID, _Known] = {}
        self._waiting: deque[Pair] = deque()
        self._most_pairs = most_pairs
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_stumbling = False
        self.dropped = 0

    def known(self, organization_id: UUID) -> Proofs | None:
        """None while nobody can say."""
        now = self._clock()
        known = self._known.get(organization_id)
        if known is None:
            if len(self._known) < _MOST_ORGANIZATIONS:
                self._known[organization_id] = _Known(None, now)
                self._work_in_background()
            return None
        known.used_at = now
        return known.proofs if now - known.read_at <= _BELIEVED_SECONDS else None

    def report(self, pair: Pair) -> None:
        """Hands a pair over without waiting for it to be kept."""
        with self._lock:
            if not pair.is_sound or len(self._waiting) >= self._most_pairs:
                self.dropped += 1
                return
            self._waiting.append(pair)
        self._work_in_background()

    def stop(self) -> None:
        """Writes what waits, if the record takes it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self.dropped:
            logger.warning("routing.pairs_dropped", extra={"count": self.dropped})

    def turn(self) -> None:
        """One round of the background's work: write what waits, read what is in use."""
        failure = None
        for step in (self._write, self._refresh):
            try:
                step()
            except ProofsUnavailableError as error:
                failure = error
        self._note(failure)
        self._records.release()

    def _work_in_background(self) -> None:
        with self._lock:
            if (self._thread is None or not self._thread.is_alive()) and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="routing-proofs", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while not self._stopping.wait(self._pause_seconds):
            self.turn()
        self.turn()

    def _write(self) -> None:
        """What the record refuses is dropped, so that memory stays bounded."""
        while batch := self._next_batch():
            kept = 0
            try:
                kept = self._records.write(batch)
            finally:
                self.dropped += len(batch) - kept
            for organization_id in {pair.organization_id for pair in batch}:
                known = self._known.get(organization_id)
                if known is not None:
                    known.read_at = min(known.read_at, self._clock() - _FRESH_SECONDS)

    def _next_batch(self) -> list[Pair]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]

    def _refresh(self) -> None:
        """Forgets what is not in use."""
        now = self._clock()
        for organization_id, known in list(self._known.items()):
            if now - known.used_at > _UNUSED_SECONDS:
                del self._known[organization_id]
            elif now - known.read_at >= _FRESH_SECONDS:
                known.proofs, known.read_at = self._records.read(organization_id), now

    def _note(self, error: ProofsUnavailableError | None) -> None:
        # once per change, not per turn
        if bool(error) != self._is_stumbling:
            self._is_stumbling = bool(error)
            if error:
                logger.warning("routing.proofs_unreachable", extra={"cause": str(error)})
            else:
                logger.info("routing.proofs_reachable_again", extra={"dropped": self.dropped})
