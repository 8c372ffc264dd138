"""The list of what lies in Redis."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import inf
from typing import Any
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from caching.exact_index import State
from caching.places import (
    IDEMPOTENCY,
    MARK_SECONDS,
    Place,
    card_key,
    entries_prefix,
    mark_key,
    namespace_prefix,
    place_on,
    shelf_key,
    shelves_key,
    sides_prefix,
    wall_of,
)
from caching.shelf import Position, ShelfUnavailableError

_TIMEOUT_SECONDS = 2.0
_AT_ONCE = 500
_SCANNED_AT_ONCE = 1_000
_PINNED = -1  # as PTTL says: no end

_PIN = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then return 0 end
for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
return 1
"""


class RedisIndex:
    """For people and jobs, who wait: over a connection of its own, never that of requests."""

    def __init__(self, url: str) -> None:
        self._url = url

    def walls(self, organization_id: UUID) -> Sequence[str]:
        with self._asked() as client, client.pipeline(transaction=False) as pipeline:
            found: Any = client.zrange(shelves_key(organization_id), 0, -1)
            for wall in found:
                pipeline.exists(shelf_key(organization_id, wall.decode()))
            is_there = dict(zip(found, pipeline.execute(), strict=True))
            if gone := [wall for wall in found if not is_there[wall]]:
                client.zrem(shelves_key(organization_id), *gone)
        return [wall.decode() for wall in found if is_there[wall]]

    def members(self, organization_id: UUID, wall: str, after: Position | None) -> Iterator[tuple[Position, Place]]:
        key, last, offset = shelf_key(organization_id, wall), after, 0
        while True:
            highest = inf if last is None else last.stored_at
            with self._asked() as client:
                found: Any = client.zrevrangebyscore(key, highest, -inf, offset, _AT_ONCE, withscores=True)
            members = [_member(organization_id, wall, *each) for each in found]
            fresh = [each for each in members if last is None or each[0] < last]
            yield from fresh
            if len(found) < _AT_ONCE:
                return
            # by position: what was yielded may have been removed since. By offset through those of one moment only
            last, offset = (fresh[-1][0], 0) if fresh else (last, offset + _AT_ONCE)

    def cards(self, places: Sequence[Place]) -> Sequence[bytes | None]:
        if not places:
            return []
        with self._asked() as client:
            found: Any = client.mget([place.card_key for place in places])
        return list(found)

    def states(self, places: Sequence[Place]) -> Sequence[State | None]:
        with self._asked() as client, client.pipeline(transaction=False) as pipeline:
            for place in places:
                pipeline.strlen(place.entry_key)
                pipeline.pttl(place.card_key)
            replies = iter(pipeline.execute())
        return [_state(size, left) for size, left in zip(replies, replies, strict=True)]

    def card(self, organization_id: UUID, entry_id: UUID) -> bytes | None:
        with self._asked() as client:
            found: Any = client.get(card_key(organization_id, entry_id))
        return None if found is None else bytes(found)

    def value(self, place: Place) -> bytes | None:
        with self._asked() as client:
            found: Any = client.get(place.entry_key)
        return None if found is None else bytes(found)

    def mark_purged(self, organization_id: UUID, wall: str | None = None) -> None:
        with self._asked() as client:
            client.set(mark_key(organization_id, wall or ""), _now(client), ex=MARK_SECONDS)

    def hold_off(self, place: Place) -> None:
        with self._asked() as client:
            client.set(mark_key(place.organization_id, place.id.hex), _now(client), ex=MARK_SECONDS)

    def drop(self, places: Sequence[Place], *, is_purged: bool) -> int:
        if not places:
            return 0
        with self._asked() as client, client.pipeline(transaction=True) as pipeline:
            now = _now(client) if is_purged else b""
            for place in places:
                if is_purged:
                    pipeline.set(mark_key(place.organization_id, place.id.hex), now, ex=MARK_SECONDS)
                pipeline.zrem(place.shelf_key, place.member)
            pipeline.unlink(*(place.entry_key for place in places))
            pipeline.unlink(*(place.card_key for place in places))
            replies = pipeline.execute()
        return max(int(replies[-1]), int(replies[-2]))

    def sweep(self, organization_id: UUID, wall: str | None) -> int:
        """Those of a version that made no lists, and those whose list Redis has thrown out."""
        prefix = entries_prefix(organization_id) if wall is None else sides_prefix(organization_id, wall)
        spared = namespace_prefix(organization_id, wall_of(IDEMPOTENCY))
        count, cursor = 0, 0
        while True:
            with self._asked() as client:
                # braces have no meaning in Redis' patterns
                reply: Any = client.scan(cursor, match=prefix + b"*", count=_SCANNED_AT_ONCE)
                cursor, keys = reply
                gone = [key for key in keys if not key.startswith(spared)]
                count += int(client.unlink(*gone)) if gone else 0
            if cursor == 0:
                return count

    def pin(self, place: Place) -> bool:
        keys = (place.entry_key, place.card_key, place.shelf_key, shelves_key(place.organization_id))
        with self._asked() as client:
            return bool(client.eval(_PIN, len(keys), *keys))

    def unpin(self, place: Place, *, ttl_seconds: int) -> bool:
        # the lists stay without an end: others of them may be pinned, and jobs strike off what has gone
        with self._asked() as client, client.pipeline(transaction=True) as pipeline:
            pipeline.expire(place.entry_key, ttl_seconds)
            pipeline.expire(place.card_key, ttl_seconds)
            return bool(pipeline.execute()[0])

    def mark_wrong(self, place: Place, card: bytes, *, ttl_seconds: int) -> bool:
        with self._asked() as client, client.pipeline(transaction=True) as pipeline:
            pipeline.set(mark_key(place.organization_id, place.id.hex), _now(client), ex=MARK_SECONDS)
            pipeline.unlink(place.entry_key)
            pipeline.set(place.card_key, card, ex=ttl_seconds, xx=True)
            return bool(pipeline.execute()[2])

    @contextmanager
    def _asked(self) -> Iterator["redis.Redis"]:
        try:
            yield self._client
        except redis.RedisError as error:
            raise ShelfUnavailableError(type(error).__name__) from error

    @cached_property
    def _client(self) -> "redis.Redis":
        return redis.Redis.from_url(
            self._url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),  # somebody waits, and can ask again
        )


def _now(client: "redis.Redis") -> bytes:
    """Redis' own time in microseconds: what it measures requests by when their answers come."""
    reply: Any = client.time()
    seconds, microseconds = reply
    return b"%d" % (seconds * 1_000_000 + microseconds)


def _member(organization_id: UUID, wall: str, member: bytes, stored_at: float) -> tuple[Position, Place]:
    place = place_on(organization_id, wall, member)
    return Position(stored_at, place.id), place


def _state(size_bytes: int, milliseconds_left: int) -> State | None:
    if milliseconds_left < _PINNED:
        return None
    return State(size_bytes, None if milliseconds_left == _PINNED else milliseconds_left / 1000)
