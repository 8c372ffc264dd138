"""Builds the cache from the configuration."""

import logging
import time
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any
from weakref import WeakSet

from django.conf import settings

from accounts import wiring as accounts
from accounts.encryption import Cipher
from accounts.revocations import RedisRevocations
from acron_site.lib.config import Cache
from acron_site.lib.redis_links import Links
from caching.backends.memory import MemoryStore
from caching.backends.memory_index import MemoryIndex
from caching.backends.memory_leases import MemoryLeases
from caching.backends.redis import RedisStore
from caching.backends.redis_index import RedisIndex
from caching.backends.redis_leases import RedisLeases
from caching.broadcast import CHANNEL, Follower, ToldShelf
from caching.exact import ExactCache
from caching.exact_shelf import ExactShelf
from caching.idempotency import Idempotency
from caching.leases import Leases
from caching.protocols import ExactStore
from caching.shelf import Shelf

logger = logging.getLogger(__name__)

# what the seal and the head add to an entry; generous, a slightly larger reply is still read
_SEAL_BYTES = 1024
# answers under an Idempotency-Key that a process keeps for the time that Redis is away
_SPARE_BYTES = 16 * 1024 * 1024

_memory_stores: WeakSet[MemoryStore] = WeakSet()


def redis_links(config: Cache, redis_url: str) -> Links:
    return Links(redis_url, timeout_seconds=config.store_timeout_ms / 1000)


def exact_store(config: Cache, *, redis_url: str, links: Links | None = None) -> ExactStore:
    """Redis, over `links` if there are any; this process's memory when that is configured or no URL is known."""
    if config.backend == "redis" and redis_url:
        return RedisStore(
            links or redis_links(config, redis_url),
            max_value_bytes=config.max_entry_bytes + _SEAL_BYTES,
            most_shelved=config.namespace_max_entries,
        )
    if config.backend == "redis":
        logger.warning("cache.memory_instead_of_redis: set REDIS_URL so that all workers share their answers")
    return _memory_store(config.memory_max_bytes)


def memory_stores() -> tuple[MemoryStore, ...]:
    """Those of this process that are in use."""
    return tuple(_memory_stores)


def shelves() -> tuple[Shelf, ...]:
    """What people list and purge: one of each tier that keeps anything."""
    return (_exact_shelf(settings.ACRON.cache, settings.REDIS_URL),)


@lru_cache(maxsize=4)
def _exact_shelf(config: Cache, redis_url: str) -> Shelf:
    cipher = accounts.cipher()
    if config.backend == "redis" and redis_url:
        return ExactShelf(RedisIndex(redis_url), cipher)
    own = ExactShelf(MemoryIndex(memory_stores), cipher)
    return ToldShelf(own, RedisRevocations(redis_url, channel=CHANNEL).publish, cipher) if redis_url else own


def acts_of_others(config: Cache, redis_url: str) -> Coroutine[Any, Any, None] | None:
    """To be run for as long as the process lives, where entries lie in the memory of each worker."""
    if config.backend == "redis" or not redis_url:
        return None
    cipher = accounts.cipher()
    follower = Follower(ExactShelf(MemoryIndex(memory_stores), cipher), cipher)
    return RedisRevocations(redis_url, channel=CHANNEL).follow(follower)


def exact_cache(config: Cache, store: ExactStore, *, cipher: Cipher) -> ExactCache:
    return ExactCache(store, cipher, clock=time.time, max_entry_bytes=config.max_entry_bytes)


def leases(config: Cache, links: Links | None) -> Leases:
    """Among all workers where they share a Redis."""
    return RedisLeases(links) if config.backend == "redis" and links is not None else MemoryLeases()


def idempotency(
    config: Cache, cache: ExactCache, leases: Leases, *, cipher: Cipher, secret: bytes, patience_seconds: float
) -> Idempotency:
    spare = exact_cache(config, _memory_store(_SPARE_BYTES), cipher=cipher)
    return Idempotency(cache, spare, leases, secret=secret, patience_seconds=patience_seconds)


def _memory_store(max_bytes: int) -> MemoryStore:
    store = MemoryStore(max_bytes)
    _memory_stores.add(store)
    return store
