"""Entries of tier 2 as rows of PostgreSQL, written in batches."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from caching.backends.entry_writer import Hits, UnwritableError, Waiting
from caching.backends.postgres_connections import PatientConnection
from caching.backends.sealed_entries import EntrySeal
from caching.protocols import Vector

# what a pinned entry says is not replaced by what happens to be answered later, unless it was wrong
_UPSERT = """
INSERT INTO caching_semanticentry AS kept
    (id, organization_id, namespace, partition, fingerprint, space, embedding, question, answer,
     model, provider, task_type, tags, created_at, expires_at)
VALUES
    (%(id)s, %(organization)s, %(namespace)s, %(partition)s, %(fingerprint)s, %(space)s, %(embedding)s::halfvec,
     %(question)s, %(answer)s, %(model)s, %(provider)s, %(task_type)s, %(tags)s::jsonb, %(created_at)s, %(expires_at)s)
ON CONFLICT (organization_id, namespace, fingerprint, space) DO UPDATE SET
    id = excluded.id, partition = excluded.partition, embedding = excluded.embedding, question = excluded.question,
    answer = excluded.answer, model = excluded.model, provider = excluded.provider, task_type = excluded.task_type,
    tags = excluded.tags, created_at = excluded.created_at, expires_at = excluded.expires_at,
    hits = 0, last_hit_at = NULL, is_pinned = false, marked_wrong_at = NULL
WHERE kept.created_at <= excluded.created_at AND (NOT kept.is_pinned OR kept.marked_wrong_at IS NOT NULL)
"""

_COUNT = """
UPDATE caching_semanticentry SET hits = hits + %(hits)s, last_hit_at = now()
WHERE id = %(id)s AND organization_id = %(organization)s AND namespace = %(namespace)s
"""

# what one row can be guilty of; anything else is the database's state and passes
_POISON = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


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
            self._transact(_UPSERT, rows)
        except _POISON:
            return sum(self._is_refused(row) for row in rows)
        return 0

    def count(self, hits: Hits) -> None:
        # in one order everywhere, so that two processes never wait for each other
        served = sorted(hits.items(), key=lambda each: each[0][1])
        self._transact(
            _COUNT,
            [
                {"id": id_, "organization": namespace.organization_id, "namespace": namespace.name, "hits": count}
                for (namespace, id_), count in served
            ],
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_refused(self, row: Mapping[str, Any]) -> bool:
        try:
            self._transact(_UPSERT, [row])
        except _POISON:
            return True
        return False

    def _transact(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        try:
            connection = self._connection = self._connection or self._connect()
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(statement, rows)
        except _POISON:
            raise
        except (psycopg.Error, OSError) as error:
            with suppress(psycopg.Error):
                self.close()
            self._connection = None
            raise UnwritableError(type(error).__name__) from error

    def _row(self, waiting: Waiting) -> dict[str, Any]:
        kept, sealed = waiting.keepsake, self._seal.seal(waiting.keepsake)
        return {
            "id": kept.id,
            "organization": kept.partition.namespace.organization_id,
            "namespace": kept.partition.namespace.name,
            "partition": kept.partition.digest,
            "fingerprint": kept.fingerprint,
            "space": waiting.space.name,
            "embedding": text_of(kept.vector) if self._has_vectors else None,
            "question": sealed.question,
            "answer": sealed.answer,
            "model": _clean(kept.label.model),
            "provider": _clean(kept.label.provider),
            "task_type": _clean(kept.label.task_type),
            "tags": orjson.dumps({_clean(name): _clean(value) for name, value in kept.label.tags}).decode(),
            "created_at": datetime.fromtimestamp(kept.stored_at, UTC),
            "expires_at": datetime.fromtimestamp(kept.expires_at, UTC),
        }


def text_of(vector: Vector) -> str:
    """As pgvector reads it."""
    return orjson.dumps(vector, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _clean(text: str) -> str:
    """Without what PostgreSQL's text cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
