"""Redis killed, frozen, full, locked or babbling: always a miss, never a wait, never another's answer."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest


async def test_a_redis_that_never_was_is_a_miss_said_once(open_store, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    store = open_store(f"unix://{tmp_path}/nothing.sock")

    for _ in range(200):
        store.put(b"key", b"value", 60)
        assert await store.get(b"key") is None
        await asyncio.sleep(0.001)  # time for several attempts to connect

    assert not await store.is_up()
    assert store.counters.outages == 1
    assert store.counters.drops == 200
    assert len(caplog.records) == 1


async def test_a_killed_redis_is_a_miss_and_comes_back_by_itself(server, open_store, eventually, caplog):
    caplog.set_level(logging.INFO)
    store = open_store(server.url)
    store.put(b"key", b"value", 60)
    assert await store.get(b"key") == b"value"

    server.kill()
    values = [await store.get(b"key") for _ in range(500)]
    server.start()
    await eventually(store.is_up)
    store.put(b"key", b"new", 60)

    assert values == [None] * 500
    assert await store.get(b"key") == b"new"
    assert [record.message.split(":")[0] for record in caplog.records] == ["cache.redis_down", "cache.redis_up"]


async def test_a_flushed_redis_is_a_miss(server, open_store):
    store = open_store(server.url)
    store.put(b"key", b"value", 60)
    await store.get(b"key")

    server.admin("FLUSHALL")

    assert await store.get(b"key") is None
    assert store.counters.outages == 0


async def test_a_frozen_redis_costs_one_time_limit_and_then_nothing(server, open_store, eventually):
    store = open_store(server.url, timeout_seconds=0.2)
    for number in range(100):
        store.put(b"key:%d" % number, b"value %d" % number, 60)
    assert await store.get(b"key:99") == b"value 99"

    server.freeze()
    started = time.perf_counter()
    first = await asyncio.gather(*(store.get(b"key:%d" % number) for number in range(50)))
    limit_seconds = time.perf_counter() - started
    await asyncio.sleep(0)
    started = time.perf_counter()
    later = [await store.get(b"key:1") for _ in range(1000)]
    later_seconds = time.perf_counter() - started
    is_up = await store.is_up()
    server.thaw()
    await eventually(store.is_up)
    values = await asyncio.gather(*(store.get(b"key:%d" % number) for number in range(100)))

    assert first == [None] * 50
    assert 0.15 < limit_seconds < 1
    assert later == [None] * 1000
    assert later_seconds < 0.2
    assert not is_up
    assert values == [b"value %d" % number for number in range(100)]
    assert 1 <= store.counters.timeouts <= 50  # on a busy machine some are told of the first one's


async def test_a_redis_that_freezes_and_thaws_again_and_again_never_mixes_up_answers(server, open_store):
    store = open_store(server.url, timeout_seconds=0.05)
    for number in range(50):
        store.put(b"key:%d" % number, b"value %d" % number, 60)
    assert await store.get(b"key:0") is not None
    hits = 0

    for turn in range(60):
        if turn % 6 == 0:
            server.freeze()
        elif turn % 6 == 2:
            server.thaw()
        values = await asyncio.gather(*(store.get(b"key:%d" % number) for number in range(turn % 50)))
        for number, value in enumerate(values):
            assert value in (None, b"value %d" % number)
            hits += value is not None
        await asyncio.sleep(0.02)

    assert hits > 0
    server.thaw()


async def test_a_frozen_redis_does_not_fill_our_memory(server, open_store):
    store = open_store(server.url, timeout_seconds=0.3)
    await store.get(b"key")
    large = bytes(1_000_000)

    server.freeze()
    for number in range(50):
        store.put(b"key:%d" % number, large, 60)
        await asyncio.sleep(0)
    dropped_at_once = store.counters.drops
    assert await store.get(b"key") is None
    server.thaw()

    # 8 MB may wait to be sent, and the kernel's buffers take a little
    assert dropped_at_once >= 30
    assert store.counters.drops == 50


async def test_a_full_redis_still_answers_and_says_once_that_it_keeps_nothing(server, open_store, caplog):
    caplog.set_level(logging.INFO)
    store = open_store(server.url)
    store.put(b"old", b"value", 60)
    await store.get(b"old")

    server.admin("CONFIG", "SET", "maxmemory", 1)
    server.admin("CONFIG", "SET", "maxmemory-policy", "noeviction")
    for _ in range(100):
        store.put(b"new", b"value", 60)
        assert await store.get(b"new") is None
    assert await store.get(b"old") == b"value"
    server.admin("CONFIG", "SET", "maxmemory", 0)
    store.put(b"new", b"value", 60)

    assert await store.get(b"new") == b"value"
    assert store.counters.errors == 100
    assert store.counters.outages == 0
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "cache.redis_refuses_writes",
        "cache.redis_takes_writes",
    ]


async def test_a_wrong_password_is_a_miss_and_is_not_logged(server, open_store, caplog):
    server.admin("CONFIG", "SET", "requirepass", "right")
    store = open_store(f"redis://:wrong-secret@127.0.0.1:{server.port}")

    assert await store.get(b"key") is None

    assert not await store.is_up()
    assert "WRONGPASS" in caplog.text
    assert "wrong-secret" not in caplog.text


async def test_a_permission_taken_away_opens_the_breaker(server, open_store, caplog):
    server.admin("ACL", "SETUSER", "acron", "on", ">secret", "~acron:*", "+@all")
    store = open_store(f"unix://acron:secret@{server.socket_path}")
    assert await store.is_up()

    server.admin("ACL", "SETUSER", "acron", "-@all")
    for _ in range(100):
        assert await store.get(b"acron:key") is None
        await asyncio.sleep(0)

    assert store.counters.outages == 1
    assert "NOPERM" in caplog.text


# servers that a real Redis cannot be made to be


async def test_a_loading_redis_is_a_miss_until_it_is_ready(fake_redis, open_store, eventually):
    is_loading = True

    async def answer(command: list[bytes], reply: asyncio.StreamWriter) -> None:
        reply.write(b"-LOADING Redis is loading the dataset in memory\r\n" if is_loading else b"$2\r\nok\r\n")

    async with fake_redis(answer) as url:
        store = open_store(url)
        assert await store.get(b"key") is None
        assert not await store.is_up()

        is_loading = False
        await eventually(store.is_up)
        assert await store.get(b"key") == b"ok"


async def test_a_late_reply_reaches_nobody_while_the_connection_lives_on(fake_redis, open_store):
    async def answer(command: list[bytes], reply: asyncio.StreamWriter) -> None:
        key = command[1]
        if key == b"slow":
            # something is heard all the time, so the connection is not given up
            reply.write(b"$400\r\n")
            for _ in range(20):
                reply.write(b"x" * 20)
                await asyncio.sleep(0.02)
            reply.write(b"\r\n")
        else:
            reply.write(b"$%d\r\n%b\r\n" % (len(key), key))

    async with fake_redis(answer) as url:
        store = open_store(url, timeout_seconds=0.15)
        assert await store.get(b"warm") == b"warm"

        slow, behind = await asyncio.gather(store.get(b"slow"), store.get(b"behind"))
        values = [await store.get(b"key:%d" % number) for number in range(20)]

    assert slow is None
    assert behind is None
    assert store.counters.outages == 0
    assert all(value in (None, b"key:%d" % number) for number, value in enumerate(values))
    assert values[-1] == b"key:19"


async def test_one_who_is_always_too_slow_is_given_up(fake_redis, open_store):
    async def answer(command: list[bytes], reply: asyncio.StreamWriter) -> None:
        if command[1] != b"acron:probe":
            await asyncio.sleep(0.03)
        reply.write(b"$2\r\nok\r\n")

    async with fake_redis(answer) as url:
        store = open_store(url, timeout_seconds=0.05)
        deadline = time.monotonic() + 5
        while store.counters.outages == 0 and time.monotonic() < deadline:
            await asyncio.gather(*(store.get(b"key") for _ in range(5)))

    assert store.counters.outages == 1


@pytest.mark.parametrize(
    "babble",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$2\r\nok\r\n" * 3, b"\x00\xff\r\n", b"*1\r\n:1\r\n", b":1\r\n", b"$-1\r\n"],
)
async def test_what_is_no_redis_is_a_miss(fake_redis, open_store, babble):
    async def answer(command: list[bytes], reply: asyncio.StreamWriter) -> None:
        reply.write(b"$0\r\n\r\n" if command[1] == b"acron:probe" else babble)

    async with fake_redis(answer) as url:
        store = open_store(url)

        values = [await store.get(b"key") for _ in range(3)]

    assert set(values) <= {None, b"ok"}


async def test_one_that_accepts_and_says_nothing_is_a_miss(fake_redis, open_store):
    async def answer(command: list[bytes], reply: asyncio.StreamWriter) -> None:
        return

    async with fake_redis(answer) as url:
        store = open_store(url, timeout_seconds=0.1)
        started = time.perf_counter()

        assert await store.get(b"key") is None

        assert time.perf_counter() - started < 0.8
        assert not await store.is_up()


async def test_our_own_busy_loop_is_not_taken_for_a_slow_redis(server, open_store):
    store = open_store(server.url, timeout_seconds=0.1)
    store.put(b"key", b"value", 60)
    await store.get(b"key")
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()

    def be_busy() -> None:
        # while a socket's callback runs nothing is read, and uvloop calls timers next
        ours.recv(1)
        server.thaw()
        time.sleep(0.3)

    with ours, theirs:
        loop.add_reader(ours, be_busy)
        server.freeze()
        pending = asyncio.create_task(store.get(b"key"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # now it is sent
        theirs.send(b"x")
        value = await pending
        loop.remove_reader(ours)

    assert value == b"value"
    assert store.counters.timeouts == 0


Answer = Callable[[list[bytes], asyncio.StreamWriter], "asyncio.Future[None]"]


@pytest.fixture
def fake_redis(tmp_path_factory: pytest.TempPathFactory):
    """A server that reads commands and lets the story answer them, one after the other."""

    @asynccontextmanager
    async def serve(answer: Answer) -> AsyncIterator[str]:
        path: Path = tmp_path_factory.mktemp("f") / "fake.sock"
        connections = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            try:
                while command := await _read_command(reader):
                    await answer(command, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_unix_server(talk, path)
        try:
            yield f"unix://{path}"
        finally:
            server.close()
            for writer in connections:
                writer.close()

    return serve


async def _read_command(reader: asyncio.StreamReader) -> list[bytes]:
    head = await reader.readline()
    parts = []
    for _ in range(int(head[1:]) if head else 0):
        size = int((await reader.readline())[1:])
        parts.append((await reader.readexactly(size + 2))[:-2])
    return parts
