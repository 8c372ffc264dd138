"""A database or a Pinecone that is away, slow or mad costs its time limit at most, and then nothing for a while."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
from aiohttp import web

from caching import semantic_wiring
from caching.backends.breaker import Breaker
from caching.backends.entry_writer import EntryWriter
from caching.backends.pgvector import PgvectorStore
from caching.backends.pinecone import PineconeStore
from caching.backends.pinecone_index import PineconeIndex
from caching.backends.postgres_connections import HastyConnection
from caching.backends.postgres_reads import PostgresReads
from tests.caching.vectors.conftest import Shop
from tests.caching.vectors.kit import Nowhere, found, keepsake

pytestmark = pytest.mark.django_db

LIMIT_SECONDS = 0.1
# the machine may be busy; what is shown is that nobody waits for the other side
AT_MOST_SECONDS = 1.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def black_hole() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is ever said."""
    taken: list[asyncio.BaseTransport] = []

    class Silence(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            taken.append(transport)

    server = await asyncio.get_running_loop().create_server(Silence, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for transport in taken:
        transport.close()
    await asyncio.sleep(0)  # the turn in which they close their sockets


def nothing() -> EntryWriter:
    return EntryWriter(Nowhere())


async def timed(store, namespace) -> float:
    began = time.monotonic()
    assert await found(store, namespace) == []
    return time.monotonic() - began


async def test_a_postgresql_that_says_nothing_costs_the_limit_and_then_nothing(ada, seal, black_hole, caplog):
    tries = []

    async def connect() -> HastyConnection:
        tries.append(1)
        return await HastyConnection.connect(host="127.0.0.1", port=black_hole, connect_timeout=2)

    clock = Clock()
    reads = PostgresReads(connect, Breaker("entries", clock=clock), timeout_seconds=LIMIT_SECONDS)
    store = PgvectorStore(reads, nothing(), seal)

    for _ in range(3):
        assert await timed(store, ada) < AT_MOST_SECONDS
    tries.clear()
    assert await timed(store, ada) < LIMIT_SECONDS
    assert await store.fetch(ada, ada.organization_id) is None
    assert tries == []  # it is left alone

    clock.now = 1.5
    await timed(store, ada)
    await timed(store, ada)
    assert tries == [1]  # one has tried, the other did not wait
    assert caplog.text.count("cache.store_down") == 1
    assert store.counters.failures == 4
    await store.close()


async def test_a_frozen_look_up_ends_by_its_limit_and_the_next_one_is_served(ada, seal, database, open_writer):
    reads = semantic_wiring.postgres_reads(LIMIT_SECONDS * 5)
    store = PgvectorStore(reads, open_writer(seal), seal)
    await Shop(store, store.flush).keep(keepsake(ada, "kept"))
    began = time.monotonic()

    assert await reads.ask("SELECT pg_sleep(%(seconds)s)", {"seconds": 30}) is None

    assert time.monotonic() - began < 5
    assert await found(store, ada) == ["kept"]
    await store.close()


async def test_a_caller_who_leaves_takes_no_connection_along(ada, seal, database, open_writer):
    reads = semantic_wiring.postgres_reads(5)
    store = PgvectorStore(reads, open_writer(seal), seal)
    assert await store.is_up()

    for _ in range(10):  # more than there are connections
        # not long: the server goes on until then
        leaving = asyncio.ensure_future(reads.ask("SELECT pg_sleep(%(seconds)s)", {"seconds": 0.5}))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving}, timeout=AT_MOST_SECONDS)
        assert leaving.cancelled()

    assert await store.is_up()
    await store.close()


async def test_postgresql_comes_back_by_itself_and_both_changes_are_said_once(ada, seal, database, open_writer, caplog):
    caplog.set_level(logging.INFO)
    parameters, is_away, clock = semantic_wiring.connection_parameters(), [True], Clock()

    async def connect() -> HastyConnection:
        if is_away[0]:
            raise psycopg.OperationalError("away")
        return await HastyConnection.connect(**parameters)

    reads = PostgresReads(connect, Breaker("entries", clock=clock), timeout_seconds=5)
    store = PgvectorStore(reads, open_writer(seal), seal)
    await Shop(store, store.flush).keep(keepsake(ada, "kept"))
    for _ in range(5):
        assert await found(store, ada) == []
    is_away[0], clock.now = False, 2.0

    assert await found(store, ada) == ["kept"]
    assert await found(store, ada) == ["kept"]
    assert [record.message for record in caplog.records if "store_" in record.message] == [
        "cache.store_down",
        "cache.store_up",
    ]
    await store.close()


