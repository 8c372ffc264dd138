"""The steps of tier 3, as people purge them: nothing of them is listed."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from caching import steps
from caching.places import wall_of
from caching.protocols import Namespace
from caching.shelf import Opened, Position, Slice, Wanted
from caching.step_store import shelf_of, steps_prefix


class StepEnds(Protocol):
    """Where generations of tags are counted, for who may wait. Raises ShelfUnavailableError."""

    def renew(self, shelf: bytes, tag: bytes) -> None:
        """Gives the tag another generation."""
        ...

    def begin_anew(self, shelf: bytes) -> None:
        """Another epoch: nothing from before is found, nor what is being computed."""
        ...


class StepIndex(Protocol):
    """Where steps lie. Raises ShelfUnavailableError."""

    def count(self, prefix: bytes) -> int: ...

    def sweep(self, prefix: bytes) -> int:
        """Removes what lies under keys that begin so; how many they were."""
        ...


class StepShelf:
    """A Shelf whose steps have no cards: they go with all of their namespace, by no other filter."""

    tier = 3

    def __init__(self, index: StepIndex, ends: StepEnds, *, secret: bytes) -> None:
        self._index, self._ends, self._secret = index, ends, secret

    def list(self, organization_id: UUID, wanted: Wanted, *, after: Position | None, limit: int) -> Slice:  # noqa: ARG002 - as the protocol has it
        return Slice(())

    def read(self, organization_id: UUID, entry_id: UUID) -> Opened | None:  # noqa: ARG002 - as the protocol has it
        return None

    def delete(self, organization_id: UUID, entry_id: UUID) -> bool:  # noqa: ARG002 - as the protocol has it
        return False

    pin = unpin = mark_wrong = delete

    def twins(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> Sequence[UUID]:  # noqa: ARG002 - as the protocol has it
        return ()

    def hold_off(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> None:
        """Nothing: no step answers a request."""

    def purge(self, organization_id: UUID, wanted: Wanted, *, is_trial: bool) -> int:
        if not wanted.is_whole:
            return 0
        prefix = steps_prefix(organization_id, "" if wanted.namespace is None else wall_of(wanted.namespace))
        if is_trial:
            return self._index.count(prefix)
        self._end(organization_id, wanted.namespace)
        return self._index.sweep(prefix)

    def tidy(self, organization_id: UUID) -> int:  # noqa: ARG002 - as the protocol has it
        """Nothing: there is no list."""
        return 0

    def _end(self, organization_id: UUID, name: str | None) -> None:
        """First: what is computed meanwhile is stored, but never found."""
        shelf = shelf_of(organization_id)
        if name is None:
            self._ends.begin_anew(shelf)
        else:
            self._ends.renew(shelf, steps.namespace_digest(Namespace(organization_id, name), secret=self._secret))
