"""What tier 2 keeps of an organization, for exporting and erasing it."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from accounts import wiring
from accounts.belongings import BelongingsUnavailableError
from caching import semantic_wiring
from caching.backends.pinecone_index import PineconeError
from caching.backends.pinecone_writes import PineconeWrites
from caching.backends.sealed_entries import EntrySeal
from caching.models import SemanticEntry

logger = logging.getLogger(__name__)

_AT_ONCE = 500


class KeptQuestions:
    """Questions and answers: rows, which the database erases with the organization, and copies of vectors elsewhere.

    As with the rest of the cache, another process's memory is not reached from here.
    """

    name = "semantic_cache"

    def export(self, organization_id: UUID) -> Iterator[Mapping[str, Any]]:
        """Oldest first."""
        seal = EntrySeal(wiring.cipher())
        rows = SemanticEntry.objects.for_organization(organization_id).defer("embedding").order_by("pk")
        for row in rows.iterator(_AT_ONCE):
            yield _shown(row, seal)

    def erase(self, organization_id: UUID) -> Iterator[int]:
        for store in semantic_wiring.memory_stores():
            store.forget(organization_id)
        writes = self._pinecone()
        if writes is not None:
            try:
                yield writes.erase(organization_id)
            except PineconeError as error:
                raise BelongingsUnavailableError(f"Pinecone: {error}") from error

    def organizations(self) -> Iterator[UUID]:
        """Those whose vectors lie at Pinecone: a batch may arrive after its organization has gone."""
        writes = self._pinecone()
        if writes is None:
            return
        try:
            yield from sorted(writes.organizations())
        except PineconeError as error:  # the next sweep asks again; what else is swept does not wait for it
            logger.warning("cache.pinecone_not_swept", extra={"cause": str(error)})

    def _pinecone(self) -> PineconeWrites | None:
        index = semantic_wiring.pinecone_index()
        return None if index is None else PineconeWrites(index)


def _shown(row: SemanticEntry, seal: EntrySeal) -> dict[str, Any]:
    question = seal.question(row.organization_id, row.pk, bytes(row.question))
    answer = seal.answer(row.organization_id, row.pk, bytes(row.answer))
    return {
        "id": row.pk,
        "namespace": row.namespace,
        "model": row.model,
        "provider": row.provider,
        "task_type": row.task_type,
        "tags": row.tags,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "hits": row.hits,
        "is_pinned": row.is_pinned,
        "marked_wrong_at": row.marked_wrong_at,
        "question": question,
        "answer": None if answer is None else answer.body.decode("utf-8", "replace"),
    }
