"""Makes room in tier 2: what has expired goes, and beyond the bound what was not asked for in longest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from caching.protocols import Namespace

_AT_ONCE = 1_000

_EXPIRED = """
DELETE FROM caching_semanticentry WHERE id IN (
    SELECT id FROM caching_semanticentry WHERE expires_at <= now() AND NOT is_pinned
    ORDER BY expires_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING organization_id, namespace, fingerprint, space
"""
_OVER = """
SELECT organization_id, count(*) - %(bound)s FROM caching_semanticentry GROUP BY 1 HAVING count(*) > %(bound)s
"""
_LEAST_WANTED = """
DELETE FROM caching_semanticentry WHERE id IN (
    SELECT id FROM caching_semanticentry WHERE organization_id = %(organization)s AND NOT is_pinned
    ORDER BY coalesce(last_hit_at, created_at) LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING organization_id, namespace, fingerprint, space
"""


@dataclass(frozen=True, slots=True)
class Evicted:
    """An entry that has gone."""

    namespace: Namespace
    fingerprint: bytes
    space: str


def evict(max_entries: int, on_evicted: Callable[[Sequence[Evicted]], None] | None = None) -> int:
    """Keeps each organization within `max_entries`, pinned ones counted but never deleted. Returns how many went.

    `on_evicted` hears of each batch. Safe to repeat, and to break off.
    """
    tell = on_evicted or _nobody
    count = _evict(_EXPIRED, {}, None, tell)
    for organization_id, surplus in _over(max_entries):
        count += _evict(_LEAST_WANTED, {"organization": organization_id}, surplus, tell)
    return count


def _over(max_entries: int) -> Sequence[tuple[UUID, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_OVER, {"bound": max_entries})
        return list(cursor)


def _evict(
    statement: str, parameters: dict[str, Any], surplus: int | None, tell: Callable[[Sequence[Evicted]], None]
) -> int:
    """In batches, so that no transaction lasts; all that match without a `surplus`."""
    count = 0
    while surplus is None or count < surplus:
        most = _AT_ONCE if surplus is None else min(_AT_ONCE, surplus - count)
        with connection.cursor() as cursor:
            cursor.execute(statement, {**parameters, "most": most})
            gone = [
                Evicted(Namespace(whose, name), bytes(fingerprint), space) for whose, name, fingerprint, space in cursor
            ]
        if gone:
            tell(gone)
        count += len(gone)
        if len(gone) < most:
            break
    return count


def _nobody(_: Sequence[Evicted]) -> None:
    pass