async def test_many_at_once_share_a_few_connections(ada, seal, database, open_writer):
    store = PgvectorStore(semantic_wiring.postgres_reads(10), open_writer(seal), seal)
    await Shop(store, store.flush).keep(keepsake(ada, "kept"))
    [began] = database.execute("SELECT clock_timestamp()").fetchone()

    answers = await asyncio.gather(*(found(store, ada) for _ in range(50)))

    assert answers == [["kept"]] * 50
    [count] = database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'acron-semantic-cache' AND backend_start > %s",
        [began],
    ).fetchone()
    assert 1 <= count <= 4
    await store.close()


async def _hang() -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def _long() -> web.Response:
    return web.Response(body=b'{"matches":[' + b" " * 2_000_000 + b"]}")


def answer(status: int, body: bytes):
    async def make() -> web.Response:
        return web.Response(status=status, body=body, headers={"location": "http://127.0.0.1:9/"})

    return make


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(_hang, id="hangs"),
        pytest.param(_long, id="too long"),
        pytest.param(answer(200, b"<html>"), id="no JSON"),
        pytest.param(answer(200, b"[]"), id="another shape"),
        pytest.param(answer(200, b'{"matches":[{"id":"x"}]}'), id="half a match"),
        pytest.param(answer(200, b'{"matches":[{"id":"no-fingerprint","score":1}]}'), id="not ours"),
        pytest.param(answer(200, b'{"matches":[{"id":"00","score":1}]}'), id="no such row"),
        pytest.param(answer(307, b""), id="a redirect"),
        pytest.param(answer(401, b"Unauthorized"), id="wrong key"),
        pytest.param(answer(429, b"{}"), id="too many"),
        pytest.param(answer(503, b"{}"), id="down"),
    ],
)
async def test_a_pinecone_that_fails_finds_nothing_within_its_limit(pinecone, stub, seal, ada, fault):
    await Shop(pinecone, pinecone.flush).keep(keepsake(ada))
    index, breaker = PineconeIndex(stub.url, "pc-secret"), Breaker("pinecone", clock=time.monotonic)
    reads = semantic_wiring.postgres_reads(5)
    hasty = PineconeStore(index, breaker, reads, nothing(), seal, timeout_seconds=LIMIT_SECONDS)
    stub.answer = fault

    assert await timed(hasty, ada) < AT_MOST_SECONDS
    await hasty.close()


async def test_a_pinecone_that_fails_again_and_again_is_left_alone(pinecone, stub, ada, caplog):
    stub.answer = answer(401, b"Unauthorized")

    for _ in range(6):
        assert await found(pinecone, ada) == []

    assert len(stub.requests) == 3
    assert caplog.text.count("cache.store_down") == 1
    assert "pc-secret" not in caplog.text


async def test_what_pinecone_refuses_is_no_row_either(pinecone, stub, ada, database):
    stub.answer = answer(429, b"{}")

    await Shop(pinecone, pinecone.flush).keep(keepsake(ada))

    assert database.execute("SELECT count(*) FROM caching_semanticentry").fetchone()[0] == 0
    assert pinecone.counters.dropped == 1


async def test_pinecone_hears_no_question_no_answer_and_no_name(pinecone, stub, ada):
    await Shop(pinecone, pinecone.flush).keep(keepsake(ada, "our secret plan", body=b"a secret"))
    await found(pinecone, ada)

    sent = b"".join(body for _, body in stub.requests)
    assert b"secret" not in sent
    assert b"default" not in sent
    assert {each["X-Pinecone-Api-Version"] for each in stub.headers} == {"2026-04"}
    assert {each["Api-Key"] for each in stub.headers} == {"pc-secret"}
