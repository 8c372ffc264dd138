"""The entries of tier 2 that lie in this process's memory, as people see them."""

import hashlib
from collections.abc import Callable, Sequence
from uuid import UUID

from caching.backends.memory_vectors import Held, MemoryVectors
from caching.places import Place, parted, wall_of
from caching.semantic_shelf import Complain
from caching.shelf import Listed, Opened, Position, Slice, Wanted


class SemanticMemoryShelf:
    """A Shelf over all stores of the process, of which one holds the cache.

    Its ids are digests of places, as in tier 1: each worker has a copy of its own, and all are meant.
    """

    tier = 2

    def __init__(self, stores: Callable[[], Sequence[MemoryVectors]], *, complain: Complain | None = None) -> None:
        self._stores, self._complain = stores, complain

    def list(self, organization_id: UUID, wanted: Wanted, *, after: Position | None, limit: int) -> Slice:
        found = [_listed(each) for each in self._fitting(organization_id, wanted)]
        rows = [each for each in found if after is None or each.position < after]
        rows.sort(key=lambda each: each.position, reverse=True)
        return Slice(rows) if len(rows) <= limit else Slice(rows[:limit], rows[limit - 1].position)

    def read(self, organization_id: UUID, entry_id: UUID) -> Opened | None:
        found = self._find(organization_id, entry_id)
        if found is None:
            return None
        held, _ = found
        return Opened(_listed(held), held.keepsake.question, held.keepsake.body if held.is_servable else None)

    def delete(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = self._find(organization_id, entry_id)
        if found is None:
            return False
        held, store = found
        self._mark(organization_id, _place(held).id.hex)
        return store.drop([held.id]) > 0

    def pin(self, organization_id: UUID, entry_id: UUID) -> bool:
        return self._pin(organization_id, entry_id, is_pinned=True)

    def unpin(self, organization_id: UUID, entry_id: UUID) -> bool:
        return self._pin(organization_id, entry_id, is_pinned=False)

    def mark_wrong(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = self._find(organization_id, entry_id)
        if found is None:
            return False
        held, store = found
        self._mark(organization_id, _place(held).id.hex)
        if not store.mark_wrong(held.id):
            return False
        if self._complain is not None:
            self._complain(organization_id, held.id)
        return True

    def twins(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> Sequence[UUID]:
        return [_id_of(Place(organization_id, wall_of(namespace), fingerprint))]

    def hold_off(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> None:
        self._mark(organization_id, Place(organization_id, wall_of(namespace), fingerprint).id.hex)

    def purge(self, organization_id: UUID, wanted: Wanted, *, is_trial: bool) -> int:
        if is_trial:
            return len(self._fitting(organization_id, wanted))
        if wanted.stored_before is None:
            self._mark(organization_id, "" if wanted.namespace is None else wall_of(wanted.namespace))
        gone = [each.id for each in self._fitting(organization_id, wanted)]
        return sum(store.drop(gone) for store in self._stores())

    def tidy(self, organization_id: UUID) -> int:  # noqa: ARG002 - as the protocol has it
        """Nothing: here a list and its entries are one."""
        return 0

    def _pin(self, organization_id: UUID, entry_id: UUID, *, is_pinned: bool) -> bool:
        found = self._find(organization_id, entry_id)
        return found is not None and found[1].pin(found[0].id, is_pinned=is_pinned)

    def _held(self, organization_id: UUID) -> Sequence[Held]:
        return [each for store in self._stores() for each in store.held(organization_id)]

    def _fitting(self, organization_id: UUID, wanted: Wanted) -> Sequence[Held]:
        return [
            each
            for each in self._held(organization_id)
            if wanted.fits(
                parted(each.namespace.name)[0],
                each.keepsake.label,
                each.keepsake.stored_at,
                each.keepsake.question,
            )
        ]

    def _find(self, organization_id: UUID, entry_id: UUID) -> tuple[Held, MemoryVectors] | None:
        for store in self._stores():
            for held in store.held(organization_id):
                if _id_of(_place(held)) == entry_id:
                    return held, store
        return None

    def _mark(self, organization_id: UUID, what: str) -> None:
        for store in self._stores():
            store.mark_purged(organization_id, what)


def _place(held: Held) -> Place:
    return Place(held.namespace.organization_id, wall_of(held.namespace.name), held.fingerprint)


def _id_of(place: Place) -> UUID:
    """Another one than in tier 1, where the same request has its own."""
    return UUID(bytes=hashlib.blake2b(place.entry_key, digest_size=16, person=b"near entry id").digest())


def _listed(held: Held) -> Listed:
    return Listed(
        id=_id_of(_place(held)),
        tier=SemanticMemoryShelf.tier,
        namespace=held.namespace.name,
        fingerprint=held.fingerprint,
        label=held.keepsake.label,
        stored_at=held.keepsake.stored_at,
        expires_at=None if held.is_pinned else held.expires_at,
        size_bytes=held.size_bytes if held.is_servable else 0,
        hits=held.hits,
        is_pinned=held.is_pinned,
        marked_wrong_at=held.marked_wrong_at,
    )
