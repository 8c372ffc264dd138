"""Builds the cache from the configuration."""

import logging
import time

from accounts.encryption import Cipher
from acron_site.lib.config import Cache
from caching.backends.memory import MemoryStore
from caching.backends.redis import RedisStore
from caching.exact import ExactCache
from caching.protocols import ExactStore

logger = logging.getLogger(__name__)

# what the seal and the head add to an entry; generous, a slightly larger reply is still read
_SEAL_BYTES = 1024


def exact_store(config: Cache, *, redis_url: str) -> ExactStore:
    """Redis, or this process's memory when that is configured or no URL is known."""
    if config.backend == "redis" and redis_url:
        return RedisStore(
            redis_url,
            timeout_seconds=config.store_timeout_ms / 1000,
            max_value_bytes=config.max_entry_bytes + _SEAL_BYTES,
        )
    if config.backend == "redis":
        logger.warning("cache.memory_instead_of_redis: set REDIS_URL so that all workers share their answers")
    return MemoryStore(config.memory_max_bytes)


def exact_cache(config: Cache, store: ExactStore, *, cipher: Cipher) -> ExactCache:
    return ExactCache(store, cipher, clock=time.time, max_entry_bytes=config.max_entry_bytes)
