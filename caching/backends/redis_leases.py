"""Leases among all workers on one Redis; where it is away, each process is alone with its own."""

import asyncio
import os
from hashlib import sha1
from itertools import count

from hiredis import ReplyError

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

# What is kept, else whether the lease was given. A Redis that is full still reads: `pcall`, and neither is said then.
_LOOK_OR_CLAIM = b"""
local kept = redis.call('GETRANGE', KEYS[1], 0, ARGV[1])
if kept ~= '' then return kept end
local claim = redis.pcall('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3])
if not claim then return 0 end
return claim.ok and 1 or 2
"""
# by the name that Redis gives it; all of the command that stands before the length of the first key
_LOOK_OR_CLAIM_HEAD = b"*8\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n2\r\n$" % (
    sha1(_LOOK_OR_CLAIM, usedforsecurity=False).hexdigest().encode()
)
_GIVEN = 1


class RedisLeases:
    """A lease lives for `ttl_seconds` and is renewed three times in that, so that a dead holder's ends by itself."""

    def __init__(self, links: Links, *, ttl_seconds: float = 15.0) -> None:
        self._links = links
        self._ttl_seconds, self._ttl_ms = ttl_seconds, b"%d" % (ttl_seconds * 1000)
        self._renewals: dict[asyncio.AbstractEventLoop, _Renewals] = {}
        # asked first: what is held here need not be asked about, and nobody here works twice while Redis is away
        self._own = MemoryLeases()
        self._process, self._numbers = os.urandom(_TOKEN_BYTES // 2), count()

    def bid(self, key: bytes, *, mark: bytes = b"") -> Bid:
        own = self._own.take(key, mark=mark)
        if own is None:
            return NO_BID
        hold = self._hold(key, self._new_token() + mark, own)
        hold.bid(self._ttl_ms)
        return hold

    async def look_or_claim(self, entry: bytes, key: bytes, *, max_bytes: int) -> bytes | Lease | None:
        """What is kept under `entry`, else the lease on it; None when another holds that, or Redis cannot say."""
        connection, token = self._links.connection, self._new_token()
        if connection is None:
            return None
        try:
            # every look-up asks this: written at once, `pack` takes twice as long
            reply = await connection.ask(
                b"%b%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%d\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
                % (
                    *(_LOOK_OR_CLAIM_HEAD, len(entry), entry, len(key), key, len(str(max_bytes)), max_bytes),
                    *(len(token), token, len(self._ttl_ms), self._ttl_ms),
                )
            )
            if isinstance(reply, ReplyError):
                asked = (entry, key, b"%d" % max_bytes, token, self._ttl_ms)
                reply = await self._ask(b"EVAL", _LOOK_OR_CLAIM, b"2", *asked)
        except asyncio.CancelledError:
            self._release(key, token)  # it may have been given
            raise
        if type(reply) is bytes:
            return reply if len(reply) <= max_bytes else None
        if reply != _GIVEN:
            if reply is None:
                self._release(key, token)
            return None
        own = self._own.take(key)
        if own is None:  # somebody here asked for it before, and would wait for who holds it there
            self._release(key, token)
            return None
        return Lease(self._hold(key, token, own).let_go)

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

    def _new_token(self) -> bytes:
        return self._process + next(self._numbers).to_bytes(_TOKEN_BYTES // 2)

    def _hold(self, key: bytes, token: bytes, own: Lease) -> "_Hold":
        loop = asyncio.get_running_loop()
        renewals = self._renewals.get(loop)
        if renewals is None:
            self._renewals = {known: each for known, each in self._renewals.items() if not known.is_closed()}
            renewals = self._renewals[loop] = _Renewals(loop, self._links, self._ttl_seconds)
        return _Hold(self._links, key, token, own=own, renewals=renewals)

    def _release(self, key: bytes, token: bytes) -> None:
        _send(self._links, pack(b"EVAL", _RELEASE, b"1", key, token))

    async def _ask(self, *command: bytes) -> object:
        connection = self._links.connection
        return None if connection is None else await connection.ask(pack(*command))


class _Renewals:
    """Renews what one event loop holds. One timer for all: most leases are released before it is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, links: Links, ttl_seconds: float) -> None:
        self._loop, self._links = loop, links
        self._every_seconds, self._ttl_ms = ttl_seconds / 3, b"%d" % (ttl_seconds * 1000)
        self._until: dict[_Hold, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, hold: "_Hold") -> None:
        self._until[hold] = self._loop.time() + _LONGEST_LIFE_SECONDS
        if self._timer is None:
            self._timer = self._loop.call_later(self._every_seconds, self._renew)

    def drop(self, hold: "_Hold") -> None:
        self._until.pop(hold, None)

    def _renew(self) -> None:
        now = self._loop.time()
        self._until = {hold: until for hold, until in self._until.items() if until > now}
        for hold in self._until:
            _send(self._links, pack(b"EVAL", _RENEW, b"1", hold.key, hold.token, self._ttl_ms))
        self._timer = self._loop.call_later(self._every_seconds, self._renew) if self._until else None


class _Hold:
    """What a holder does about its lease in Redis while it lives."""

    __slots__ = ("_holder", "_links", "_own", "_renewals", "key", "token")

    def __init__(self, links: Links, key: bytes, token: bytes, *, own: Lease, renewals: _Renewals) -> None:
        self._links, self.key, self.token, self._own, self._renewals = links, key, token, own, renewals
        self._holder: asyncio.Future[object] | None = None
        renewals.add(self)

    def bid(self, ttl_ms: bytes) -> None:
        """Asks for the key and who has it, in one go: a refusal alone is the same nil that stands for no answer."""
        connection = self._links.connection
        if connection is not None:
            connection.ask(pack(b"SET", self.key, self.token, b"NX", b"PX", ttl_ms))
            self._holder = connection.ask(pack(b"GET", self.key))

    async def outcome(self) -> Lease | None:
        """None only if another is known to hold it."""
        lease = Lease(self.let_go)
        try:
            holder = None if self._holder is None else await self._holder
        except asyncio.CancelledError:
            lease.release()  # it may have been given
            raise
        if isinstance(holder, bytes) and holder != self.token:
            self._give_up()
            return None
        return lease

    def let_go(self) -> None:
        self._give_up()
        _send(self._links, pack(b"EVAL", _RELEASE, b"1", self.key, self.token))

    def _give_up(self) -> None:
        self._renewals.drop(self)
        self._own.release()


def _send(links: Links, command: bytes) -> None:
    connection = links.connection
    if connection is not None:
        # asked, though nobody waits: told, it would stand for a write, and a full Redis, which still deletes, would
        # seem to take writes again
        connection.ask(command)
