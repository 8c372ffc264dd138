"""Small parts that the stories about embedders share."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np

from caching.embedders.worker import Placed, Worker
from caching.protocols import EmbeddingError, Purpose, Space, Vector

# machines that test are slow at times
PATIENT_SECONDS = 20.0


def worker(*, max_waiting: int = 1000, timeout_seconds: float = PATIENT_SECONDS) -> Worker:
    return Worker(max_waiting=max_waiting, timeout_seconds=timeout_seconds)


def cosine(left: Vector, right: Vector) -> float:
    return float(left @ right)


class Fake:
    """Costs what it is told to, and counts what it is asked."""

    def __init__(self, *, cpu_seconds: float = 0.0, error: EmbeddingError | None = None) -> None:
        self.space = Space("fake:2:1", 2)
        self.asked: list[str] = []
        self.is_closed = False
        self._cpu_seconds = cpu_seconds
        self._error = error

    async def place(self, texts: Sequence[str], purpose: Purpose) -> Placed:
        self.asked += texts
        if self._error:
            raise self._error
        vectors = tuple(np.array([1, 0], dtype=np.float32) for _ in texts)
        return Placed(vectors, self._cpu_seconds * len(texts))

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        return (await self.place(texts, purpose)).vectors

    async def close(self) -> None:
        self.is_closed = True


async def longest_lag_seconds(done: asyncio.Event) -> float:
    """How late the loop was at worst, until `done` is set."""
    worst = 0.0
    while not done.is_set():
        begun = time.perf_counter()
        await asyncio.sleep(0)
        worst = max(worst, time.perf_counter() - begun)
        await asyncio.sleep(0.001)
    return worst
