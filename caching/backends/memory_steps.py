"""The steps of tier 3 that lie in this process's memory, for those who purge."""

from collections.abc import Callable, Sequence

from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations


class MemoryEnds:
    """Where no other process serves."""

    def __init__(self, generations: MemoryGenerations) -> None:
        self._generations = generations

    def renew(self, shelf: bytes, tag: bytes) -> None:
        self._generations.renew_now(shelf, [tag])

    def begin_anew(self, shelf: bytes) -> None:
        self._generations.forget(shelf)


class MemorySteps:
    """Over all stores of the process, of which one holds the cache."""

    def __init__(self, stores: Callable[[], Sequence[MemoryStore]]) -> None:
        self._stores = stores

    def count(self, prefix: bytes) -> int:
        return sum(store.count(prefix) for store in self._stores())

    def sweep(self, prefix: bytes) -> int:
        return sum(store.forget(prefix) for store in self._stores())
