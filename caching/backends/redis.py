"""A cache store in Redis that costs an answer nothing but a hit while Redis is away."""

from dataclasses import dataclass

from hiredis import ReplyError

from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_link import PROBE
from acron_site.lib.redis_links import Links
from caching.places import Shelving

# Keeps a value where it can be listed: all of it or nothing, so that no purge comes in between. Sent as text, for
# nobody waits for it, and so nobody could send it again to a Redis that does not know it.
# Whether the place was purged since the request began is measured by Redis' own clock: workers' clocks differ.
_SHELVE = b"""
local now = redis.call('TIME')
local begun = now[1] * 1000000 + now[2] - ARGV[4]
for _, purged in ipairs(redis.call('MGET', KEYS[5], KEYS[6], KEYS[7])) do
  if purged and begun <= tonumber(purged) then return 0 end
end
if redis.call('PTTL', KEYS[1]) == -1 then return 0 end
local kept = redis.pcall('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
if kept.err then return kept end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
for at = 3, 4 do
  local left = redis.call('PTTL', KEYS[at])
  redis.call('ZADD', KEYS[at], ARGV[5], ARGV[at + 3])
  if left ~= -1 and left < ARGV[3] * 1000 + 60000 then redis.call('EXPIRE', KEYS[at], ARGV[3] + 60) end
end
local over = redis.call('ZCARD', KEYS[3]) - ARGV[8]
if over <= 0 then return 1 end
for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, over + 15)) do
  local hex = string.gsub(member, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
  local entry = ARGV[9] .. string.sub(hex, 33)
  if over > 0 and redis.call('PTTL', entry) ~= -1 then
    redis.call('UNLINK', entry, ARGV[10] .. string.sub(hex, 1, 32))
    redis.call('ZREM', KEYS[3], member)
    over = over - 1
  end
end
return 1
"""


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

    def __init__(self, links: Links, *, max_value_bytes: int, most_shelved: int = 100_000) -> None:
        """`most_shelved`: of those that can be listed, in one namespace; beyond it the oldest go."""
        self.name = "redis"
        self._links = links
        self._most_shelved = b"%d" % most_shelved
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

    def put(self, key: bytes, value: bytes, ttl_seconds: int, *, shelving: Shelving | None = None) -> None:
        connection = self._links.connection
        if connection is None or len(value) > self._max_value_bytes:
            self._links.tally.drops += 1
        elif ttl_seconds > 0 and shelving is not None:
            connection.tell(self._shelve(value, ttl_seconds, shelving))
        elif ttl_seconds > 0:
            connection.tell(pack(b"SET", key, value, b"EX", b"%d" % ttl_seconds))

    def _shelve(self, value: bytes, ttl_seconds: int, shelving: Shelving) -> bytes:
        place = shelving.place
        room = place.room
        return pack(
            b"EVAL",
            _SHELVE,
            b"7",
            place.entry_key,
            place.card_key,
            room.shelf_key,
            room.shelves_key,
            *place.mark_keys,
            value,
            shelving.card,
            b"%d" % ttl_seconds,
            b"%d" % (shelving.begun_seconds_ago * 1_000_000),
            repr(shelving.stored_at).encode(),
            place.member,
            place.wall.encode(),
            self._most_shelved,
            room.entry_prefix,
            room.card_prefix,
        )

    async def is_up(self) -> bool:
        connection = self._links.connection
        if connection is None:
            return False
        reply = await connection.ask(pack(*PROBE))
        return reply is not None and not isinstance(reply, ReplyError)

    async def close(self) -> None:
        await self._links.close()
