"""Keeps an approximate index for each large partition of tier 2; small ones are compared as they are.

One for all would hold other organizations' questions in every look-up's way: it would find less, and how long it takes
would tell of them (see docs/decisions/0019-a-large-partition-has-an-index-of-its-own.md).
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from psycopg import sql

from caching.advisory_locks import Job, alone

logger = logging.getLogger(__name__)

_TABLE = "caching_semanticentry"
_PREFIX = "semantic_near_"
# from here on (see `measure_semantic_store`); it is given up below half of it, so that none comes and goes
LARGE_ROWS = 5_000
# each is looked at whenever a query is planned
_MOST_INDEXES = 64
_MOST_DIMENSIONS = 4_000  # what pgvector's HNSW can hold of a halfvec
_BUILD_MEMORY = "512MB"


@dataclass(frozen=True, slots=True)
class Large:
    """A partition with many rows in one space."""

    organization_id: UUID
    namespace: str
    partition: bytes
    space: str
    rows: int

    @property
    def index_name(self) -> str:
        parts = (self.organization_id.bytes, self.namespace.encode(), self.partition, self.space.encode())
        # each of known length, so that no two partitions have the same digest
        whole = b"".join(hashlib.sha256(part).digest() for part in parts)
        return f"{_PREFIX}{hashlib.sha256(whole).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class Tended:
    built: int = 0
    dropped: int = 0


def tend(*, large_rows: int = LARGE_ROWS, most: int = _MOST_INDEXES) -> Tended:
    """Drops indexes that are no longer worth it and builds one that is missing, the largest partition's first.

    Neither stops readers or writers. Safe to repeat, and to break off: what was half built is dropped the next time.
    """
    with alone(Job.TEND_INDEXES) as is_alone:
        if not is_alone:
            return Tended()
        large = _large(max(1, large_rows // 2), most)
        kept, dropped = _drop({each.index_name for each in large})
        for each in large:
            if each.rows >= large_rows and each.index_name not in kept and _build(each):
                return Tended(built=1, dropped=dropped)
    return Tended(dropped=dropped)


def _large(rows: int, most: int) -> Sequence[Large]:
    statement = sql.SQL(
        "SELECT organization_id, namespace, partition, space, count(*) FROM {} WHERE embedding IS NOT NULL"
        " GROUP BY 1, 2, 3, 4 HAVING count(*) >= %s ORDER BY 5 DESC LIMIT %s"
    ).format(sql.Identifier(_TABLE))
    with connection.cursor() as cursor:
        cursor.execute(statement, [rows, most])
        return [Large(whose, name, bytes(digest), space, count) for whose, name, digest, space, count in cursor]


def _drop(wanted: set[str]) -> tuple[set[str], int]:
    """Drops what is not wanted or was left half built. Returns which are left, and how many went."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE indrelid = %s::regclass AND starts_with(relname, %s)",
            [_TABLE, _PREFIX],
        )
        found = cursor.fetchall()
        kept = {name for name, is_valid in found if is_valid and name in wanted}
        gone = {name for name, _ in found} - kept
        for name in gone:
            cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))
            logger.info("cache.semantic_index_dropped", extra={"index": name})
    return kept, len(gone)


def _build(large: Large) -> bool:
    dimension = _dimension(large)
    if not 0 < dimension <= _MOST_DIMENSIONS:
        return False
    statement = sql.SQL(
        "CREATE INDEX CONCURRENTLY {name} ON {table} USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops)"
        " WHERE organization_id = {organization} AND namespace = {namespace} AND partition = {partition}"
        " AND space = {space}"
    ).format(
        name=sql.Identifier(large.index_name),
        table=sql.Identifier(_TABLE),
        dimension=sql.Literal(dimension),
        organization=sql.Literal(large.organization_id),
        namespace=sql.Literal(large.namespace),
        partition=sql.Literal(large.partition),
        space=sql.Literal(large.space),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [_BUILD_MEMORY])
        cursor.execute(statement)
        cursor.execute("RESET maintenance_work_mem")
    facts = {"index": large.index_name, "organization_id": str(large.organization_id), "rows": large.rows}
    logger.info("cache.semantic_index_built", extra=facts)
    return True


def _dimension(large: Large) -> int:
    statement = sql.SQL(
        "SELECT vector_dims(embedding) FROM {} WHERE organization_id = %s AND namespace = %s AND partition = %s"
        " AND space = %s AND embedding IS NOT NULL LIMIT 1"
    ).format(sql.Identifier(_TABLE))
    with connection.cursor() as cursor:
        cursor.execute(statement, [large.organization_id, large.namespace, large.partition, large.space])
        found = cursor.fetchone()
    return found[0] if found else 0
