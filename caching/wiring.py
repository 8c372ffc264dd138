"""Builds the cache from the configuration."""

import logging
import time
from weakref import WeakSet

from accounts.encryption import Cipher
from acron_site.lib.config import Cache
from acron_site.lib.redis_links import Links
from caching.backends.memory import MemoryStore
from caching.backends.redis import RedisStore
from caching.exact import ExactCache
from caching.protocols import ExactStore

logger = logging.getLogger(__name__)

# what the seal and the head add to an entry; generous, a slightly larger reply is still read
_SEAL_BYTES = 1024

_memory_stores: WeakSet[MemoryStore] = WeakSet()


def redis_links(config: Cache, redis_url: str) -> Links:
    return Links(redis_url, timeout_seconds=config.store_timeout_ms / 1000)


def exact_store(config: Cache, *, redis_url: str, links: Links | None = None) -> ExactStore:
    """Redis, over `links` if there are any; this process's memory when that is configured or no URL is known."""
    if config.backend == "redis" and redis_url:
        return RedisStore(links or redis_links(config, redis_url), max_value_bytes=config.max_entry_bytes + _SEAL_BYTES)
    if config.backend == "redis":
        logger.warning("cache.memory_instead_of_redis: set REDIS_URL so that all workers share their answers")
    store = MemoryStore(config.memory_max_bytes)
    _memory_stores.add(store)
    return store


def memory_stores() -> tuple[MemoryStore, ...]:
    """Those of this process that are in use."""
    return tuple(_memory_stores)


def exact_cache(config: Cache, store: ExactStore, *, cipher: Cipher) -> ExactCache:
    return ExactCache(store, cipher, clock=time.time, max_entry_bytes=config.max_entry_bytes)
