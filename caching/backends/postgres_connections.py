"""Connections to PostgreSQL that are given up when an exchange takes too long: a frozen server sends no error."""

import asyncio
import time
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg import waiting

Result = TypeVar("Result")
Row = tuple[Any, ...]

_PATIENCE_SECONDS = 5.0
_INTERVAL_SECONDS = 0.1


class PatientConnection(psycopg.Connection[Any]):
    """For what happens beside the requests: has seconds for each exchange."""

    def wait(
        self,
        gen: Generator[Any, Any, Result],
        interval: float = _INTERVAL_SECONDS,
        timeout: float | None = _PATIENCE_SECONDS,
    ) -> Result:
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            self.close()  # so that cleaning up does not wait as long again
            raise


class HastyConnection(psycopg.AsyncConnection[Any]):
    """For look-ups: `ask` ends by its deadline or closes the connection."""

    _deadline: float | None = None  # on the monotonic clock

    async def ask(self, statement: str, parameters: Mapping[str, Any], *, deadline: float) -> list[Row]:
        """Raises psycopg.Error."""
        self._deadline = deadline
        cursor = await self.execute(statement, parameters)
        return await cursor.fetchall()

    async def wait(
        self,
        gen: Generator[Any, Any, Result],
        interval: float = _INTERVAL_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 - as the base has it
    ) -> Result:
        if self._deadline is not None:
            timeout = max(0.0, self._deadline - time.monotonic())
        try:
            # not `super().wait`: when its caller leaves, that asks the server to cancel and waits for seconds
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except (psycopg.OperationalError, asyncio.CancelledError):
            self.pgconn.finish()
            raise
