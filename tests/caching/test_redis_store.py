"""The store in a healthy Redis: what is put is got, whoever asks and however many."""

import asyncio
import os

import pytest
import redis
import uvloop

from acron_site.lib.redis_links import Links
from caching.backends.redis import RedisStore

# distinct keys: the run's Redis is shared with other tests
PREFIX = b"acron:{store}:"


@pytest.fixture
def store(open_store):
    return open_store(os.environ["REDIS_URL"])


async def test_what_was_put_is_there(store):
    store.put(PREFIX + b"1", b"value \r\n \x00\xff", 60)

    assert await store.get(PREFIX + b"1") == b"value \r\n \x00\xff"
    assert await store.get(PREFIX + b"none") is None


async def test_an_entry_carries_its_time_to_live(store):
    store.put(PREFIX + b"ttl", b"value", 77)
    await store.get(PREFIX + b"ttl")

    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        assert 70 < client.ttl(PREFIX + b"ttl") <= 77


async def test_a_time_of_zero_keeps_nothing(store):
    store.put(PREFIX + b"zero", b"value", 0)

    assert await store.get(PREFIX + b"zero") is None
    assert store.counters.errors == 0


async def test_a_thousand_at_once_get_each_their_own(store):
    for number in range(1000):
        store.put(PREFIX + b"many:%d" % number, b"value %d" % number, 60)

    values = await asyncio.gather(*(store.get(PREFIX + b"many:%d" % number) for number in range(1000)))

    assert values == [b"value %d" % number for number in range(1000)]


async def test_all_share_one_connection(server, open_store):
    store = open_store(server.url)

    await asyncio.gather(*(store.get(b"key") for _ in range(100)))

    clients = server.admin("CLIENT", "LIST")
    assert isinstance(clients, bytes)
    assert clients.count(b"cmd=getrange") == 1


async def test_a_caller_who_leaves_does_not_shift_the_others_answers(store):
    for number in range(100):
        store.put(PREFIX + b"leave:%d" % number, b"value %d" % number, 60)
    tasks = [asyncio.create_task(store.get(PREFIX + b"leave:%d" % number)) for number in range(100)]
    await asyncio.sleep(0)

    for task in tasks[::2]:
        task.cancel()
    values = await asyncio.gather(*tasks[1::2])

    assert values == [b"value %d" % number for number in range(1, 100, 2)]


async def test_a_key_of_another_type_is_a_miss_and_no_outage(server, open_store):
    store = open_store(server.url)
    server.admin("RPUSH", "list", "1")
    store.put(b"key", b"value", 60)

    for _ in range(100):
        assert await store.get(b"list") is None

    assert await store.get(b"key") == b"value"
    assert store.counters.errors == 100
    assert store.counters.outages == 0


async def test_a_huge_value_is_a_miss_and_does_not_even_travel(server, open_store):
    store = open_store(server.url, max_value_bytes=1000)
    server.admin("SET", "huge", b"x" * 5_000_000)
    server.admin("SET", "fits", b"x" * 1000)

    assert await store.get(b"huge") is None
    assert await store.get(b"fits") == b"x" * 1000
    stats = server.admin("INFO", "stats")
    assert isinstance(stats, dict)
    assert stats["total_net_output_bytes"] < 100_000


async def test_a_value_above_the_limit_is_not_put(open_store, server):
    store = open_store(server.url, max_value_bytes=1000)

    store.put(b"large", bytes(1001), 60)

    assert await store.get(b"large") is None
    assert server.admin("DBSIZE") == 0
    assert store.counters.drops == 1


async def test_over_tcp_with_a_password_and_a_database(server, open_store):
    server.admin("CONFIG", "SET", "requirepass", "p@ss/w:rd")
    store = open_store(f"redis://:p%40ss%2Fw%3Ard@127.0.0.1:{server.port}/3")

    store.put(b"key", b"value", 60)

    assert await store.get(b"key") == b"value"
    assert server.admin("GET", "key", password="p@ss/w:rd", database=3) == b"value"
    assert server.admin("GET", "key", password="p@ss/w:rd", database=0) is None


async def test_with_a_user_who_may_touch_only_our_keys(server, open_store):
    server.admin("ACL", "SETUSER", "acron", "on", ">secret", "~acron:*", "+@read", "+@write", "+ping")
    store = open_store(f"unix://acron:secret@{server.socket_path}")

    store.put(b"acron:key", b"value", 60)

    assert await store.get(b"acron:key") == b"value"


async def test_health_is_told_before_first_use(store):
    assert await store.is_up()


async def test_what_was_put_arrives_before_closing(server, open_store):
    store = open_store(server.url)

    store.put(b"key", bytes(900_000), 60)
    await store.close()

    assert server.admin("STRLEN", "key") == 900_000


async def test_it_can_be_used_again_after_closing(store):
    store.put(PREFIX + b"again", b"value", 60)
    await store.close()

    assert await store.get(PREFIX + b"again") == b"value"


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_each_event_loop_gets_its_own_connection(server, new_loop):
    store = RedisStore(Links(server.url, timeout_seconds=0.25), max_value_bytes=1000)

    async def story() -> bytes | None:
        store.put(b"key", b"value", 60)
        value = await store.get(b"key")
        await store.close()
        return value

    for _ in range(3):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            assert runner.run(story()) == b"value"
