"""Calls that the gateway makes for its own sake, in the background."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

# of one worker: a provider that hangs must not pile them up
_MOST_AT_ONCE = 8


class Errands:
    """So many at once, and none any more after `close`. Their rows are overhead, and are taken off the savings."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def has_room(self) -> bool:
        return not self._is_closed and len(self._under_way) < _MOST_AT_ONCE

    async def idle(self) -> None:
        """Returns when none is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        self._is_closed = True
        for task in self._under_way:
            task.cancel()
        await self.idle()

    def _run(self, errand: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Not begun where there is no room."""
        if not self.has_room:
            return
        task = asyncio.get_running_loop().create_task(errand())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
