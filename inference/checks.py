"""Calls of the gateway's own, in the background: answers to be compared with those that callers got."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from acron_site.lib.errors import AcronError
from analytics.events import EventKind
from inference.facts import Visit

logger = logging.getLogger(__name__)

# at once, of one worker: a provider that hangs must not pile them up
_MOST_AT_ONCE = 8

Work = Callable[[Visit], Awaitable[object]]


class Checks:
    """Their rows are overhead, and are taken off the savings."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, visit: Visit, work: Work) -> None:
        """Has `work` ask what was asked, once more."""
        if len(self._under_way) >= _MOST_AT_ONCE:
            return
        task = asyncio.get_running_loop().create_task(self._check(visit, work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def idle(self) -> None:
        """Returns when none is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await self.idle()

    async def _check(self, visit: Visit, work: Work) -> None:
        try:
            await work(visit.for_the_gateway(EventKind.OVERHEAD))
        except AcronError as error:  # a check that fails proves nothing, and its row says what it cost
            logger.info("cache.check_failed", extra={"request_id": visit.ask.request_id, "code": error.code})
