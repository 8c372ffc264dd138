"""Blocking work in a few threads of its own, with a time limit and a circuit breaker."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import TypeVar

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class LaneClosedError(Exception):
    """The work was not done in time, or was not tried because it failed a moment ago."""


class Lane:
    """Runs one kind of work. After a failure it is tried once every `retry_seconds`, and refused in between."""

    def __init__(
        self,
        name: str,
        *,
        failure: type[Exception],
        limit_seconds: float,
        retry_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._name, self._failure, self._clock = name, failure, clock
        self._limit_seconds, self._retry_seconds = limit_seconds, retry_seconds
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix=name)
        self._is_open = True
        self._closed_until = -inf

    async def run(self, work: Callable[[], Result]) -> Result:
        """The work's result. Raises LaneClosedError."""
        if self._clock() < self._closed_until:
            raise LaneClosedError(self._name)
        if not self._is_open:
            # one tries, the others need not wait for how it ends
            self._closed_until = self._clock() + self._retry_seconds
        try:
            done = asyncio.get_running_loop().run_in_executor(self._threads, work)
            result = await asyncio.wait_for(done, self._limit_seconds)
        except (TimeoutError, self._failure) as error:
            self._close(error)
            raise LaneClosedError(self._name) from error
        self._reopen()
        return result

    def shut_down(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _close(self, error: Exception) -> None:
        self._closed_until = self._clock() + self._retry_seconds
        if self._is_open:
            logger.warning("lane.closed", extra={"lane": self._name, "cause": type(error).__name__})
        self._is_open = False

    def _reopen(self) -> None:
        self._closed_until = -inf
        if not self._is_open:
            logger.info("lane.reopened", extra={"lane": self._name})
        self._is_open = True
