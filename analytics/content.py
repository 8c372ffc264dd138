"""Keeping prompts and answers for the organizations that want it, beside the requests and never in their way."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from acron_site.lib.values import quick

logger = logging.getLogger(__name__)

_AT_ONCE = 100
_MOST_BYTES = 32 * 1024 * 1024  # waiting in one process
_PAUSE_SECONDS = 0.5
_STOP_SECONDS = 5.0


@quick
@dataclass(frozen=True, slots=True)
class Content:
    """What was asked and answered, as JSON. `event_id` is that of its row in the ledger."""

    event_id: UUID
    organization_id: UUID
    occurred_at: datetime
    asked: bytes = field(repr=False)
    answered: bytes = field(repr=False)

    @property
    def size_bytes(self) -> int:
        return len(self.asked) + len(self.answered)


class ContentKeeper(Protocol):
    def keep(self, content: Content) -> None:
        """Hands it over without waiting. What cannot be kept is dropped and counted; a request never fails of it."""
        ...


class Nowhere:
    """For installations and tests that keep none."""

    def keep(self, content: Content) -> None:
        pass


class UnwritableError(Exception):
    """The store cannot be written just now."""


class ContentWriter:
    """A bounded queue with a thread behind it, which begins with the first content."""

    def __init__(
        self,
        write: Callable[[Sequence[Content]], None],
        *,
        most_bytes: int = _MOST_BYTES,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self._write, self._most_bytes, self._pause_seconds = write, most_bytes, pause_seconds
        self._waiting: deque[Content] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_stumbling = False
        self.dropped = 0

    def keep(self, content: Content) -> None:
        with self._lock:
            if self._waiting_bytes + content.size_bytes > self._most_bytes:
                self.dropped += 1
                return
            self._waiting.append(content)
            self._waiting_bytes += content.size_bytes
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="kept-content", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Writes what waits, if the store takes it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self.dropped:
            logger.warning("content.dropped", extra={"count": self.dropped})

    def flush(self) -> None:
        """Writes what waits; what the store refuses is dropped, so that memory stays bounded."""
        while batch := self._next_batch():
            try:
                self._write(batch)
            except UnwritableError as error:
                self.dropped += len(batch)
                self._note(error)
            else:
                self._note(None)

    def _work(self) -> None:
        while not self._stopping.wait(self._pause_seconds):
            self.flush()
        self.flush()

    def _next_batch(self) -> list[Content]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            self._waiting_bytes -= sum(content.size_bytes for content in batch)
            return batch

    def _note(self, error: UnwritableError | None) -> None:
        # once per change, not per batch
        if bool(error) != self._is_stumbling:
            self._is_stumbling = bool(error)
            if error:
                logger.warning("content.cannot_be_kept", extra={"cause": str(error)})
            else:
                logger.info("content.is_kept_again", extra={"dropped": self.dropped})
