"""Two organizations with rows of their own, and stores over a real PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connections
from psycopg import sql

from accounts.encryption import cipher_from
from acron_site.lib.ids import uuid7
from caching import semantic_wiring
from caching.backends.breaker import Breaker
from caching.backends.entry_rows import EntryRows
from caching.backends.entry_writer import EntryWriter
from caching.backends.memory_vectors import MemoryVectors
from caching.backends.pgvector import PgvectorStore
from caching.backends.pinecone import PineconeStore
from caching.backends.pinecone_index import PineconeIndex
from caching.backends.pinecone_writes import PineconeRows, PineconeWrites
from caching.backends.postgres_connections import PatientConnection
from caching.backends.sealed_entries import EntrySeal
from caching.protocols import Namespace
from tests.caching.vectors import kit

Result = TypeVar("Result")

KEY = "0a" * 32
MARK = "vectors of"
_INDEXES = "SELECT indexname FROM pg_indexes WHERE starts_with(indexname, 'semantic_near_')"
# the machine that tests run on may be busy with others
PATIENCE_SECONDS = 5.0


@pytest.fixture
def database(db) -> Iterator[PatientConnection]:
    """Another connection to the same database: what stands here is committed, for stores have connections of their own.

    Its users need the mark `django_db`.
    """
    with semantic_wiring.connect() as connection:
        yield connection
        for (name,) in connection.execute(_INDEXES).fetchall():
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute("DELETE FROM caching_semanticentry")
        connection.execute("DELETE FROM caching_semanticpurge")
        connection.execute("DELETE FROM accounts_organization WHERE name LIKE %s", [f"{MARK}%"])


@pytest.fixture
def ada(database) -> Namespace:
    return Namespace(organization(database, "Ada"))


@pytest.fixture
def mallory(database) -> Namespace:
    return Namespace(organization(database, "Mallory"))


def organization(database: PatientConnection, name: str) -> UUID:
    id_ = uuid7()
    database.execute(
        "INSERT INTO accounts_organization (id, name, slug, created_at) VALUES (%s, %s, %s, now())",
        [id_, f"{MARK} {name}", f"vectors-{name}"],
    )
    return id_


@pytest.fixture
def seal() -> EntrySeal:
    return EntrySeal(cipher_from(KEY))


@dataclass(frozen=True)
class Shop:
    """A store, and how to wait for what was handed to it."""

    store: Any
    flush: Callable[[], Any]

    async def keep(self, *keepsakes: Any, space: Any = kit.SPACE) -> None:
        for each in keepsakes:
            self.store.put(each, space)
        await asyncio.to_thread(self.flush)


@pytest.fixture
def open_writer() -> Iterator[Callable[..., EntryWriter]]:
    """Makes writers whose threads have ended when the test ends."""
    opened: list[EntryWriter] = []

    def make(seal: EntrySeal, index: PineconeIndex | None = None, connect: Any = semantic_wiring.connect) -> Any:
        rows = EntryRows(connect, seal, has_vectors=index is None)
        keeper = rows if index is None else PineconeRows(PineconeWrites(index), rows)
        opened.append(EntryWriter(keeper, pause_seconds=0.01))
        return opened[-1]

    yield make
    for writer in opened:
        writer.stop()


@pytest.fixture
async def pgvector(database, seal, open_writer) -> AsyncIterator[PgvectorStore]:
    store = PgvectorStore(semantic_wiring.postgres_reads(PATIENCE_SECONDS), open_writer(seal), seal)
    yield store
    await store.close()


@pytest.fixture
async def stub() -> AsyncIterator[kit.PineconeStub]:
    async with kit.pinecone() as running:
        yield running


@pytest.fixture
async def pinecone(stub, database, seal, open_writer) -> AsyncIterator[PineconeStore]:
    index = PineconeIndex(stub.url, "pc-secret")
    reads, breaker = semantic_wiring.postgres_reads(PATIENCE_SECONDS), Breaker("pinecone", clock=time.monotonic)
    store = PineconeStore(index, breaker, reads, open_writer(seal, index), seal, timeout_seconds=PATIENCE_SECONDS)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "pgvector", "pinecone"])
def shop(request) -> Shop:
    if request.param == "memory":
        return Shop(MemoryVectors(1_000_000), lambda: None)
    store = request.getfixturevalue(request.param)
    return Shop(store, store.flush)


async def beside(work: Callable[[], Result]) -> Result:
    """What blocks, in a thread of its own, whose connection is closed after it."""

    def run() -> Result:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)
