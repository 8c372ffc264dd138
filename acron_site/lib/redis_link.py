"""Keeps one event loop connected to Redis: connects, notices that it broke, tries again ever more slowly."""

import asyncio
import logging
import random
import socket
import ssl

from acron_site.lib.redis_address import RedisAddress
from acron_site.lib.redis_connection import Connection, Tally

logger = logging.getLogger(__name__)

# a read like those of the cache, so that it is refused when they would be (loading, no permission, moved)
PROBE = (b"GETRANGE", b"acron:probe", b"0", b"0")

_CONNECT_SECONDS = 2.0
_FIRST_DELAY_SECONDS = 0.05
_LONGEST_DELAY_SECONDS = 2.0
# a connection that lived this long proves that the trouble was over: the next delay is short again
_STABLE_SECONDS = 5.0


class Link:
    """`connection` takes commands from the start (the first ones wait); it is None while Redis is away."""

    def __init__(
        self,
        address: RedisAddress,
        loop: asyncio.AbstractEventLoop,
        tally: Tally,
        *,
        tls: ssl.SSLContext | None,
        timeout_seconds: float,
    ) -> None:
        self._address = address
        self._loop = loop
        self._tally = tally
        self._tls = tls
        self._timeout_seconds = timeout_seconds
        self._is_down = False
        self._are_writes_refused = False
        first = self._new_connection()
        self.connection: Connection | None = first
        self._supervisor = loop.create_task(self._stay_connected(first))

    async def close(self) -> None:
        """Lets what was sent arrive, then disconnects."""
        if self.connection is not None:
            await self.connection.drain()
        self._supervisor.cancel()
        await asyncio.wait([self._supervisor])
        if self.connection is not None:
            self.connection.drop("closed")
        await asyncio.sleep(0)  # the turn in which the transport closes its socket

    async def _stay_connected(self, connection: Connection) -> None:
        failures = 0
        while True:
            problem = await self._connect(connection)
            if not problem:
                self._now_up(connection)
                since = self._loop.time()
                problem = await connection.lost
                if self._loop.time() - since >= _STABLE_SECONDS:
                    failures = 0
            self._now_down(problem)
            await asyncio.sleep(_delay_seconds(failures))
            failures += 1
            connection = self._new_connection()

    async def _connect(self, connection: Connection) -> str:
        """Returns what went wrong, or nothing."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._open(connection)
                problem = await connection.greet((*self._address.greeting, PROBE))
        except asyncio.CancelledError:  # closed meanwhile: nobody else knows this connection yet
            connection.drop("closed")
            raise
        except TimeoutError:
            problem = f"no connection within {_CONNECT_SECONDS:.0f} s"
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
            problem = str(error)
        if problem:
            connection.drop(problem)
        return connection.lost.result() if connection.is_lost else ""

    async def _open(self, connection: Connection) -> None:
        address = self._address
        if address.path:
            await self._loop.create_unix_connection(lambda: connection, address.path)
            return
        transport, _ = await self._loop.create_connection(lambda: connection, address.host, address.port, ssl=self._tls)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _new_connection(self) -> Connection:
        return Connection(self._loop, self._tally, timeout_seconds=self._timeout_seconds, on_write=self._note_write)

    def _now_up(self, connection: Connection) -> None:
        self.connection = connection
        if self._is_down:
            logger.info("cache.redis_up")
        self._is_down = False

    def _now_down(self, reason: str) -> None:
        self.connection = None
        if not self._is_down:
            self._tally.outages += 1
            logger.warning("cache.redis_down: every look-up is a miss until it is back (%s)", reason)
        self._is_down = True

    def _note_write(self, refusal: str) -> None:
        if bool(refusal) == self._are_writes_refused:
            return
        self._are_writes_refused = bool(refusal)
        if refusal:
            logger.warning("cache.redis_refuses_writes: nothing new is kept (%s)", refusal)
        else:
            logger.info("cache.redis_takes_writes")


def _delay_seconds(failures: int) -> float:
    """Doubling, up to a bound, with jitter so that many workers do not return in step."""
    longest = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * float(2 ** min(failures, 10)))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
