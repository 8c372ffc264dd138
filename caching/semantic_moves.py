"""Moves what tier 2 has kept into the space of the embedder that is in use now."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any
from uuid import UUID

from django.db import connection

from caching.advisory_locks import Job, alone
from caching.backends.entry_rows import text_of
from caching.backends.sealed_entries import EntrySeal
from caching.protocols import Embedder, EmbeddingError, Purpose, Vector

Embed = Callable[[Sequence[str]], Sequence[Vector]]

_AT_ONCE = 32

_FORMER = """
SELECT id, organization_id, question FROM caching_semanticentry
WHERE space <> %(space)s AND embedding IS NOT NULL AND (is_pinned OR expires_at > now()) AND id <> ALL(%(skipped)s)
ORDER BY coalesce(last_hit_at, created_at) DESC LIMIT %(most)s
"""
# one that was asked again meanwhile is there already, and younger
_MOVE = """
UPDATE caching_semanticentry AS kept SET embedding = %(embedding)s::halfvec, space = %(space)s
WHERE id = %(id)s AND organization_id = %(organization)s AND NOT EXISTS (
    SELECT 1 FROM caching_semanticentry AS other WHERE other.organization_id = kept.organization_id
        AND other.namespace = kept.namespace AND other.fingerprint = kept.fingerprint AND other.space = %(space)s)
"""
_DROP = """
DELETE FROM caching_semanticentry WHERE id = %(id)s AND organization_id = %(organization)s AND space <> %(space)s
"""
_LEFT = """
SELECT count(*) FROM caching_semanticentry
WHERE space <> %(space)s AND embedding IS NOT NULL AND (is_pinned OR expires_at > now())
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """How far it is."""

    moved: int = 0
    dropped: int = 0  # asked again meanwhile, so it is there already
    unreadable: int = 0  # left as they are, until their time is over
    left: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Former:
    id: UUID
    organization_id: UUID
    question: str


def re_embed(
    build: Callable[[], Embedder],
    seal: EntrySeal,
    *,
    most: int = sys.maxsize,
    within_seconds: float = inf,
    clock: Callable[[], float] = time.monotonic,
) -> Moved:
    """Moves up to `most` entries, those that were wanted last first, and begins no further part after that time. Safe
    to repeat, and to break off; does nothing while another process is at it.

    An old space's indexes go by themselves once it is empty, see `semantic_indexes`. Not for a thread with a running
    event loop: the embedder is built, used and closed in one of its own.
    """
    ends_at = clock() + within_seconds
    with alone(Job.RE_EMBED) as is_alone, asyncio.Runner() as runner:
        if not is_alone:
            return Moved(problem="another process is at it")
        embedder = build()
        space = embedder.space.name

        def embed(texts: Sequence[str]) -> Sequence[Vector]:
            return runner.run(_embed(embedder, texts, space))

        try:
            return _re_embed(space, embed, seal, most, has_time=lambda: clock() < ends_at)
        finally:
            runner.run(_close(embedder))


async def _embed(embedder: Embedder, texts: Sequence[str], space: str) -> Sequence[Vector]:
    vectors = await embedder.embed(texts, Purpose.DOCUMENT)
    # known only now: one whose model does not start has given way to a simpler one, whose vectors mean something else
    if embedder.space.name != space:
        raise EmbeddingError(f"the embedder of {space} does not start")
    return vectors


async def _close(embedder: Embedder) -> None:
    await embedder.close()


def _re_embed(space: str, embed: Embed, seal: EntrySeal, most: int, *, has_time: Callable[[], bool]) -> Moved:
    seen, moved, unreadable = 0, 0, list[UUID]()
    problem = ""
    while seen < most and has_time() and (rows := _former(space, min(_AT_ONCE, most - seen), unreadable)):
        opened = list(_opened(seal, rows))
        unreadable += {id_ for id_, _, _ in rows} - {each.id for each in opened}
        try:
            moved += _move(space, embed, opened)
        except EmbeddingError as error:
            problem = str(error) or type(error).__name__
            break
        seen += len(rows)
    dropped = seen - moved - len(unreadable) if not problem else 0
    return Moved(moved, dropped, len(unreadable), _left(space), problem)


def _opened(seal: EntrySeal, rows: Sequence[tuple[Any, ...]]) -> Iterator[_Former]:
    for id_, whose, sealed in rows:
        question = seal.question(whose, id_, bytes(sealed))
        if question is not None:
            yield _Former(id_, whose, question)


def _move(space: str, embed: Embed, formers: Sequence[_Former]) -> int:
    """Returns how many were moved; the others had come into the new space by themselves. Raises EmbeddingError."""
    if not formers:
        return 0
    vectors = embed([each.question for each in formers])
    return sum(_place(former, vector, space) for former, vector in zip(formers, vectors, strict=True))


def _place(former: _Former, vector: Vector, space: str) -> int:
    entry: dict[str, Any] = {"id": former.id, "organization": former.organization_id, "space": space}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {**entry, "embedding": text_of(vector)})
        if not cursor.rowcount:
            cursor.execute(_DROP, entry)
            return 0
    return 1


def _former(space: str, most: int, skipped: list[UUID]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_FORMER, {"space": space, "most": most, "skipped": skipped})
        return list(cursor)


def _left(space: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, {"space": space})
        return int(cursor.fetchone()[0])
