"""Caches of steps whose generations lie in Redis or in memory."""

import os
from collections.abc import Callable
from uuid import uuid4

import pytest

from accounts.encryption import cipher_from
from acron_site.lib.redis_links import Links
from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations
from caching.backends.redis import RedisStore
from caching.backends.redis_generations import RedisGenerations
from caching.protocols import ExactStore, Namespace
from caching.step_store import StepCache
from caching.steps import Generations

KEY = "5c" * 32
SECRET = b"secret"


def step_cache(
    store: ExactStore, generations: Generations, *, key: str = KEY, max_entry_bytes: int = 10_000
) -> StepCache:
    return StepCache(
        store,
        generations,
        cipher=cipher_from(key),
        secret=SECRET,
        clock=lambda: 1_700_000_000.0,
        max_entry_bytes=max_entry_bytes,
    )


@pytest.fixture
async def over_redis():
    """Makes the cache of one more worker on a Redis, over a connection of its own."""
    opened: list[Links] = []

    def make(url: str = "") -> StepCache:
        links = Links(url or os.environ["REDIS_URL"], timeout_seconds=0.5)
        opened.append(links)
        return step_cache(RedisStore(links, max_value_bytes=20_000), RedisGenerations(links))

    yield make
    for links in opened:
        await links.close()


@pytest.fixture(params=["redis", "memory"])
def cache(request, over_redis: Callable[..., StepCache]) -> StepCache:
    if request.param == "redis":
        return over_redis()
    return step_cache(MemoryStore(1_000_000), MemoryGenerations())


@pytest.fixture
def ada() -> Namespace:
    return Namespace(uuid4())  # the run's Redis is shared with other tests


@pytest.fixture
def mallory() -> Namespace:
    return Namespace(uuid4())
