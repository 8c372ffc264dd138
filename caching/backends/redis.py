"""A cache store in Redis that costs an answer nothing but a hit while Redis is away."""

import asyncio
from dataclasses import dataclass

from hiredis import ReplyError

from caching.backends import redis_address
from caching.backends.redis_connection import Tally, pack
from caching.backends.redis_link import PROBE, Link


@dataclass(frozen=True, slots=True)
class RedisCounters:
    """What went unsaid since this process started."""

    errors: int  # error replies (out of memory, loading, wrong type...)
    timeouts: int  # reads that were not answered in time
    drops: int  # writes given up because Redis was down or did not keep up
    outages: int  # times Redis became unreachable


class RedisStore:
    """An ExactStore over one connection for each event loop, made on first use and remade when it breaks.

    While Redis is down, reads answer None at once, writes are forgotten. `close` is for the loop it runs in.
    """

    def __init__(self, url: str, *, timeout_seconds: float, max_value_bytes: int) -> None:
        self.name = "redis"
        self._address = redis_address.parse(url)
        self._tls = self._address.tls_context()
        self._timeout_seconds = timeout_seconds
        self._max_value_bytes = max_value_bytes
        # one byte more than allowed shows that a value is too large, and Redis sends no more of it
        last = b"%d" % max_value_bytes
        self._get_tail = b"\r\n$1\r\n0\r\n$%d\r\n%b\r\n" % (len(last), last)
        self._tally = Tally()
        self._links: dict[asyncio.AbstractEventLoop, Link] = {}
        # of the loop that asked last, mostly the only one; a pair, so that threads never see half of it
        self._latest: tuple[asyncio.AbstractEventLoop, Link] | None = None

    @property
    def counters(self) -> RedisCounters:
        tally = self._tally
        return RedisCounters(tally.errors, tally.timeouts, tally.drops, tally.outages)

    async def get(self, key: bytes) -> bytes | None:
        connection = self._link().connection
        if connection is None:
            return None
        value = await connection.ask(b"*4\r\n$8\r\nGETRANGE\r\n$%d\r\n%b%b" % (len(key), key, self._get_tail))
        # GETRANGE answers b"" for a key that does not exist
        if type(value) is bytes and 0 < len(value) <= self._max_value_bytes:
            return value
        return None

    def put(self, key: bytes, value: bytes, ttl_seconds: int) -> None:
        connection = self._link().connection
        if connection is None or len(value) > self._max_value_bytes:
            self._tally.drops += 1
        elif ttl_seconds > 0:
            connection.tell(pack(b"SET", key, value, b"EX", b"%d" % ttl_seconds))

    async def is_up(self) -> bool:
        connection = self._link().connection
        if connection is None:
            return False
        reply = await connection.ask(pack(*PROBE))
        return reply is not None and not isinstance(reply, ReplyError)

    async def close(self) -> None:
        self._latest = None
        link = self._links.pop(asyncio.get_running_loop(), None)
        if link is not None:
            await link.close()

    def _link(self) -> Link:
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest[0] is loop:
            return latest[1]
        link = self._links.get(loop) or self._new_link(loop)
        self._latest = (loop, link)
        return link

    def _new_link(self, loop: asyncio.AbstractEventLoop) -> Link:
        self._links = {known: link for known, link in self._links.items() if not known.is_closed()}
        link = Link(self._address, loop, self._tally, tls=self._tls, timeout_seconds=self._timeout_seconds)
        self._links[loop] = link
        return link
