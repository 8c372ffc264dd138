"""Generations of tags in Redis, the same for all workers."""

import os
from collections.abc import Sequence

from acron_site.lib.redis_connection import Connection, pack
from acron_site.lib.redis_links import Links
from caching.steps import EPOCH_BYTES, GENERATION_BYTES, NEVER, UNKNOWN, Snapshot

_EPOCH = b"epoch"  # no tag's digest is as short
# after this without a step that begins they go, and with their epoch all steps that were kept before
_LIFE_SECONDS = b"%d" % (30 * 86_400)
# an organization that invalidates a new tag with each document would fill Redis: it begins another epoch then
_MOST_TAGS = 100_000


class RedisGenerations:
    """One hash for each organization: a tag's digest and a random generation, and the epoch they count in.

    The hash may go at any time (flushed, evicted, expired): the epoch goes with it, so that a tag without a generation
    cannot be taken for one that was never invalidated.
    """

    def __init__(self, links: Links, *, most_tags: int = _MOST_TAGS) -> None:
        self._links = links
        self._most_tags = most_tags

    async def read(self, shelf: bytes, tags: Sequence[bytes], *, begins: bool) -> Snapshot:
        connection = self._links.connection
        if connection is None:
            return UNKNOWN
        if begins:
            connection.tell(pack(b"HSETNX", shelf, _EPOCH, os.urandom(EPOCH_BYTES)))
            _prolong(connection, shelf)
        reply = await connection.ask(pack(b"HMGET", shelf, _EPOCH, *tags))
        return _snapshot(reply, tags)

    async def renew(self, shelf: bytes, tags: Sequence[bytes]) -> bool:
        connection = self._links.connection
        if connection is None:
            return False
        # random, and not counted up: one that was read before the hash was lost does not come again
        pairs = [part for tag in tags for part in (tag, os.urandom(GENERATION_BYTES))]
        renewed = connection.ask(pack(b"HSET", shelf, *pairs))
        _prolong(connection, shelf)
        size = await connection.ask(pack(b"HLEN", shelf))
        if isinstance(size, int) and size > self._most_tags:
            await connection.ask(pack(b"DEL", shelf))
        return isinstance(await renewed, int)


def _prolong(connection: Connection, shelf: bytes) -> None:
    # asked, though nobody waits: told, it would stand for a write, and a full Redis, which still takes this, would seem
    # to take writes again
    connection.ask(pack(b"EXPIRE", shelf, _LIFE_SECONDS))


def _snapshot(reply: object, tags: Sequence[bytes]) -> Snapshot:
    if not isinstance(reply, list) or len(reply) != 1 + len(tags):
        return UNKNOWN
    epoch, *generations = reply
    if not _is_bytes(epoch, EPOCH_BYTES):
        return UNKNOWN
    known = [NEVER if generation is None else generation for generation in generations]
    if not all(_is_bytes(generation, GENERATION_BYTES) for generation in known):
        return UNKNOWN
    return Snapshot(epoch, dict(zip(tags, known, strict=True)))


def _is_bytes(value: object, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length
