"""Leases among the tasks of one process."""

import asyncio
from dataclasses import dataclass

from caching.leases import Bid, Decided, Lease


@dataclass(slots=True)
class _Held:
    mark: bytes
    is_over: asyncio.Event | None = None  # there once somebody waits for it


class MemoryLeases:
    """Leases that other processes know nothing of; each event loop has its own."""

    def __init__(self) -> None:
        self._held: dict[tuple[asyncio.AbstractEventLoop, bytes], _Held] = {}

    def bid(self, key: bytes, *, mark: bytes = b"") -> Bid:
        return Decided(self.take(key, mark=mark))

    async def acquire(self, key: bytes, *, mark: bytes = b"") -> Lease | None:
        return self.take(key, mark=mark)

    def take(self, key: bytes, *, mark: bytes = b"") -> Lease | None:
        """The lease, or None while somebody else holds it."""
        place = (asyncio.get_running_loop(), key)
        if place in self._held:
            return None
        held = self._held[place] = _Held(mark)

        def let_go() -> None:
            del self._held[place]
            if held.is_over is not None:
                held.is_over.set()

        return Lease(let_go)

    async def mark_of(self, key: bytes) -> bytes | None:
        held = self._held.get((asyncio.get_running_loop(), key))
        return None if held is None else held.mark

    async def wait(self, key: bytes, *, within_seconds: float) -> bool:
        held = self._held.get((asyncio.get_running_loop(), key))
        if held is None:
            return True
        is_over = held.is_over = held.is_over or asyncio.Event()
        try:
            async with asyncio.timeout(within_seconds):
                await is_over.wait()
        except TimeoutError:
            return False
        return True
