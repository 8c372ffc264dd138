"""Leases among all workers on one Redis; where it is away, each process is alone with its own."""

import asyncio
import os

from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_links import Links
from caching.backends.memory_leases import MemoryLeases
from caching.leases import Lease

_TOKEN_BYTES = 16
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.1
_PAUSE_GROWTH = 1.5
# a lease that is forgotten does not hold the others off for ever
_LONGEST_LIFE_SECONDS = 1_800.0

# Not SET NX: its refusal is the same nil that stands for "no answer". Sent as text, for nobody waits for most of these
# and so nobody could send them again to a Redis that does not know them by name.
_ACQUIRE = b"return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0"
_RENEW = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 1"
_RELEASE = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"


class RedisLeases:
    """A lease lives for `ttl_seconds` and is renewed three times in that, so that a dead holder's ends by itself."""

    def __init__(self, links: Links, *, ttl_seconds: float = 15.0) -> None:
        self._links = links
        self._ttl_seconds = ttl_seconds
        # asked first: what is held here need not be asked about, and nobody here works twice while Redis is away
        self._own = MemoryLeases()

    async def acquire(self, key: bytes, *, mark: bytes = b"") -> Lease | None:
        own = await self._own.acquire(key, mark=mark)
        if own is None:
            return None
        hold = _Hold(self._links, key, os.urandom(_TOKEN_BYTES) + mark, own=own, ttl_seconds=self._ttl_seconds)
        lease = Lease(hold.let_go)
        try:
            is_ours = await hold.take()
        except asyncio.CancelledError:
            lease.release()  # it may have been given
            raise
        if not is_ours:
            lease.release()
            return None
        return lease

    async def mark_of(self, key: bytes) -> bytes | None:
        mark = await self._own.mark_of(key)
        if mark is not None:
            return mark
        token = await self._ask(b"GET", key)
        return token[_TOKEN_BYTES:] if isinstance(token, bytes) else None

    async def wait(self, key: bytes, *, within_seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + within_seconds
        if not await self._own.wait(key, within_seconds=within_seconds):
            return False
        pause_seconds = _FIRST_PAUSE_SECONDS
        while await self._ask(b"EXISTS", key) == 1:
            if loop.time() + pause_seconds > ends_at:
                return False
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)
        return True

    async def _ask(self, *command: bytes) -> object:
        connection = self._links.connection
        return None if connection is None else await connection.ask(pack(*command))


class _Hold:
    """What a holder does about its lease in Redis while it lives."""

    def __init__(self, links: Links, key: bytes, token: bytes, *, own: Lease, ttl_seconds: float) -> None:
        self._links, self._key, self._token, self._own = links, key, token, own
        self._ttl_ms = b"%d" % (ttl_seconds * 1000)
        self._renew_seconds = ttl_seconds / 3
        self._loop = asyncio.get_running_loop()
        self._ends_at = self._loop.time() + _LONGEST_LIFE_SECONDS
        # a timer and no task: most leases are released before it is due
        self._timer = self._loop.call_later(self._renew_seconds, self._renew)

    async def take(self) -> bool:
        """False only if another is known to hold it."""
        connection = self._links.connection
        if connection is None:
            return True
        return await connection.ask(self._script(_ACQUIRE, self._token, self._ttl_ms)) != 0

    def let_go(self) -> None:
        self._timer.cancel()
        self._send(_RELEASE, self._token)
        self._own.release()

    def _renew(self) -> None:
        if self._loop.time() >= self._ends_at:
            return
        self._send(_RENEW, self._token, self._ttl_ms)
        self._timer = self._loop.call_later(self._renew_seconds, self._renew)

    def _send(self, script: bytes, *values: bytes) -> None:
        connection = self._links.connection
        if connection is not None:
            # asked, though nobody waits: told, it would stand for a write, and a full Redis, which still deletes, would
            # seem to take writes again
            connection.ask(self._script(script, *values))

    def _script(self, script: bytes, *values: bytes) -> bytes:
        return pack(b"EVAL", script, b"1", self._key, *values)
