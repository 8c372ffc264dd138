"""Entries of tier 2 as rows of PostgreSQL, written in batches."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson
import psycopg

from caching.backends.entry_writer import Hits, UnwritableError, Waiting
from caching.backends.postgres_connections import PatientConnection
from caching.backends.sealed_entries import EntrySeal
from caching.places import Place, marks, wall_of
from caching.protocols import Vector

# what a pinned entry says is not replaced by what happens to be answered later, unless it was wrong
_UPSERT = """
INSERT INTO caching_semanticentry AS kept
    (id, organization_id, namespace, partition, fingerprint, space, embedding, question, answer,
     model, provider, task_type, tags, created_at, expires_at, ttl_seconds)
SELECT
    %(id)s, %(organization)s, %(namespace)s, %(partition)s, %(fingerprint)s, %(space)s, %(embedding)s::halfvec,
    %(question)s, %(answer)s, %(model)s, %(provider)s, %(task_type)s, %(tags)s::jsonb, %(created_at)s, %(expires_at)s,
    %(ttl_seconds)s
WHERE NOT EXISTS (
    SELECT 1 FROM caching_semanticpurge
    WHERE organization_id = %(organization)s AND what = ANY(%(marks)s) AND purged_at >= %(asked_at)s)
ON CONFLICT (organization_id, namespace, fingerprint, space) DO UPDATE SET
    id = excluded.id, partition = excluded.partition, embedding = excluded.embedding, question = excluded.question,
    answer = excluded.answer, model = excluded.model, provider = excluded.provider, task_type = excluded.task_type,
    tags = excluded.tags, created_at = excluded.created_at, expires_at = excluded.expires_at,
    ttl_seconds = excluded.ttl_seconds, hits = 0, last_hit_at = NULL, is_pinned = false, marked_wrong_at = NULL
WHERE kept.created_at <= excluded.created_at AND (NOT kept.is_pinned OR kept.marked_wrong_at IS NOT NULL)
"""

_COUNT = """
UPDATE caching_semanticentry SET hits = hits + %(hits)s, last_hit_at = now()
WHERE id = %(id)s AND organization_id = %(organization)s AND namespace = %(namespace)s
"""

# what one row can be guilty of; anything else is the database's state and passes
_POISON = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


_AGREE = """
SELECT clock_timestamp(), count(pg_advisory_xact_lock_shared(each)) FROM unnest(%(locks)s::bigint[]) AS each
"""


@dataclass(frozen=True, slots=True)
class _Row:
    facts: Mapping[str, Any]
    asked_at: float


class EntryRows:
    """An EntryKeeper over one connection, made when needed.

    `has_vectors`: whether the vectors lie in the rows too.
    """

    def __init__(self, connect: Callable[[], PatientConnection], seal: EntrySeal, *, has_vectors: bool = True) -> None:
        self._connect, self._seal, self._has_vectors = connect, seal, has_vectors
        self._connection: PatientConnection | None = None

    def write(self, batch: Sequence[Waiting]) -> int:
        rows = [self._row(waiting) for waiting in batch]
        try:
            self._keep(rows)
        except _POISON:
            return sum(self._is_refused(row) for row in rows)
        return 0

    def count(self, hits: Hits) -> None:
        # in one order everywhere, so that two processes never wait for each other
        served = sorted(hits.items(), key=lambda each: each[0][1])
        rows = [
            {"id": id_, "organization": namespace.organization_id, "namespace": namespace.name, "hits": count}
            for (namespace, id_), count in served
        ]
        with self._transaction() as cursor:
            cursor.executemany(_COUNT, rows)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_refused(self, row: _Row) -> bool:
        try:
            self._keep([row])
        except _POISON:
            return True
        return False

    def _keep(self, rows: Sequence[_Row]) -> None:
        """But for what was purged since it was asked for."""
        with self._transaction() as cursor:
            now = _agreed_with_purges(cursor, {row.facts["organization"] for row in rows})
            told_at = time.perf_counter()  # later than the database said so: nothing seems younger than it is
            cursor.executemany(
                _UPSERT, [{**row.facts, "asked_at": now - timedelta(seconds=told_at - row.asked_at)} for row in rows]
            )

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        try:
            connection = self._connection = self._connection or self._connect()
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor
        except _POISON:
            raise
        except (psycopg.Error, OSError) as error:
            with suppress(psycopg.Error):
                self.close()
            self._connection = None
            raise UnwritableError(type(error).__name__) from error

    def _row(self, waiting: Waiting) -> _Row:
        kept, sealed = waiting.keepsake, self._seal.seal(waiting.keepsake)
        namespace = kept.partition.namespace
        place = Place(namespace.organization_id, wall_of(namespace.name), kept.fingerprint)
        facts = {
            "id": kept.id,
            "organization": namespace.organization_id,
            "namespace": namespace.name,
            "partition": kept.partition.digest,
            "fingerprint": kept.fingerprint,
            "space": waiting.space.name,
            "embedding": text_of(kept.vector) if self._has_vectors else None,
            "question": sealed.question,
            "answer": sealed.answer,
            "model": clean(kept.label.model),
            "provider": clean(kept.label.provider),
            "task_type": clean(kept.label.task_type),
            "tags": orjson.dumps({clean(name): clean(value) for name, value in kept.label.tags}).decode(),
            "created_at": datetime.fromtimestamp(kept.stored_at, UTC),
            "expires_at": datetime.fromtimestamp(kept.expires_at, UTC),
            "ttl_seconds": kept.ttl_seconds,
            "marks": list(marks(place)),
        }
        return _Row(facts, kept.asked_at)


def _agreed_with_purges(cursor: psycopg.Cursor[Any], organization_ids: Iterable[UUID]) -> datetime:
    """Waits for purges that are under way, and keeps others waiting until the end; what time the database has."""
    # in one order everywhere, so that two processes never wait for each other
    locks = sorted(map(lock_of, organization_ids))
    found = cursor.execute(_AGREE, {"locks": locks}).fetchone()
    return cast("datetime", found[0])  # type: ignore[index]  # an aggregate has a row


def lock_of(organization_id: UUID) -> int:
    """The advisory lock between those who keep and those who purge an organization's entries."""
    digest = hashlib.blake2b(organization_id.bytes, digest_size=8, person=b"purges").digest()
    return int.from_bytes(digest, signed=True)


def text_of(vector: Vector) -> str:
    """As pgvector reads it."""
    return orjson.dumps(vector, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def clean(text: str) -> str:
    """As it lies in a row: without what PostgreSQL's text cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
