"""Calls of the gateway's own, in the background: answers to be compared with those that callers got."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from acron_site.lib.errors import AcronError
from analytics.events import EventKind
from inference.errands import Errands
from inference.facts import Visit

logger = logging.getLogger(__name__)

Work = Callable[[Visit], Awaitable[object]]


class Checks(Errands):
    def begin(self, visit: Visit, work: Work) -> None:
        """Has `work` ask what was asked, once more."""
        self._run(partial(self._check, visit, work))

    async def _check(self, visit: Visit, work: Work) -> None:
        try:
            await work(visit.for_the_gateway(EventKind.OVERHEAD))
        except AcronError as error:  # a check that fails proves nothing, and its row says what it cost
            logger.info("cache.check_failed", extra={"request_id": visit.ask.request_id, "code": error.code})
