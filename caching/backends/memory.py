"""A cache store in this process's memory: least recently used entries go first."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

# what an entry takes besides its key and value: dictionary slot, objects' headers (measured with tracemalloc)
_OVERHEAD_BYTES = 300


@dataclass(frozen=True, slots=True)
class _Kept:
    value: bytes
    expires_at: float
    size_bytes: int


class MemoryStore:
    """An ExactStore for one process, of at most `max_bytes`; `clock` counts seconds and never goes back."""

    def __init__(self, max_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = "memory"
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[bytes, _Kept] = OrderedDict()
        self._size_bytes = 0
        self._forgotten: deque[bytes] = deque()

    @property
    def is_reachable(self) -> bool:
        return True

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def forget(self, prefix: bytes) -> None:
        """Lets go of all that lies under keys that begin so. To be called from any thread: it is done by the one that
        serves, before it serves again."""
        self._forgotten.append(prefix)

    async def get(self, key: bytes) -> bytes | None:
        if self._forgotten:
            self._let_go()
        kept = self._entries.get(key)
        if kept is None:
            return None
        if kept.expires_at <= self._clock():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return kept.value

    def put(self, key: bytes, value: bytes, ttl_seconds: int) -> None:
        if self._forgotten:
            self._let_go()
        self._remove(key)
        size_bytes = len(key) + len(value) + _OVERHEAD_BYTES
        if ttl_seconds <= 0 or size_bytes > self._max_bytes:
            return
        self._entries[key] = _Kept(value, self._clock() + ttl_seconds, size_bytes)
        self._size_bytes += size_bytes
        while self._size_bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    async def is_up(self) -> bool:
        return True

    async def close(self) -> None:
        self._entries.clear()
        self._size_bytes = 0

    def _let_go(self) -> None:
        while self._forgotten:
            prefix = self._forgotten.popleft()
            for key in [key for key in self._entries if key.startswith(prefix)]:
                self._remove(key)

    def _remove(self, key: bytes) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._size_bytes -= kept.size_bytes
