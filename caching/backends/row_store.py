"""What the semantic stores share whose entries are rows of PostgreSQL."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from caching.backends.entry_writer import EntryWriter
from caching.backends.postgres_connections import Row
from caching.backends.postgres_reads import PostgresReads
from caching.backends.sealed_entries import EntrySeal
from caching.backends.semantic_counters import SemanticCounters
from caching.protocols import Keepsake, Kept, Namespace, Neighbour, Partition, Space

# what may be served at all, wherever its vector was found
SERVABLE = "marked_wrong_at IS NULL AND (is_pinned OR expires_at > now())"
# whose it is, for every look-up among questions
WALLS = (
    "organization_id = %(organization)s AND namespace = %(namespace)s"
    " AND partition = %(partition)s AND space = %(space)s"
)

_FETCH = f"""
SELECT answer FROM caching_semanticentry
WHERE id = %(id)s AND organization_id = %(organization)s AND namespace = %(namespace)s AND {SERVABLE}
"""  # noqa: S608 - our own words


class RowStore:
    """Asks by `reads`, keeps by `writer`. A database that is down or slow finds and keeps nothing."""

    def __init__(self, reads: PostgresReads, writer: EntryWriter, seal: EntrySeal) -> None:
        self._reads, self._writer, self._seal = reads, writer, seal

    @property
    def counters(self) -> SemanticCounters:
        return SemanticCounters(self._reads.failures, self._writer.dropped, self._seal.unreadable)

    async def fetch(self, namespace: Namespace, entry_id: UUID) -> Kept | None:
        parameters = {"id": entry_id, "organization": namespace.organization_id, "namespace": namespace.name}
        rows = await self._reads.ask(_FETCH, parameters)
        return self._seal.answer(namespace.organization_id, entry_id, rows[0][0]) if rows else None

    def put(self, keepsake: Keepsake, space: Space) -> None:
        self._writer.put(keepsake, space)

    def note_hit(self, namespace: Namespace, entry_id: UUID) -> None:
        """Somebody was served this entry: it makes room later than others. Counted without waiting."""
        self._writer.note_hit(namespace, entry_id)

    def flush(self) -> None:
        """Returns when what was put before is kept, or dropped. Blocks."""
        self._writer.flush()

    async def is_up(self) -> bool:
        return await self._reads.ask("SELECT 1 FROM caching_semanticentry LIMIT 0", {}) is not None

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.stop)
        await self._reads.close()

    def _opened(self, partition: Partition, rows: Sequence[Row]) -> Iterator[Neighbour]:
        """Of rows of id, similarity and sealed question; those that do not open are left out."""
        for id_, similarity, sealed in rows:
            question = self._seal.question(partition.namespace.organization_id, id_, sealed)
            if question is not None:
                yield Neighbour(id_, similarity, question)


def walls(partition: Partition, space: Space) -> Mapping[str, Any]:
    """The parameters of WALLS."""
    return {
        "organization": partition.namespace.organization_id,
        "namespace": partition.namespace.name,
        "partition": partition.digest,
        "space": space.name,
    }
