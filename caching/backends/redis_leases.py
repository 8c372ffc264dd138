"""Leases among all workers on one Redis; where it is away, each process is alone with its own."""

import asyncio
import os
from itertools import count

from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_links import Links
from caching.backends.memory_leases import MemoryLeases
from caching.leases import NO_BID, Bid, Lease

_TOKEN_BYTES = 16
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.1
_PAUSE_GROWTH = 1.5
# a lease that is forgotten does not hold the others off for ever
_LONGEST_LIFE_SECONDS = 1_800.0

# Sent as text, for nobody waits for these, and so nobody could send them again to a Redis that does not know them.
_RENEW = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 1"

_RELEASE = b"if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"


class RedisLeases:
    """A lease lives for `ttl_seconds` and is renewed three times in that, so that a dead holder's ends by itself."""

    def __init__(self, links: Links, *, ttl_seconds: float = 15.0) -> None:
        self._links = links
        self._ttl_seconds = ttl_seconds
        # asked first: what is held here need not be asked about, and nobody here works twice while Redis is away
        self._own = MemoryLeases()
        self._process, self._numbers = os.urandom(_TOKEN_BYTES // 2), count()

    def bid(self, key: bytes, *, mark: bytes = b"") -> Bid:
        own = self._own.take(key, mark=mark)
        if own is None:
            return NO_BID
        token = self._process + next(self._numbers).to_bytes(_TOKEN_BYTES // 2) + mark
        return _Hold(self._links, key, token, own=own, ttl_seconds=self._ttl_seconds)

    async def acquire(self, key: bytes, *, mark: bytes = b"") -> Lease | None:
        return await self.bid(key, mark=mark).outcome()

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
        self._holder = self._bid()

    async def outcome(self) -> Lease | None:
        """None only if another is known to hold it."""
        lease = Lease(self._let_go)
        try:
            holder = None if self._holder is None else await self._holder
        except asyncio.CancelledError:
            lease.release()  # it may have been given
            raise
        if isinstance(holder, bytes) and holder != self._token:
            self._give_up()
            return None
        return lease

    def _bid(self) -> "asyncio.Future[object] | None":
        """Asks for the key and who has it, in one go: a refusal alone is the same nil that stands for no answer."""
        connection = self._links.connection
        if connection is None:
            return None
        connection.ask(pack(b"SET", self._key, self._token, b"NX", b"PX", self._ttl_ms))
        return connection.ask(pack(b"GET", self._key))

    def _let_go(self) -> None:
        self._give_up()
        self._send(pack(b"EVAL", _RELEASE, b"1", self._key, self._token))

    def _give_up(self) -> None:
        self._timer.cancel()
        self._own.release()

    def _renew(self) -> None:
        if self._loop.time() >= self._ends_at:
            return
        self._send(pack(b"EVAL", _RENEW, b"1", self._key, self._token, self._ttl_ms))
        self._timer = self._loop.call_later(self._renew_seconds, self._renew)

    def _send(self, command: bytes) -> None:
        connection = self._links.connection
        if connection is not None:
            # asked, though nobody waits: told, it would stand for a write, and a full Redis, which still deletes, would
            # seem to take writes again
            connection.ask(command)
