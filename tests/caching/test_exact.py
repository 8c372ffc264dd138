"""T1 gives back exactly what was kept, to whom it belongs, and to nobody else."""

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from accounts.encryption import cipher_from
from caching import exact
from caching.backends.memory import MemoryStore
from caching.exact import Entry, ExactCache
from caching.protocols import ExactStore, Namespace

KEY = "5c" * 32
FINGERPRINT = bytes(range(32))


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(1_000_000)


@pytest.fixture
def cache(store, clock) -> ExactCache:
    return open_cache(store, clock)


def open_cache(store: ExactStore, clock: Clock, *, key: str = KEY, max_entry_bytes: int = 10_000) -> ExactCache:
    return ExactCache(store, cipher_from(key), clock=clock, max_entry_bytes=max_entry_bytes)


async def test_what_was_kept_comes_back(cache, clock, ada):
    kept = cache.keep(ada, FINGERPRINT, note=b'{"model":"m"}', body=b"our secret plan", ttl_seconds=60)

    entry = await cache.look_up(ada, FINGERPRINT)

    assert kept
    assert entry == Entry(note=b'{"model":"m"}', body=b"our secret plan", stored_at=clock.now)


@pytest.mark.parametrize(
    ("note", "body"), [(b"", b""), (b"", b"body"), (b"note", b""), (b"\x00" * 300, b"\xff" * 9_000)]
)
async def test_note_and_body_may_be_any_bytes(cache, ada, note, body):
    cache.keep(ada, FINGERPRINT, note=note, body=body, ttl_seconds=60)

    entry = await cache.look_up(ada, FINGERPRINT)

    assert entry is not None
    assert (entry.note, entry.body) == (note, body)


async def test_what_was_never_kept_is_a_miss(cache, ada):
    assert await cache.look_up(ada, FINGERPRINT) is None


async def test_another_organization_never_sees_our_answers(cache, ada, mallory):
    cache.keep(ada, FINGERPRINT, note=b"", body=b"our secret plan", ttl_seconds=60)

    assert await cache.look_up(mallory, FINGERPRINT) is None


async def test_another_namespace_is_another_cache(cache, ada):
    cache.keep(ada, FINGERPRINT, note=b"", body=b"our secret plan", ttl_seconds=60)

    assert await cache.look_up(replace(ada, name="staging"), FINGERPRINT) is None


async def test_an_older_entry_is_a_miss_for_who_wants_a_younger_one(cache, clock, ada):
    cache.keep(ada, FINGERPRINT, note=b"", body=b"answer", ttl_seconds=600)
    clock.now += 30

    assert await cache.look_up(ada, FINGERPRINT, max_age_seconds=30) is None
    assert await cache.look_up(ada, FINGERPRINT, max_age_seconds=31) is not None
    assert await cache.look_up(ada, FINGERPRINT) is not None


async def test_an_age_of_zero_always_misses(cache, ada):
    cache.keep(ada, FINGERPRINT, note=b"", body=b"answer", ttl_seconds=600)

    assert await cache.look_up(ada, FINGERPRINT, max_age_seconds=0) is None


async def test_an_answer_that_is_too_large_is_not_kept(store, clock, ada):
    cache = open_cache(store, clock, max_entry_bytes=100)

    assert not cache.keep(ada, FINGERPRINT, note=b"n" * 50, body=b"b" * 51, ttl_seconds=60)
    assert cache.keep(ada, FINGERPRINT, note=b"n" * 50, body=b"b" * 50, ttl_seconds=60)
    assert cache.counters.too_large == 1


async def test_a_time_of_zero_keeps_nothing(cache, ada):
    assert not cache.keep(ada, FINGERPRINT, note=b"", body=b"answer", ttl_seconds=0)


async def test_an_entry_copied_under_another_key_never_opens(cache, store, ada, mallory):
    cache.keep(ada, FINGERPRINT, note=b"", body=b"our secret plan", ttl_seconds=60)
    sealed = await store.get(exact.entry_key(ada, FINGERPRINT))
    elsewhere = [(mallory, FINGERPRINT), (replace(ada, name="other"), FINGERPRINT), (ada, b"other")]

    for namespace, fingerprint in elsewhere:
        store.put(exact.entry_key(namespace, fingerprint), sealed, 60)
        assert await cache.look_up(namespace, fingerprint) is None

    assert cache.counters.unreadable == 3


