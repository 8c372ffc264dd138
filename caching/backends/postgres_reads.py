"""Look-ups in PostgreSQL that cost an answer nothing but a hit while it is away, slow or frozen."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import psycopg

from caching.backends.breaker import Breaker
from caching.backends.postgres_connections import HastyConnection, Row

Connect = Callable[[], Awaitable[HastyConnection]]

_MOST_CONNECTIONS = 4


class _Pool:
    """The connections of one event loop: made when needed, lent to one at a time."""

    def __init__(self, connect: Connect, *, most: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(most)
        self._idle: deque[HastyConnection] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def take(self) -> HastyConnection:
        """Raises psycopg.Error. Who leaves while a connection is being made leaves it to the next one."""
        await self._places.acquire()
        connection = None
        try:
            while not self._idle:  # another may have been quicker to take ours
                await asyncio.shield(self._begin_connecting())
            connection = self._idle.pop()
            return connection
        finally:
            if connection is None:
                self._places.release()

    def give_back(self, connection: HastyConnection) -> None:
        if self._is_closed:
            connection.pgconn.finish()
        elif not connection.closed:
            self._idle.append(connection)
        self._places.release()

    async def close(self) -> None:
        self._is_closed = True
        connecting = set(self._connecting)
        for task in connecting:
            task.cancel()
        if connecting:
            await asyncio.wait(connecting)
        while self._idle:
            await self._idle.pop().close()

    def _begin_connecting(self) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(self._add())
        self._connecting.add(task)
        task.add_done_callback(self._connected)
        return task

    async def _add(self) -> None:
        self._idle.append(await self._connect())

    def _connected(self, task: "asyncio.Task[None]") -> None:
        self._connecting.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any more


class PostgresReads:
    """Asks over a few connections of its own, within `timeout_seconds` in all. A look-up that fails answers None."""

    def __init__(
        self, connect: Connect, breaker: Breaker, *, timeout_seconds: float, most_connections: int = _MOST_CONNECTIONS
    ) -> None:
        self._connect, self._breaker = connect, breaker
        self._timeout_seconds, self._most_connections = timeout_seconds, most_connections
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    @property
    def failures(self) -> int:
        return self._breaker.failures

    async def ask(self, statement: str, parameters: Mapping[str, Any]) -> list[Row] | None:
        if not self._breaker.admits():
            return None
        try:
            rows = await self._ask(statement, parameters)
        except (psycopg.Error, TimeoutError, OSError) as error:
            self._breaker.note_failure(type(error).__name__)
            return None
        self._breaker.note_success()
        return rows

    async def close(self) -> None:
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()

    async def _ask(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        deadline = time.monotonic() + self._timeout_seconds
        pool = self._pool()
        async with asyncio.timeout(self._timeout_seconds):
            connection = await pool.take()
        try:
            return await connection.ask(statement, parameters, deadline=deadline)
        finally:
            pool.give_back(connection)

    def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._pools = {known: each for known, each in self._pools.items() if not known.is_closed()}
            pool = self._pools[loop] = _Pool(self._connect, most=self._most_connections)
        return pool
