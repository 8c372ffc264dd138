"""The entries of tier 1, as people see them."""

import heapq
import itertools
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.encryption import Cipher, DecryptionError
from caching import cards, exact
from caching.byte_limits import ByteLimits
from caching.cards import Card
from caching.exact_index import ExactIndex, State
from caching.places import Place, card_key, parted, plain, wall_of
from caching.policies import Policies
from caching.shelf import Listed, Opened, Position, Slice, Wanted

# read at once: one round trip to the store
_AT_ONCE = 500
# entries that are looked at for one part of a list; then it goes on with the next part
_LOOKED_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class _Found:
    position: Position
    place: Place
    card: Card


def _without_limits(_: UUID) -> Policies:
    return Policies()


class ExactShelf:
    """Opens cards and answers; where they lie is the index's business."""

    tier = 1

    def __init__(
        self,
        index: ExactIndex,
        cipher: Cipher,
        *,
        clock: Callable[[], float] = time.time,
        policies_of: Callable[[UUID], Policies] = _without_limits,
    ) -> None:
        """`policies_of`: says how many bytes each namespace may keep, when it is tidied."""
        self._index, self._cipher, self._clock, self._policies_of = index, cipher, clock, policies_of

    def list(self, organization_id: UUID, wanted: Wanted, *, after: Position | None, limit: int) -> Slice:
        rows: list[Listed] = []
        looked_at, last = 0, after
        at_once = limit + 1 if wanted.is_whole else _AT_ONCE
        for members in _chunks(self._members(organization_id, wanted, after), at_once):
            rows += self._alive(self._fitting(members, wanted))
            looked_at, last = looked_at + len(members), members[-1][0]
            if len(rows) > limit:
                return Slice(rows[:limit], rows[limit - 1].position)
            if looked_at >= _LOOKED_AT_MOST:
                return Slice(rows, last)
        return Slice(rows)

    def read(self, organization_id: UUID, entry_id: UUID) -> Opened | None:
        found = self._find(organization_id, entry_id)
        if found is None:
            return None
        place, card = found
        (state,) = self._index.states([place])
        if state is None or not (state.size_bytes or card.marked_wrong_at):
            return None
        return Opened(self._listed(place, card, state), card.question, self._answer(place))

    def delete(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = self._find(organization_id, entry_id)
        return found is not None and self._index.drop([found[0]], is_purged=True) > 0

    def pin(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = self._find(organization_id, entry_id)
        return found is not None and found[1].marked_wrong_at is None and self._index.pin(found[0])

    def unpin(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = self._find(organization_id, entry_id)
        return found is not None and self._index.unpin(found[0], ttl_seconds=found[1].ttl_seconds)

    def mark_wrong(self, organization_id: UUID, entry_id: UUID) -> bool:
        found = self._find(organization_id, entry_id)
        if found is None:
            return False
        place, card = found
        sealed = self._cipher.seal(cards.write(card.marked_wrong(self._clock())), aad=place.card_key)
        return self._index.mark_wrong(place, sealed, ttl_seconds=card.ttl_seconds)

    def twins(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> Sequence[UUID]:
        return [Place(organization_id, wall_of(namespace), fingerprint).id]

    def hold_off(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> None:
        self._index.hold_off(Place(organization_id, wall_of(namespace), fingerprint))

    def purge(self, organization_id: UUID, wanted: Wanted, *, is_trial: bool) -> int:
        wall = None if wanted.namespace is None else wall_of(wanted.namespace)
        if not is_trial and wanted.stored_before is None:
            self._index.mark_purged(organization_id, wall)
        count = 0
        for members in _chunks(self._members(organization_id, wanted, None), _AT_ONCE):
            if is_trial:
                count += len(self._alive(self._fitting(members, wanted)))
            elif wanted.is_whole:
                count += self._index.drop([place for _, place in members], is_purged=False)
            else:
                count += self._index.drop([each.place for each in self._fitting(members, wanted)], is_purged=False)
        if wanted.is_whole and not is_trial:
            count += self._index.sweep(organization_id, wall)
        return count

    def tidy(self, organization_id: UUID) -> int:
        count, limits = 0, ByteLimits(self._policies_of(organization_id))
        for members in _chunks(self._members(organization_id, Wanted(), None), _AT_ONCE):
            places = [place for _, place in members]
            states = self._index.states(places)
            gone = [*self._gone(places, states), *limits.beyond(places, states)]
            self._index.drop(gone, is_purged=False)
            count += len(gone)
        return count

    def _gone(self, places: Sequence[Place], states: Sequence[State | None]) -> Sequence[Place]:
        empty = [place for place, state in zip(places, states, strict=True) if state is None or not state.size_bytes]
        return [
            place
            for place, sealed in zip(empty, self._index.cards(empty), strict=True)
            if sealed is None or (card := self._card(sealed, place.card_key)) is None or not card.marked_wrong_at
        ]

    def _members(
        self, organization_id: UUID, wanted: Wanted, after: Position | None
    ) -> Iterator[tuple[Position, Place]]:
        walls = set(self._index.walls(organization_id))
        if wanted.namespace is not None:
            own = wall_of(wanted.namespace)
            walls = {own, *(wall for wall in walls if plain(wall) == own)}
        streams = [self._index.members(organization_id, wall, after) for wall in walls]
        return heapq.merge(*streams, key=lambda member: member[0], reverse=True)

    def _fitting(self, members: Sequence[tuple[Position, Place]], wanted: Wanted) -> Sequence[_Found]:
        """Those that are wanted. What has no card any more is struck off."""
        sealed = self._index.cards([place for _, place in members])
        self._index.drop(
            [place for (_, place), card in zip(members, sealed, strict=True) if card is None], is_purged=False
        )
        opened = [
            _Found(position, place, card)
            for (position, place), each in zip(members, sealed, strict=True)
            if each is not None and (card := self._card(each, place.card_key)) is not None
        ]
        return [
            each
            for each in opened
            if wanted.fits(parted(each.card.namespace)[0], each.card.label, each.card.stored_at, each.card.question)
        ]

    def _alive(self, found: Sequence[_Found]) -> Sequence[Listed]:
        states = self._index.states([each.place for each in found])
        return [
            self._listed(each.place, each.card, state)
            for each, state in zip(found, states, strict=True)
            if state is not None and (state.size_bytes or each.card.marked_wrong_at)
        ]

    def _find(self, organization_id: UUID, entry_id: UUID) -> tuple[Place, Card] | None:
        sealed = self._index.card(organization_id, entry_id)
        card = None if sealed is None else self._card(sealed, card_key(organization_id, entry_id))
        if card is None:
            return None
        return Place(organization_id, wall_of(card.namespace), card.fingerprint), card

    def _card(self, sealed: bytes, key: bytes) -> Card | None:
        try:
            return cards.read(self._cipher.open(sealed, aad=key))
        except (DecryptionError, ValueError):  # as its entry: a miss, which the next answer overwrites
            return None

    def _answer(self, place: Place) -> bytes | None:
        sealed = self._index.value(place)
        if sealed is None:
            return None
        try:
            return exact.unpack(self._cipher.open(sealed, aad=place.entry_key)).body
        except (DecryptionError, ValueError, struct.error):
            return None

    def _listed(self, place: Place, card: Card, state: State) -> Listed:
        return Listed(
            id=place.id,
            tier=self.tier,
            namespace=card.namespace,
            fingerprint=card.fingerprint,
            label=card.label,
            stored_at=card.stored_at,
            expires_at=None if state.seconds_left is None else self._clock() + state.seconds_left,
            size_bytes=state.size_bytes,
            is_pinned=state.seconds_left is None,
            marked_wrong_at=card.marked_wrong_at,
        )


def _chunks(members: Iterator[tuple[Position, Place]], size: int) -> Iterator[Sequence[tuple[Position, Place]]]:
    while chunk := list(itertools.islice(members, size)):
        yield chunk
