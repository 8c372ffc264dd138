"""What is written to Pinecone, from threads that may wait."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from caching.backends.entry_rows import EntryRows
from caching.backends.entry_writer import Hits, UnwritableError, Waiting
from caching.backends.pinecone import metadata_of, namespace_of, organization_of, organization_prefix, record_id
from caching.backends.pinecone_index import DELETED_AT_ONCE, UPSERTED_AT_ONCE, PineconeError, PineconeIndex, Record

Result = TypeVar("Result")
Item = TypeVar("Item")

_PATIENCE_SECONDS = 5.0


class PineconeWrites:
    """Keeps and removes vectors. Its methods block, and raise PineconeError."""

    def __init__(self, index: PineconeIndex) -> None:
        self._index = index

    def upsert(self, batch: Sequence[Waiting]) -> None:
        self._run(lambda: self._upsert(batch))

    def delete(self, records: Sequence[tuple[str, str]]) -> None:
        """Records by namespace and id."""
        self._run(lambda: self._delete(records))

    def erase(self, organization_id: UUID) -> int:
        """Returns how many namespaces there were."""
        return self._run(lambda: self._erase(organization_prefix(organization_id)))

    def organizations(self) -> set[UUID]:
        """Whose vectors there are."""
        names = self._run(lambda: self._namespaces(""))
        return {whose for name in names if (whose := organization_of(name)) is not None}

    async def _upsert(self, batch: Sequence[Waiting]) -> None:
        for namespace, some in _grouped(batch, lambda each: namespace_of(each.keepsake.partition.namespace)):
            for part in _parts(some, UPSERTED_AT_ONCE):
                records = [_record(waiting) for waiting in part]
                await self._index.upsert(namespace, records, timeout_seconds=_PATIENCE_SECONDS)

    async def _delete(self, records: Sequence[tuple[str, str]]) -> None:
        for namespace, some in _grouped(records, lambda each: each[0]):
            for part in _parts(some, DELETED_AT_ONCE):
                ids = [id_ for _, id_ in part]
                await self._index.delete(namespace, ids, timeout_seconds=_PATIENCE_SECONDS)

    async def _erase(self, prefix: str) -> int:
        names = await self._namespaces(prefix)
        for name in names:
            await self._index.delete_namespace(name, timeout_seconds=_PATIENCE_SECONDS)
        return len(names)

    async def _namespaces(self, prefix: str) -> list[str]:
        return [name async for name in self._index.namespaces(prefix, timeout_seconds=_PATIENCE_SECONDS)]

    def _run(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        async def alone() -> Result:
            try:
                return await work()
            finally:
                await self._index.close()
                await asyncio.sleep(0)  # the turn in which the transport closes its socket

        return asyncio.run(alone())


class PineconeRows:
    """An EntryKeeper: vectors there, rows here."""

    def __init__(self, writes: PineconeWrites, rows: EntryRows) -> None:
        self._writes, self._rows = writes, rows

    def write(self, batch: Sequence[Waiting]) -> int:
        try:
            # first: a row without its vector would never be found
            self._writes.upsert(batch)
        except PineconeError as error:
            raise UnwritableError(f"Pinecone: {error}") from error
        return self._rows.write(batch)

    def count(self, hits: Hits) -> None:
        self._rows.count(hits)

    def close(self) -> None:
        self._rows.close()


def _record(waiting: Waiting) -> Record:
    kept = waiting.keepsake
    id_ = record_id(kept.fingerprint, waiting.space.name)
    return Record(id_, kept.vector, metadata_of(kept.partition, waiting.space))


def _grouped(items: Sequence[Item], key: Callable[[Item], str]) -> Iterator[tuple[str, list[Item]]]:
    for name, some in groupby(sorted(items, key=key), key=key):
        yield name, list(some)


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
