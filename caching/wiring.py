"""Builds the cache from the configuration."""

import hashlib
import logging
import time
from collections.abc import Coroutine, Iterable, Mapping
from functools import cache, lru_cache, partial
from typing import Any
from weakref import WeakSet

from django.conf import settings

from accounts import wiring as accounts
from accounts.encryption import Cipher
from accounts.revocations import RedisRevocations
from acron_site.lib.config import Cache, Embeddings
from acron_site.lib.redis_links import Links
from caching import semantic_wiring, services_complaints, step_store
from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations
from caching.backends.memory_index import MemoryIndex
from caching.backends.memory_leases import MemoryLeases
from caching.backends.memory_steps import MemoryEnds, MemorySteps
from caching.backends.redis import RedisStore
from caching.backends.redis_generations import RedisGenerations
from caching.backends.redis_index import RedisIndex
from caching.backends.redis_leases import RedisLeases
from caching.backends.redis_steps import RedisSteps
from caching.backends.sealed_entries import EntrySeal
from caching.broadcast import CHANNEL, Follower, ToldShelf
from caching.embedders import choice
from caching.embedders.choice import Embedders
from caching.embedders.remote import OnUsage
from caching.exact import ExactCache
from caching.exact_shelf import ExactShelf
from caching.gate_book import DatabaseBook
from caching.gate_rules import TierPolicies, tier_policy_of
from caching.gates import Gates
from caching.idempotency import Idempotency
from caching.leases import Leases
from caching.policies import defaults_of
from caching.policy_book import PolicyBook
from caching.policy_records import DatabasePolicies
from caching.policy_tiers import PolicyTiers
from caching.protocols import ExactStore, Namespace
from caching.semantic_memory_shelf import SemanticMemoryShelf
from caching.semantic_shelf import SemanticShelf
from caching.shelf import Shelf
from caching.step_shelf import StepShelf
from caching.step_store import StepCache
from caching.steps import Generations

logger = logging.getLogger(__name__)

# what the seal and the head add to an entry; generous, a slightly larger reply is still read
_SEAL_BYTES = 1024
# what the gateway notes beside an answer: cache.max_entry_bytes speaks of the answer alone
_NOTE_BYTES = 1024
# answers under an Idempotency-Key that a process keeps for the time that Redis is away
_SPARE_BYTES = 16 * 1024 * 1024
# who invalidates waits for it, over a connection that is yet to be made
_INVALIDATION_SECONDS = 2.0

_memory_stores: WeakSet[MemoryStore] = WeakSet()


def redis_links(config: Cache, redis_url: str) -> Links:
    return Links(redis_url, timeout_seconds=config.store_timeout_ms / 1000)


