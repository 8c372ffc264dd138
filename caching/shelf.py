"""Kept entries as people see them, in whatever tier they lie: listed, read, deleted, pinned, marked, purged."""

import heapq
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from acron_site.lib.errors import OverloadedError
from caching.places import parted
from caching.protocols import Label

_POSITION = struct.Struct(">d16s")


class ShelfUnavailableError(OverloadedError):
    """What the entries lie in is away, so that nothing can be said or done."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"the cache cannot be reached just now ({cause}); try again in a moment", headers={"Retry-After": "5"}
        )


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where an entry stands in the list, whose newest is the greatest."""

    stored_at: float
    id: UUID

    def __str__(self) -> str:
        return _POSITION.pack(self.stored_at, self.id.bytes).hex()


def position(text: str) -> Position:
    """Raises ValueError for what is no position."""
    try:
        stored_at, raw = _POSITION.unpack(bytes.fromhex(text))
    except struct.error as error:
        raise ValueError(text) from error
    if not math.isfinite(stored_at):
        raise ValueError(text)
    return Position(stored_at, UUID(bytes=raw))


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry without what was said. `hits` is None where they are not counted.

    `namespace` is as it is stored: it may name a side of its policy's wall.
    """

    id: UUID
    tier: int
    namespace: str
    fingerprint: bytes  # of the request; never shown
    label: Label
    stored_at: float  # seconds since 1970, as all times here
    expires_at: float | None  # None: pinned, so never
    size_bytes: int
    hits: int | None = None
    is_pinned: bool = False
    marked_wrong_at: float | None = None

    @property
    def position(self) -> Position:
        return Position(self.stored_at, self.id)

    @property
    def known_namespace(self) -> str:
        """Its name as people know it."""
        return parted(self.namespace)[0]

    @property
    def walled_by(self) -> str | None:
        """What the policy's wall goes by on whose one side it lies: `user`, `key`."""
        side = parted(self.namespace)[1]
        return side.partition(":")[0] if side else None


@dataclass(frozen=True, slots=True)
class Opened:
    """What was said. `answer` is None where it has been let go of, because it was marked as wrong."""

    listed: Listed
    question: str  # in tier 1 its beginning
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are meant: those to which all of this applies; what is None does not matter.

    `namespace`: as people know it; meant are all sides of its policy's wall.
    """

    namespace: str | None = None
    model: str | None = None
    task_type: str | None = None
    tag: tuple[str, str] | None = None
    prefix: str | None = None  # how the question begins
    text: str | None = None  # what stands in the question, capitals or not
    stored_before: float | None = None

    @property
    def reads_questions(self) -> bool:
        return self.prefix is not None or self.text is not None

    @property
    def is_whole(self) -> bool:
        """Whether all of a namespace is meant, or all there is."""
        return self == Wanted(namespace=self.namespace)

    def fits(self, namespace: str, label: Label, stored_at: float, question: str) -> bool:
        return (
            self.namespace in (None, namespace)
            and self.model in (None, label.model)
            and self.task_type in (None, label.task_type)
            and (self.tag is None or self.tag in label.tags)
            and (self.stored_before is None or stored_at < self.stored_before)
            and self.fits_question(question)
        )

    def fits_question(self, question: str) -> bool:
        if self.prefix is not None and not question.startswith(self.prefix):
            return False
        return self.text is None or self.text.casefold() in question.casefold()


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list, newest first. `next` is where it goes on, None at the end.

    A part may be shorter than asked for, even empty, though there is more: so many were looked at in vain.
    """

    rows: Sequence[Listed]
    next: Position | None = None


class Shelf(Protocol):
    """The entries of one tier. All of it is for one organization, whose ids nobody else's are.

    Raises ShelfUnavailableError where nothing can be said or done.
    """

    tier: int

    def list(self, organization_id: UUID, wanted: Wanted, *, after: Position | None, limit: int) -> Slice: ...

    def read(self, organization_id: UUID, entry_id: UUID) -> Opened | None: ...

    def delete(self, organization_id: UUID, entry_id: UUID) -> bool:
        """False if there is none. An answer that was asked for before does not come back after it, here and below."""
        ...

    def pin(self, organization_id: UUID, entry_id: UUID) -> bool:
        """It neither ends nor makes room for others, until it is unpinned: then its time begins anew."""
        ...

    def unpin(self, organization_id: UUID, entry_id: UUID) -> bool: ...

    def mark_wrong(self, organization_id: UUID, entry_id: UUID) -> bool:
        """It is never served again."""
        ...

    def twins(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> Sequence[UUID]:
        """Under which ids it would hold what answers this very request; none need be there."""
        ...

    def hold_off(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> None:
        """An answer to this very request that was asked for before is not kept any more, whatever lies here now."""
        ...

    def purge(self, organization_id: UUID, wanted: Wanted, *, is_trial: bool) -> int:
        """Deletes what is wanted, pinned or not; how many they were, or with `is_trial` would be."""
        ...

    def tidy(self, organization_id: UUID) -> int:
        """Strikes off the list what has gone, and lets go of what a namespace keeps beyond its own limit; how many they
        were."""
        ...


def merged(slices: Sequence[Slice], limit: int) -> Slice:
    """The parts of several tiers as one."""
    # what is older than where one tier broke off waits: that tier may have something newer
    horizon = max((each.next for each in slices if each.next is not None), default=None)
    streams = [each.rows for each in slices]
    rows = list(heapq.merge(*streams, key=lambda row: row.position, reverse=True))
    shown = [row for row in rows if horizon is None or row.position >= horizon]
    if len(shown) > limit:
        return Slice(shown[:limit], shown[limit - 1].position)
    return Slice(shown, horizon)
