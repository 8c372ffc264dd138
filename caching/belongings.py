"""What the cache keeps of an organization, for erasing it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.belongings import BelongingsUnavailableError
from caching import wiring
from caching.places import organization_prefix

_LOOKED_AT_ONCE = 1_000
_TIMEOUT_SECONDS = 2.0


class CachedAnswers:
    """Everything under an organization's prefix: in Redis, and in this process's memory.

    Another process's memory is not reached from here: without Redis, its entries lie there until their time is over,
    under keys that nobody can ask for any more.
    """

    name = "cache"

    def export(self, organization_id: UUID) -> Iterator[Mapping[str, Any]]:  # noqa: ARG002 - as the protocol has it
        """Nothing: these are copies of answers, sealed, under fingerprints."""
        return iter(())

    def erase(self, organization_id: UUID) -> Iterator[int]:
        prefix = organization_prefix(organization_id)
        for store in wiring.memory_stores():
            store.forget(prefix)
        wiring.memory_generations().forget(prefix)
        if settings.REDIS_URL:
            yield from self._erase_from_redis(prefix)

    def organizations(self) -> Iterator[UUID]:
        """Nobody: an entry that comes late lives no longer than any other."""
        return iter(())

    def _erase_from_redis(self, prefix: bytes) -> Iterator[int]:
        cursor = 0
        while True:
            try:
                # braces have no meaning in Redis' patterns
                cursor, keys = self._client.scan(cursor, match=prefix + b"*", count=_LOOKED_AT_ONCE)
                removed = self._client.unlink(*keys) if keys else 0
            except redis.RedisError as error:
                raise BelongingsUnavailableError(type(error).__name__) from error
            yield removed
            if cursor == 0:
                return

    @cached_property
    def _client(self) -> "redis.Redis":
        return redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),  # somebody waits; a job comes back to it
        )
