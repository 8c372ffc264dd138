"""A semantic store whose vectors lie in Pinecone, and all else in PostgreSQL."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from caching.backends.breaker import Breaker
from caching.backends.entry_writer import EntryWriter
from caching.backends.pinecone_index import Match, PineconeError, PineconeIndex
from caching.backends.postgres_reads import PostgresReads
from caching.backends.row_store import SERVABLE, WALLS, RowStore, walls
from caching.backends.sealed_entries import EntrySeal
from caching.backends.semantic_counters import SemanticCounters
from caching.protocols import Namespace, Neighbour, Partition, Space, Vector

_WALL_CHARACTERS = 32
_PROBE = "acron-probe"

_FOUND = f"""
SELECT id, fingerprint, question FROM caching_semanticentry
WHERE {WALLS} AND fingerprint = ANY(%(fingerprints)s) AND {SERVABLE}
"""  # noqa: S608 - our own words


def organization_prefix(organization_id: UUID) -> str:
    """What the names of all of an organization's namespaces at Pinecone begin with."""
    return f"{organization_id.hex}-"


def namespace_of(namespace: Namespace) -> str:
    """A namespace at Pinecone is a wall of its own. Hashed: a name may hold anything."""
    wall = hashlib.sha256(namespace.name.encode("utf-8", "surrogatepass")).hexdigest()[:_WALL_CHARACTERS]
    return organization_prefix(namespace.organization_id) + wall


def organization_of(name: str) -> UUID | None:
    """Whose a namespace at Pinecone is; None for one that is not ours."""
    owner, _, wall = name.partition("-")
    try:
        return UUID(hex=owner) if len(wall) == _WALL_CHARACTERS else None
    except ValueError:
        return None


def record_id(fingerprint: bytes, space_name: str) -> str:
    """The same for the same exact request, so that a later vector takes the place of the former."""
    return f"{fingerprint.hex()}-{hashlib.sha256(space_name.encode()).hexdigest()[:16]}"


def metadata_of(partition: Partition, space: Space) -> Mapping[str, str]:
    return {"partition": partition.digest.hex(), "space": space.name}


class PineconeStore(RowStore):
    """A SemanticStore that asks Pinecone which vectors are near, then PostgreSQL what they stand for: only its rows say
    what may be served.

    `timeout_seconds` is for Pinecone alone.
    """

    def __init__(
        self,
        index: PineconeIndex,
        breaker: Breaker,
        reads: PostgresReads,
        writer: EntryWriter,
        seal: EntrySeal,
        *,
        timeout_seconds: float,
    ) -> None:
        super().__init__(reads, writer, seal)
        self.name = "pinecone"
        self._index, self._breaker, self._timeout_seconds = index, breaker, timeout_seconds

    @property
    def counters(self) -> SemanticCounters:
        own = super().counters
        return SemanticCounters(own.failures + self._breaker.failures, own.dropped, own.unreadable)

    async def nearest(self, partition: Partition, space: Space, vector: Vector, *, limit: int) -> Sequence[Neighbour]:
        similarities = dict(_readable(await self._matches(partition, space, vector, limit)))
        if not similarities:
            return []
        parameters = {**walls(partition, space), "fingerprints": list(similarities)}
        rows = await self._reads.ask(_FOUND, parameters) or ()
        known = [(id_, similarities[fingerprint], question) for id_, fingerprint, question in rows]
        return sorted(self._opened(partition, known), key=lambda neighbour: -neighbour.similarity)

    async def is_up(self) -> bool:
        try:
            async for _ in self._index.namespaces(_PROBE, timeout_seconds=self._timeout_seconds):
                break
        except PineconeError:
            return False
        return await super().is_up()

    async def close(self) -> None:
        await super().close()
        await self._index.close()

    async def _matches(self, partition: Partition, space: Space, vector: Vector, limit: int) -> Sequence[Match]:
        if not self._breaker.admits():
            return ()
        try:
            matches = await self._index.query(
                namespace_of(partition.namespace),
                vector,
                metadata=metadata_of(partition, space),
                limit=limit,
                timeout_seconds=self._timeout_seconds,
            )
        except PineconeError as error:
            self._breaker.note_failure(str(error))
            return ()
        self._breaker.note_success()
        return matches


def _readable(matches: Sequence[Match]) -> Iterator[tuple[bytes, float]]:
    """Fingerprints and similarities; what is no id of ours is left out."""
    for match in matches:
        text = match.id.partition("-")[0]
        try:
            yield bytes.fromhex(text), match.score
        except ValueError:
            continue
