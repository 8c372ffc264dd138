"""Generations of tags in this process's memory, where no other process serves."""

import os
from collections import OrderedDict
from collections.abc import Sequence

from caching.steps import EPOCH_BYTES, GENERATION_BYTES, NEVER, Snapshot

_EPOCH = b""  # no tag's digest is empty


class MemoryGenerations:
    """Bounded: what is let go of begins another epoch, in which nothing from before is found."""

    def __init__(self, *, most_shelves: int = 10_000, most_tags: int = 10_000) -> None:
        self._most_shelves, self._most_tags = most_shelves, most_tags
        self._shelves: OrderedDict[bytes, dict[bytes, bytes]] = OrderedDict()

    async def read(self, shelf: bytes, tags: Sequence[bytes], *, begins: bool) -> Snapshot:
        held = self._held(shelf) if begins else self._shelves.get(shelf, {})
        epoch = held.setdefault(_EPOCH, os.urandom(EPOCH_BYTES)) if begins else held.get(_EPOCH, b"")
        return Snapshot(epoch, {tag: held.get(tag, NEVER) for tag in tags})

    async def renew(self, shelf: bytes, tags: Sequence[bytes]) -> bool:
        self.renew_now(shelf, tags)
        return True

    def renew_now(self, shelf: bytes, tags: Sequence[bytes]) -> None:
        """The same from any thread."""
        held = self._held(shelf)
        if len(held) + len(tags) > self._most_tags:
            held.clear()
        held.update((tag, os.urandom(GENERATION_BYTES)) for tag in tags)

    def forget(self, prefix: bytes) -> None:
        """Lets go of the shelves whose names begin so. May be called from any thread."""
        for shelf in [shelf for shelf in self._shelves.copy() if shelf.startswith(prefix)]:
            self._shelves.pop(shelf, None)

    def _held(self, shelf: bytes) -> dict[bytes, bytes]:
        held = self._shelves.setdefault(shelf, {})
        self._shelves.move_to_end(shelf)
        while len(self._shelves) > self._most_shelves:
            self._shelves.popitem(last=False)
        return held
