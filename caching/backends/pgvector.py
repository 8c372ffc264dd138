"""A semantic store in PostgreSQL, by pgvector."""

from collections.abc import Sequence
from functools import lru_cache

from caching.backends.entry_rows import text_of
from caching.backends.entry_writer import EntryWriter
from caching.backends.postgres_reads import PostgresReads
from caching.backends.row_store import SERVABLE, WALLS, RowStore, walls
from caching.backends.sealed_entries import EntrySeal
from caching.protocols import Neighbour, Partition, Space, Vector


class PgvectorStore(RowStore):
    """A SemanticStore whose vectors lie beside the questions."""

    def __init__(self, reads: PostgresReads, writer: EntryWriter, seal: EntrySeal) -> None:
        super().__init__(reads, writer, seal)
        self.name = "pgvector"

    async def nearest(self, partition: Partition, space: Space, vector: Vector, *, limit: int) -> Sequence[Neighbour]:
        parameters = {**walls(partition, space), "vector": text_of(vector), "limit": limit}
        rows = await self._reads.ask(nearest_statement(space.dimension), parameters)
        return list(self._opened(partition, rows or ()))


@lru_cache(maxsize=64)
def nearest_statement(dimension: int) -> str:
    """The planner takes a partition's own index where there is one (see `semantic_indexes`), else it compares all of
    the partition. A vector of another length than its space's is an error, so nothing is found."""
    distance = f"embedding::halfvec({int(dimension)}) <=> %(vector)s::halfvec({int(dimension)})"
    return f"""
        SELECT id, 1 - ({distance}), question FROM caching_semanticentry WHERE {WALLS} AND {SERVABLE}
        ORDER BY {distance} LIMIT %(limit)s
        """  # noqa: S608 - a number and our own words
