"""The steps of tier 3 that lie in Redis, for those who purge."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from caching.shelf import ShelfUnavailableError
from caching.steps import GENERATION_BYTES

_TIMEOUT_SECONDS = 2.0
_SCANNED_AT_ONCE = 1_000


class RedisSteps:
    """For people and jobs, who wait: over a connection of its own, never that of requests."""

    def __init__(self, url: str) -> None:
        self._url = url

    def renew(self, shelf: bytes, tag: bytes) -> None:
        with self._asked() as client:
            if client.exists(shelf):  # else no epoch has begun, and nothing is found or being computed
                client.hset(shelf, mapping={tag: os.urandom(GENERATION_BYTES)})

    def begin_anew(self, shelf: bytes) -> None:
        with self._asked() as client:
            client.delete(shelf)

    def count(self, prefix: bytes) -> int:
        return sum(map(len, self._keys(prefix)))

    def sweep(self, prefix: bytes) -> int:
        count = 0
        for keys in self._keys(prefix):
            with self._asked() as client:
                count += int(client.unlink(*keys))
        return count

    def _keys(self, prefix: bytes) -> Iterator[Sequence[bytes]]:
        cursor = 0
        while True:
            with self._asked() as client:
                # braces have no meaning in Redis' patterns
                reply: Any = client.scan(cursor, match=prefix + b"*", count=_SCANNED_AT_ONCE)
            cursor, keys = reply
            if keys:
                yield keys
            if cursor == 0:
                return

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
