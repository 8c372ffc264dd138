"""A cache store in Redis that costs an answer nothing but a hit while Redis is away."""

from dataclasses import dataclass

from hiredis import ReplyError

from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_link import PROBE
from acron_site.lib.redis_links import Links


@dataclass(frozen=True, slots=True)
class RedisCounters:
    """What went unsaid since this process started."""

    errors: int  # error replies (out of memory, loading, wrong type...)
    timeouts: int  # reads that were not answered in time
    drops: int  # writes given up because Redis was down or did not keep up
    outages: int  # times Redis became unreachable


class RedisStore:
    """An ExactStore: while Redis is down, reads answer None at once, writes are forgotten.

    `close` closes the links, and is for the loop it runs in.
    """

    def __init__(self, links: Links, *, max_value_bytes: int) -> None:
        self.name = "redis"
        self._links = links
        self._max_value_bytes = max_value_bytes
        # one byte more than allowed shows that a value is too large, and Redis sends no more of it
        last = b"%d" % max_value_bytes
        self._get_tail = b"\r\n$1\r\n0\r\n$%d\r\n%b\r\n" % (len(last), last)

    @property
    def counters(self) -> RedisCounters:
        tally = self._links.tally
        return RedisCounters(tally.errors, tally.timeouts, tally.drops, tally.outages)

    @property
    def is_reachable(self) -> bool:
        return self._links.connection is not None

    async def get(self, key: bytes) -> bytes | None:
        connection = self._links.connection
        if connection is None:
            return None
        value = await connection.ask(b"*4\r\n$8\r\nGETRANGE\r\n$%d\r\n%b%b" % (len(key), key, self._get_tail))
        # GETRANGE answers b"" for a key that does not exist
        if type(value) is bytes and 0 < len(value) <= self._max_value_bytes:
            return value
        return None

    def put(self, key: bytes, value: bytes, ttl_seconds: int) -> None:
        connection = self._links.connection
        if connection is None or len(value) > self._max_value_bytes:
            self._links.tally.drops += 1
        elif ttl_seconds > 0:
            connection.tell(pack(b"SET", key, value, b"EX", b"%d" % ttl_seconds))

    async def is_up(self) -> bool:
        connection = self._links.connection
        if connection is None:
            return False
        reply = await connection.ask(pack(*PROBE))
        return reply is not None and not isinstance(reply, ReplyError)

    async def close(self) -> None:
        await self._links.close()