def exact_store(config: Cache, *, redis_url: str, links: Links | None = None) -> ExactStore:
    """Redis, over `links` if there are any; this process's memory when that is configured or no URL is known."""
    if config.backend == "redis" and redis_url:
        return RedisStore(
            links or redis_links(config, redis_url),
            max_value_bytes=config.max_entry_bytes + _NOTE_BYTES + _SEAL_BYTES,
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
    config, redis_url = settings.ACRON.cache, settings.REDIS_URL
    return _exact_shelf(config, redis_url), _semantic_shelf(config, redis_url), _step_shelf(config, redis_url)


@lru_cache(maxsize=4)
def _exact_shelf(config: Cache, redis_url: str) -> Shelf:
    cipher = accounts.cipher()
    if config.backend == "redis" and redis_url:
        policies_of = DatabasePolicies(defaults_of(config)).read
        return ExactShelf(RedisIndex(redis_url), cipher, policies_of=policies_of)
    return _told(ExactShelf(MemoryIndex(memory_stores), cipher), redis_url)


def _semantic_shelf(config: Cache, redis_url: str) -> Shelf:
    complain = partial(services_complaints.complain_of_entry, policies=tier_policies(config))
    if config.backend == "memory":
        return _told(SemanticMemoryShelf(semantic_wiring.memory_stores, complain=complain), redis_url)
    return SemanticShelf(EntrySeal(accounts.cipher()), forget=semantic_wiring.forgetter(), complain=complain)


@lru_cache(maxsize=4)
def _step_shelf(config: Cache, redis_url: str) -> Shelf:
    steps = RedisSteps(redis_url)
    index = steps if config.backend == "redis" and redis_url else MemorySteps(memory_stores)
    ends = steps if redis_url else MemoryEnds(memory_generations())
    return StepShelf(index, ends, secret=step_secret())


def _told(own: Shelf, redis_url: str) -> Shelf:
    """Acts on one worker's memory reach the others, where there is a way."""
    return ToldShelf(own, RedisRevocations(redis_url, channel=CHANNEL).publish, accounts.cipher()) if redis_url else own


def acts_of_others(config: Cache, redis_url: str) -> Coroutine[Any, Any, None] | None:
    """To be run for as long as the process lives, where entries lie in the memory of each worker."""
    if config.backend == "redis" or not redis_url:
        return None
    cipher = accounts.cipher()
    # without complaints: who was told of the act first has made them
    own = (ExactShelf(MemoryIndex(memory_stores), cipher), SemanticMemoryShelf(semantic_wiring.memory_stores))
    follower = Follower(own, cipher)
    return RedisRevocations(redis_url, channel=CHANNEL).follow(follower)


def exact_cache(config: Cache, store: ExactStore, *, cipher: Cipher) -> ExactCache:
    return ExactCache(store, cipher, clock=time.time, max_entry_bytes=config.max_entry_bytes + _NOTE_BYTES)


def policy_book(config: Cache) -> PolicyBook:
    return PolicyBook(DatabasePolicies(defaults_of(config)))


def leases(config: Cache, links: Links | None) -> Leases:
    """Among all workers where they share a Redis."""
    return RedisLeases(links) if config.backend == "redis" and links is not None else MemoryLeases()


def idempotency(
    config: Cache, cache: ExactCache, leases: Leases, *, cipher: Cipher, secret: bytes, patience_seconds: float
) -> Idempotency:
    spare = exact_cache(config, _memory_store(_SPARE_BYTES), cipher=cipher)
    return Idempotency(cache, spare, leases, secret=secret, patience_seconds=patience_seconds)


def generations(links: Links | None) -> Generations:
    """Those of all workers where there is a Redis, also when each keeps its steps in its own memory."""
    return memory_generations() if links is None else RedisGenerations(links)


@cache
def memory_generations() -> MemoryGenerations:
    """Those of this process, which are of use where it is the only one."""
    return MemoryGenerations()


def step_cache(config: Cache, store: ExactStore, generations: Generations, *, cipher: Cipher) -> StepCache:
    return StepCache(
        store,
        generations,
        cipher=cipher,
        secret=step_secret(),
        clock=time.time,
        max_entry_bytes=config.max_entry_bytes,
    )


@cache
def step_secret() -> bytes:
    """Keys the digests of steps and tags: the same in every process."""
    return hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"steps").digest()


async def invalidate_steps(namespace: Namespace, tags: Iterable[str]) -> None:
    """For who is not a worker of the gateway and has no connection of its own. See `step_store.invalidate`."""
    links = Links(settings.REDIS_URL, timeout_seconds=_INVALIDATION_SECONDS) if settings.REDIS_URL else None
    try:
        await step_store.invalidate(generations(links), namespace, tags, secret=step_secret())
    finally:
        if links is not None:
            await links.close()


def tier_policies(config: Cache) -> TierPolicies:
    return PolicyTiers(defaults_of(config), config.semantic_check_percent / 100)


def gates(config: Cache, *, space: str, likeness_version: str) -> Gates:
    """One for a process; `stop()` it at the end."""
    policy = tier_policy_of(defaults_of(config), config.semantic_check_percent / 100)
    return Gates(DatabaseBook(tier_policies(config)), space=space, likeness_version=likeness_version, policy=policy)


def embedders(config: Embeddings, environ: Mapping[str, str], *, on_usage: OnUsage) -> Embedders:
    """Of one event loop. `on_usage` hears what calls to a provider cost. Raises SettingsError."""
    return choice.choose(config, environ, on_usage=on_usage)


def _memory_store(max_bytes: int) -> MemoryStore:
    store = MemoryStore(max_bytes)
    _memory_stores.add(store)
    return store