@pytest.mark.parametrize("key", [KEY, ""], ids=["encrypted", "plain"])
async def test_a_damaged_entry_is_a_miss_that_the_next_answer_overwrites(store, clock, ada, key):
    cache = open_cache(store, clock, key=key)
    cache.keep(ada, FINGERPRINT, note=b"", body=b"answer", ttl_seconds=60)
    address = exact.entry_key(ada, FINGERPRINT)
    sealed = await store.get(address)

    for position in range(len(sealed)):
        store.put(address, sealed[:position] + bytes([sealed[position] ^ 0x80]) + sealed[position + 1 :], 60)
        assert await cache.look_up(ada, FINGERPRINT) is None
        store.put(address, sealed[:position], 60)
        assert await cache.look_up(ada, FINGERPRINT) is None
    cache.keep(ada, FINGERPRINT, note=b"", body=b"fresh", ttl_seconds=60)

    assert cache.counters.unreadable == 2 * len(sealed)
    assert (await cache.look_up(ada, FINGERPRINT)) is not None


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x02" + bytes(12), b"\x01" + bytes(8) + b"\xff\xff\xff\xff"])
async def test_an_entry_of_another_version_is_a_miss(cache, store, ada, packed):
    address = exact.entry_key(ada, FINGERPRINT)

    store.put(address, cipher_from(KEY).seal(packed, aad=address), 60)

    assert await cache.look_up(ada, FINGERPRINT) is None
    assert cache.counters.unreadable == 1


async def test_entries_outlive_a_rotation_of_the_key(store, clock, ada):
    open_cache(store, clock, key=KEY).keep(ada, FINGERPRINT, note=b"", body=b"answer", ttl_seconds=60)
    new_key = "7e" * 32

    rotated = open_cache(store, clock, key=f"{new_key},{KEY}")
    without_old = open_cache(store, clock, key=new_key)

    assert await rotated.look_up(ada, FINGERPRINT) is not None
    assert await without_old.look_up(ada, FINGERPRINT) is None
    assert without_old.counters.unreadable == 1


async def test_an_unencrypted_entry_cannot_be_planted(store, clock, ada):
    open_cache(store, clock, key="").keep(ada, FINGERPRINT, note=b"", body=b"planted", ttl_seconds=60)

    assert await open_cache(store, clock, key=KEY).look_up(ada, FINGERPRINT) is None


names = st.text(max_size=128) | st.sampled_from(
    ["default", "", ":", "{", "}", "*", "t1:x", "default:", "a:b", "\x00", "\ud800", "acron:{0}:t1:", "é", "é"]
)
organizations = st.sampled_from([UUID(int=0), UUID(int=1), UUID(int=2**128 - 1)])
places = st.tuples(organizations, names, st.binary(max_size=40))


@given(one=places, other=places)
def test_no_name_however_hostile_collides_with_another(one, other):
    one_key, other_key = (exact.entry_key(Namespace(place[0], place[1]), place[2]) for place in (one, other))

    assert (one_key == other_key) == (one == other)


@given(place=places)
def test_every_key_stands_under_its_organization_so_that_it_can_be_purged(place):
    organization_id, name, fingerprint = place
    key = exact.entry_key(Namespace(organization_id, name), fingerprint)

    assert key.startswith(b"acron:{%b}:t1:" % organization_id.hex.encode())
    assert key.count(b"{") == key.count(b"}") == 1
    assert key.isascii()
    assert b" " not in key


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as connected:
        yield connected


async def test_nothing_of_an_answer_can_be_read_in_redis(open_store, clock, client):
    plan = b"attack-the-market-at-dawn-with-umbrellas"
    namespace = Namespace(uuid4(), "ours-umbrella-namespace")
    cache = open_cache(open_store(os.environ["REDIS_URL"]), clock)

    cache.keep(namespace, FINGERPRINT, note=b"note:" + plan, body=b"body:" + plan, ttl_seconds=60)
    entry = await cache.look_up(namespace, FINGERPRINT)

    assert entry is not None
    assert entry.body == b"body:" + plan
    keys = list(client.scan_iter(match=f"acron:{{{namespace.organization_id.hex}}}:*", count=1000))
    dump = b"".join(keys) + b"".join(client.get(key) or b"" for key in keys)
    assert len(keys) == 1
    for secret in (plan, b"umbrella", plan.hex().encode(), base64.b64encode(b"body:" + plan)[:24]):
        assert secret not in dump


async def test_two_organizations_never_share_in_redis(open_store, clock):
    cache = open_cache(open_store(os.environ["REDIS_URL"]), clock)
    ada, mallory = Namespace(uuid4()), Namespace(uuid4())

    cache.keep(ada, FINGERPRINT, note=b"", body=b"ada's", ttl_seconds=60)
    cache.keep(mallory, FINGERPRINT, note=b"", body=b"mallory's", ttl_seconds=60)

    ours, theirs = await cache.look_up(ada, FINGERPRINT), await cache.look_up(mallory, FINGERPRINT)
    assert ours is not None
    assert theirs is not None
    assert (ours.body, theirs.body) == (b"ada's", b"mallory's")
