"""The store in memory forgets by age and by use, never by surprise."""

import pytest

from caching.backends.memory import MemoryStore


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_what_was_put_is_there(clock):
    store = MemoryStore(10_000, clock=clock)

    store.put(b"key", b"value", 60)

    assert await store.get(b"key") == b"value"
    assert await store.get(b"other") is None


async def test_an_entry_is_gone_when_its_time_is_over(clock):
    store = MemoryStore(10_000, clock=clock)
    store.put(b"key", b"value", 60)

    clock.now += 59.9
    assert await store.get(b"key") == b"value"
    clock.now += 0.1
    assert await store.get(b"key") is None
    assert store.size_bytes == 0


async def test_the_least_recently_used_entry_makes_room(clock):
    store = MemoryStore(3_000, clock=clock)
    for key in (b"a", b"b"):
        store.put(key, bytes(1_000), 60)
    await store.get(b"a")

    store.put(b"c", bytes(1_000), 60)

    assert await store.get(b"a") is not None
    assert await store.get(b"b") is None
    assert await store.get(b"c") is not None


async def test_it_never_holds_more_than_its_limit(clock):
    store = MemoryStore(50_000, clock=clock)

    for number in range(1_000):
        store.put(b"%d" % number, bytes(number), 60)
        assert store.size_bytes <= 50_000


async def test_replacing_an_entry_takes_no_extra_room(clock):
    store = MemoryStore(10_000, clock=clock)
    for _ in range(100):
        store.put(b"key", bytes(1_000), 60)

    assert store.size_bytes < 2_000


async def test_an_entry_larger_than_the_store_replaces_nothing_else(clock):
    store = MemoryStore(2_000, clock=clock)
    store.put(b"small", b"value", 60)

    store.put(b"large", bytes(2_000), 60)

    assert await store.get(b"large") is None
    assert await store.get(b"small") == b"value"


async def test_a_time_of_zero_keeps_nothing(clock):
    store = MemoryStore(2_000, clock=clock)

    store.put(b"key", b"value", 0)

    assert await store.get(b"key") is None


async def test_it_is_always_up_and_empty_after_closing(clock):
    store = MemoryStore(2_000, clock=clock)
    store.put(b"key", b"value", 60)

    assert await store.is_up()
    await store.close()

    assert await store.get(b"key") is None
