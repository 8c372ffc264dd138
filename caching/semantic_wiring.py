"""Builds the store of tier 2 from the settings."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakSet

from django.conf import settings
from django.db import connection

from accounts.encryption import Cipher
from acron_site.lib.config import Cache
from caching.backends.breaker import Breaker
from caching.backends.entry_rows import EntryRows
from caching.backends.entry_writer import EntryWriter
from caching.backends.memory_vectors import MemoryVectors
from caching.backends.pgvector import PgvectorStore
from caching.backends.pinecone import PineconeStore, namespace_of, record_id
from caching.backends.pinecone_index import PineconeError, PineconeIndex
from caching.backends.pinecone_writes import PineconeRows, PineconeWrites
from caching.backends.postgres_connections import HastyConnection, PatientConnection
from caching.backends.postgres_reads import PostgresReads
from caching.backends.sealed_entries import EntrySeal
from caching.semantic_room import Evicted

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 3.0
# dead peers are noticed within seconds; nothing is prepared, so that each query is planned for its own partition
_LIVELY: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": None,
    "application_name": "acron-semantic-cache",
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}
# PostgreSQL takes a partition's own index where there is one: its guess of a partition's size is too low, and it would
# rather sort
_PLANNER = {
    "enable_sort": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "hnsw.iterative_scan": "strict_order",
}

_memory_stores: WeakSet[MemoryVectors] = WeakSet()


def semantic_store(config: Cache, *, cipher: Cipher) -> PgvectorStore | PineconeStore | MemoryVectors:
    """In PostgreSQL; its vectors at Pinecone where that is set up; all in memory with the memory backend."""
    if config.backend == "memory":
        store = MemoryVectors(config.semantic_memory_max_bytes)
        _memory_stores.add(store)
        return store
    seal, reads = EntrySeal(cipher), postgres_reads(config.semantic_timeout_ms / 1000)
    index = pinecone_index()
    if index is None:
        return PgvectorStore(reads, EntryWriter(EntryRows(connect, seal)), seal)
    writer = EntryWriter(PineconeRows(PineconeWrites(index), EntryRows(connect, seal, has_vectors=False)))
    breaker = Breaker("pinecone", clock=time.monotonic)
    return PineconeStore(index, breaker, reads, writer, seal, timeout_seconds=config.pinecone_timeout_ms / 1000)


def memory_stores() -> tuple[MemoryVectors, ...]:
    """Those of this process that are in use."""
    return tuple(_memory_stores)


def forgetter() -> Callable[[Sequence[Evicted]], None] | None:
    """What follows the deletion of rows, if anything does."""
    index = pinecone_index()
    return None if index is None else partial(_forget, PineconeWrites(index))


def pinecone_index() -> PineconeIndex | None:
    if settings.PINECONE_API_KEY and settings.PINECONE_HOST:
        return PineconeIndex(settings.PINECONE_HOST, settings.PINECONE_API_KEY)
    if settings.PINECONE_API_KEY:
        logger.warning("cache.pinecone_unused: set PINECONE_HOST to the host of your index")
    return None


def postgres_reads(timeout_seconds: float, **sets: str) -> PostgresReads:
    """`sets`: what PostgreSQL is to be told besides."""
    # the server, too, gives up what nobody waits for any more
    wanted = {**_PLANNER, "statement_timeout": str(round(timeout_seconds * 1000)), **sets}
    connect_hastily = partial(_connect_hastily, connection_parameters(), wanted)
    return PostgresReads(
        connect_hastily, Breaker("semantic entries", clock=time.monotonic), timeout_seconds=timeout_seconds
    )


def connect() -> PatientConnection:
    """A connection of its own for what is written: the pool's belong to requests."""
    return PatientConnection.connect(**connection_parameters())


def connection_parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    django_only = ("context", "cursor_factory")
    own = {name: value for name, value in parameters.items() if name not in django_only}
    return {"connect_timeout": 3, **own, **_LIVELY}


def _forget(writes: PineconeWrites, gone: Sequence[Evicted]) -> None:
    try:
        writes.delete([(namespace_of(each.namespace), record_id(each.fingerprint, each.space)) for each in gone])
    except PineconeError as error:
        # a vector without its row is never served; the next answer to the same request takes its place
        logger.warning("cache.pinecone_not_cleared", extra={"count": len(gone), "cause": str(error)})


async def _connect_hastily(parameters: dict[str, Any], wanted: dict[str, str]) -> HastyConnection:
    made = await HastyConnection.connect(**parameters)
    statement = "SELECT set_config(key, value, false) FROM json_each_text(%(wanted)s::json)"
    await made.ask(statement, {"wanted": json.dumps(wanted)}, deadline=time.monotonic() + _CONNECT_SECONDS)
    return made
