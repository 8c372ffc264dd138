"""Asks a provider what was answered from nearly the same already: a sample of such hits, so that wrong ones show."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from acron_site.lib.errors import AcronError
from analytics.events import EventKind
from caching.semantic import Served
from inference.calling import Completed
from inference.errands import Errands
from inference.facts import Visit

logger = logging.getLogger(__name__)

Ask = Callable[[Visit, Callable[[Completed], None]], Awaitable[object]]


class Checks(Errands):
    def __init__(self, ask: Ask, learn: Callable[[Visit, Completed, Served], None]) -> None:
        super().__init__()
        self._ask, self._learn = ask, learn

    def begin(self, visit: Visit, served: Served) -> None:
        self._run(partial(self._check, visit, served))

    async def _check(self, visit: Visit, served: Served) -> None:
        asked = visit.for_the_gateway(EventKind.OVERHEAD)
        try:
            await self._ask(asked, lambda whole: self._learn(asked, whole, served))
        except AcronError as error:  # a check that fails proves nothing, and its row says what it cost
            logger.info("cache.check_failed", extra={"request_id": visit.ask.request_id, "code": error.code})
