"""One thread that places texts, one after the other, so that the event loop never waits."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from caching.protocols import Embedder, EmbedderBusyError, EmbeddingError, Purpose, Vector


@dataclass(frozen=True, slots=True)
class Placed:
    """Vectors, and what they cost this machine."""

    vectors: tuple[Vector, ...]
    cpu_seconds: float


class Metered(Embedder, Protocol):
    """An embedder that computes on this machine, and says how long."""

    async def place(self, texts: Sequence[str], purpose: Purpose) -> Placed:
        """As `embed`, for what nobody waits for: where others wait, it comes last."""
        ...


class Worker:
    """Holds at most `max_waiting` texts; what nobody waits for any more is not begun."""

    def __init__(self, *, max_waiting: int, timeout_seconds: float) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._lock = Lock()
        self._waiting = 0
        self._is_closed = False
        self._preparing: Future[None] | None = None

    async def run(self, place: Callable[[str], Vector], texts: Sequence[str]) -> Placed:
        """Raises EmbeddingError."""
        self._admit(len(texts))
        # each text is a job of its own: a short question waits for one other text, not for a whole batch
        jobs = [self._begin(place, text) for text in texts]
        try:
            async with asyncio.timeout(self._timeout_seconds):
                done = await asyncio.gather(*(asyncio.wrap_future(job) for job in jobs))
        except TimeoutError:
            raise self._too_slow() from None
        except asyncio.CancelledError:
            if self._is_closed and not _is_cancelled():
                raise EmbeddingError("closed") from None
            raise
        finally:
            for job in jobs:
                job.cancel()
        return Placed(tuple(vector for vector, _ in done), sum(seconds for _, seconds in done))

    async def prepare(self, prepare: Callable[[], None]) -> None:
        """Runs it, once, before the first text; it counts as nobody's cost. Raises what it raises."""
        if self._preparing is None:
            with self._lock:
                self._preparing = self._preparing or self._pool.submit(prepare)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await asyncio.shield(asyncio.wrap_future(self._preparing))
        except TimeoutError:
            raise self._too_slow() from None

    def close(self) -> None:
        self._is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _too_slow(self) -> EmbedderBusyError:
        return EmbedderBusyError(f"no vector within {self._timeout_seconds:g} s")

    def _admit(self, count: int) -> None:
        with self._lock:
            if self._is_closed:
                raise EmbeddingError("closed")
            if self._waiting + count > self._max_waiting:
                raise EmbedderBusyError(f"busy: {self._waiting} texts wait already")
            self._waiting += count

    def _begin(self, place: Callable[[str], Vector], text: str) -> "Future[tuple[Vector, float]]":
        job = self._pool.submit(_timed, place, text)
        job.add_done_callback(self._leave)
        return job

    def _leave(self, _: "Future[tuple[Vector, float]]") -> None:
        with self._lock:
            self._waiting -= 1


def _timed(place: Callable[[str], Vector], text: str) -> tuple[Vector, float]:
    begun = time.thread_time()
    return place(text), time.thread_time() - begun


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
