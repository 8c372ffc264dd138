"""Builds the cache from the configuration."""

import logging
import time
from collections.abc import Mapping
from weakref import WeakSet

from accounts.encryption import Cipher
from acron_site.lib.config import Cache, Embeddings
from acron_site.lib.redis_links import Links
from caching.backends.memory import MemoryStore
from caching.backends.memory_leases import MemoryLeases
from caching.backends.redis import RedisStore
from caching.backends.redis_leases import RedisLeases
from caching.embedders import choice
from caching.embedders.choice import Embedders
from caching.embedders.remote import OnUsage
from caching.exact import ExactCache
from caching.idempotency import Idempotency
from caching.leases import Leases
from caching.protocols import ExactStore

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
        return RedisStore(links or redis_links(config, redis_url), max_value_bytes=config.max_entry_bytes + _SEAL_BYTES)
    if config.backend == "redis":
        logger.warning("cache.memory_instead_of_redis: set REDIS_URL so that all workers share their answers")
    return _memory_store(config.memory_max_bytes)


def memory_stores() -> tuple[MemoryStore, ...]:
    """Those of this process that are in use."""
    return tuple(_memory_stores)


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


def embedders(config: Embeddings, environ: Mapping[str, str], *, on_usage: OnUsage) -> Embedders:
    """Of one event loop. `on_usage` hears what calls to a provider cost. Raises SettingsError."""
    return choice.choose(config, environ, on_usage=on_usage)


def _memory_store(max_bytes: int) -> MemoryStore:
    store = MemoryStore(max_bytes)
    _memory_stores.add(store)
    return store
