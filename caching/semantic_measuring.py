"""Measures look-ups of tier 2 in PostgreSQL over made-up entries, in a schema that is dropped afterwards."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from asgiref.sync import async_to_sync
from django.db import connection
from psycopg import sql

from caching import semantic_indexes, semantic_wiring
from caching.backends.entry_rows import text_of
from caching.backends.pgvector import nearest_statement
from caching.backends.postgres_reads import PostgresReads
from caching.backends.row_store import walls
from caching.protocols import Namespace, Partition, Space
from caching.semantic_samples import COLUMNS, COPY_END, COPY_HEAD, NAMESPACE, SPACE, Layout, Sample, layout

_SCHEMA = "acron_measured"
_TABLE = "caching_semanticentry"
_PATIENCE_SECONDS = 60.0
_LIMIT = 5
# of rows in a partition
_SIZES = ((1, 100), (100, 1_000), (1_000, semantic_indexes.LARGE_ROWS), (semantic_indexes.LARGE_ROWS, 10**9))
_PARTITIONS_ASKED = 20
_SAME = 1e-4

Progress = Callable[[str], None]


class SchemaInUseError(Exception):
    """What an earlier run has left, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Of look-ups in partitions of `fewest` to `most` rows: milliseconds, and how often the nearest was found."""

    fewest: int
    most: int
    queries: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    recall_at_1: float
    exact_p50_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    entries: int
    partitions: int
    load_seconds: float
    indexes: int
    index_seconds: float
    table_bytes_per_entry: int
    index_bytes_per_entry: int
    speeds: Sequence[Speed]


def measure(entries: int, organizations: int, *, dimension: int, queries: int, note: Progress) -> Measured:
    """Raises SchemaInUseError."""
    laid = layout(entries, organizations)
    sample = Sample(laid, dimension)
    with _scratch():
        began = time.monotonic()
        _load(sample)
        load_seconds = time.monotonic() - began
        note(f"{laid.sizes.sum():,} entries loaded in {load_seconds:.0f} s")
        began = time.monotonic()
        indexes = _build(note)
        index_seconds = time.monotonic() - began
        table_bytes, index_bytes = _sizes()
        speeds = async_to_sync(_speeds)(sample, laid, dimension, queries)
    rows = int(laid.sizes.sum())
    return Measured(
        rows,
        len(laid.sizes),
        load_seconds,
        indexes,
        index_seconds,
        table_bytes // rows,
        index_bytes // rows,
        speeds,
    )


@contextmanager
def _scratch() -> Iterator[None]:
    """A table like the real one, which goes first by its name while this lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [_SCHEMA])
        if cursor.fetchone():
            raise SchemaInUseError(f"there is a schema {_SCHEMA} already; if a run was broken off, drop it first")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef !~ 'hnsw'", [_TABLE])
        indexes = [definition.replace("ON public.", f"ON {_SCHEMA}.") for (definition,) in cursor.fetchall()]
        cursor.execute(f"CREATE SCHEMA {_SCHEMA}")
        try:
            cursor.execute(f"SET search_path TO {_SCHEMA}, public")
            like = f"(LIKE public.{_TABLE} INCLUDING DEFAULTS INCLUDING STORAGE)"
            cursor.execute(f"CREATE UNLOGGED TABLE {_SCHEMA}.{_TABLE} {like} WITH (toast_tuple_target = 1200)")
            for definition in indexes:
                cursor.execute(definition)
            yield
        finally:
            cursor.execute(f"DROP SCHEMA {_SCHEMA} CASCADE")
            cursor.execute("RESET search_path")


def _load(sample: Sample) -> None:
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(_SCHEMA, _TABLE), sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    )
    with connection.cursor() as cursor:
        with cursor.copy(copy) as stream:
            stream.write(COPY_HEAD)
            for lines in sample.copy_lines():
                stream.write(lines)
            stream.write(COPY_END)
        cursor.execute(f"VACUUM (ANALYZE) {_SCHEMA}.{_TABLE}")


def _build(note: Progress) -> int:
    built = 0
    while semantic_indexes.tend().built:
        built += 1
        note(f"{built} indexes of large partitions built")
    return built


def _sizes() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [f"{_SCHEMA}.{_TABLE}"] * 2)
        table_bytes, index_bytes = cursor.fetchone()
    return int(table_bytes), int(index_bytes)


async def _speeds(sample: Sample, laid: Layout, dimension: int, queries: int) -> list[Speed]:
    path = f"{_SCHEMA}, public"
    quick = semantic_wiring.postgres_reads(_PATIENCE_SECONDS, search_path=path)
    # without ordered scans everything is compared
    compared = {"enable_indexscan": "off", "enable_sort": "on"}
    exact = semantic_wiring.postgres_reads(_PATIENCE_SECONDS, search_path=path, **compared)
    contest = _Contest(sample, laid, dimension, quick, exact)
    try:
        found = [await contest.speed(size, queries) for size in _SIZES]
    finally:
        await quick.close()
        await exact.close()
    return [speed for speed in found if speed is not None]


@dataclass(frozen=True, slots=True)
class _Contest:
    """Asks the same questions as look-ups do, and with everything compared."""

    sample: Sample
    laid: Layout
    dimension: int
    quick: PostgresReads
    exact: PostgresReads

    async def speed(self, size: tuple[int, int], queries: int) -> Speed | None:
        sizes = self.laid.sizes
        fitting = np.flatnonzero((sizes >= size[0]) & (sizes < size[1]))[:_PARTITIONS_ASKED]
        if not len(fitting):
            return None
        pairs = [await self._pair(int(fitting[number % len(fitting)])) for number in range(queries)]
        p50, p95, p99 = np.percentile([took for took, _, _ in pairs], [50, 95, 99])
        return Speed(
            fewest=int(sizes[fitting].min()),
            most=int(sizes[fitting].max()),
            queries=queries,
            p50_ms=float(p50),
            p95_ms=float(p95),
            p99_ms=float(p99),
            recall_at_1=sum(is_right for _, _, is_right in pairs) / queries,
            exact_p50_ms=float(np.median([took for _, took, _ in pairs])),
        )

    async def _pair(self, index: int) -> tuple[float, float, bool]:
        asked = self._question(index)
        took, near = await _timed(self.quick, asked, self.dimension)
        exact_took, nearest = await _timed(self.exact, asked, self.dimension)
        return took, exact_took, near >= nearest - _SAME

    def _question(self, index: int) -> dict[str, object]:
        owner = UUID(bytes=self.sample.organizations[self.laid.owners[index]].tobytes())
        partition = Partition(Namespace(owner, NAMESPACE), self.sample.partitions[index].tobytes())
        vector = text_of(self.sample.reworded(index))
        return {**walls(partition, Space(SPACE, self.dimension)), "vector": vector, "limit": _LIMIT}


async def _timed(reads: PostgresReads, asked: dict[str, object], dimension: int) -> tuple[float, float]:
    """Milliseconds, and how near the nearest is."""
    began = time.perf_counter()
    rows = await reads.ask(nearest_statement(dimension), asked)
    took = (time.perf_counter() - began) * 1_000
    return took, float(rows[0][1]) if rows else -1.0
