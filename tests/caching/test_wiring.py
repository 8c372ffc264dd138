"""The configuration decides where answers are kept."""

import os
from uuid import uuid4

import pytest

from accounts.encryption import cipher_from
from acron_site.lib.config import Cache
from caching import wiring
from caching.backends.redis import RedisStore
from caching.gate_rules import TierPolicy
from caching.policies import Semantic
from caching.protocols import Namespace


async def test_with_a_redis_url_answers_are_kept_there():
    config = Cache(max_entry_bytes=5_000)
    store = wiring.exact_store(config, redis_url=os.environ["REDIS_URL"])
    cache = wiring.exact_cache(config, store, cipher=cipher_from("5c" * 32))
    ada = Namespace(uuid4())

    largest = cache.keep(ada, b"fingerprint", note=b"", body=bytes(5_000), ttl_seconds=60)
    entry = await cache.look_up(ada, b"fingerprint")
    await store.close()

    assert isinstance(store, RedisStore)
    assert store.name == "redis"
    assert largest
    assert entry is not None


async def test_without_a_redis_url_answers_are_kept_in_memory_with_one_warning(caplog):
    store = wiring.exact_store(Cache(), redis_url="")

    assert store.name == "memory"
    assert len(caplog.records) == 1
    assert "REDIS_URL" in caplog.text


async def test_memory_that_was_asked_for_is_no_reason_to_warn(caplog):
    store = wiring.exact_store(Cache(backend="memory"), redis_url=os.environ["REDIS_URL"])

    assert store.name == "memory"
    assert not caplog.records


@pytest.mark.django_db
def test_gates_follow_the_settings():
    config = Cache(semantic="shadow", semantic_tolerance=0.02, semantic_check_percent=10)

    gates = wiring.gates(config, space="a model", likeness_version="1")
    policy = wiring.tier_policies(config).of(Namespace(uuid4()))

    assert policy == TierPolicy(Semantic.SHADOW, tolerance=0.02, manual_threshold=0.95, check_share=0.1)
    assert gates.gate(Namespace(uuid4()), "a\x00b").reason == "the cache policy has it compared only"
    gates.stop()
