"""What a store of tier 1 must offer to those who list its entries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from caching.places import Place
from caching.shelf import Position


@dataclass(frozen=True, slots=True)
class State:
    """How an entry stands. `seconds_left` is None for what is pinned."""

    size_bytes: int  # 0: the answer has gone
    seconds_left: float | None


class ExactIndex(Protocol):
    """Keys and sealed bytes; none of it knows what they say. Raises ShelfUnavailableError."""

    def walls(self, organization_id: UUID) -> Sequence[str]:
        """Of the namespaces in which something may lie."""
        ...

    def members(self, organization_id: UUID, wall: str, after: Position | None) -> Iterator[tuple[Position, Place]]:
        """Newest first, read in parts as they are asked for. Some may have gone."""
        ...

    def cards(self, places: Sequence[Place]) -> Sequence[bytes | None]: ...

    def states(self, places: Sequence[Place]) -> Sequence[State | None]:
        """None for what has gone altogether."""
        ...

    def card(self, organization_id: UUID, entry_id: UUID) -> bytes | None: ...

    def value(self, place: Place) -> bytes | None: ...

    def mark_purged(self, organization_id: UUID, wall: str | None = None) -> None:
        """From now on answers that were asked for already are not kept any more, there or anywhere.

        `wall`: of a namespace as people know it, here and in `sweep`; meant are all sides of its policy's wall.
        """
        ...

    def hold_off(self, place: Place) -> None:
        """The same for one place, whether something lies there or not."""
        ...

    def drop(self, places: Sequence[Place], *, is_purged: bool) -> int:
        """Removes entries with their cards; how many were there.

        `is_purged`: and each of them is marked, so that it does not come back.
        """
        ...

    def sweep(self, organization_id: UUID, wall: str | None) -> int:
        """Removes the entries that stand in no list, in a namespace or everywhere."""
        ...

    def pin(self, place: Place) -> bool: ...

    def unpin(self, place: Place, *, ttl_seconds: int) -> bool: ...

    def mark_wrong(self, place: Place, card: bytes, *, ttl_seconds: int) -> bool:
        """Removes the answer and puts another card in the place of the former."""
        ...
