"""T3's store: steps under their keys, each as good as the tags it was computed under."""

import asyncio
import struct
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from accounts.encryption import Cipher, DecryptionError
from acron_site.lib.errors import InvalidRequestError, OverloadedError
from caching import steps
from caching.places import organization_prefix, wall_of
from caching.protocols import ExactStore, Namespace
from caching.steps import EPOCH_BYTES, GENERATION_BYTES, UNKNOWN, Generations, Snapshot

_VERSION = 1
_HEAD = struct.Struct(f">Bd{EPOCH_BYTES}sHI")  # version, stored_at, epoch, number of tags, length of the note
_TAG_BYTES = 16
_MARK_BYTES = _TAG_BYTES + GENERATION_BYTES


class NotInvalidatedError(OverloadedError):
    """It cannot be known whether the tags were invalidated."""


@dataclass(frozen=True, slots=True)
class StepEntry:
    """What was kept: the caller's own note, the output's bytes, when (seconds since 1970), and computed under what."""

    note: bytes
    body: bytes
    stored_at: float
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class StepCounters:
    """What came of look-ups since this process started."""

    hits: int
    misses: int  # all that were no hits
    invalidated: int  # misses on a step that was there, but whose tags were invalidated or not all its own
    unreadable: int  # misses on a step that did not open: another key, damaged, moved, another version
    too_large: int  # outputs that were not kept for their size


class StepCache:
    """Outputs of steps, behind the wall of a namespace, sealed before they leave the process.

    `store` and `generations` may be away: then look-ups are misses and nothing is kept. `secret` keys the digests of
    tags.
    """

    def __init__(
        self,
        store: ExactStore,
        generations: Generations,
        *,
        cipher: Cipher,
        secret: bytes,
        clock: Callable[[], float],
        max_entry_bytes: int,
    ) -> None:
        self._store, self._generations, self._cipher = store, generations, cipher
        self._secret, self._clock, self._max_entry_bytes = secret, clock, max_entry_bytes
        self._hits = self._misses = self._invalidated = self._unreadable = self._too_large = 0

    @property
    def counters(self) -> StepCounters:
        return StepCounters(
            hits=self._hits,
            misses=self._misses,
            invalidated=self._invalidated,
            unreadable=self._unreadable,
            too_large=self._too_large,
        )

    async def look_up(
        self, namespace: Namespace, key: bytes, *, tags: Collection[str] = (), after: Sequence[Snapshot] = ()
    ) -> StepEntry | None:
        """The step, if it opens, all that it was computed from is still valid, and it carries all that these do.

        `tags` are the step's own, `after` the snapshots of the steps before it. One that was kept without one of them
        was kept by somebody who did not say so, and may be older than its last invalidation.
        """
        entry = await self._find(namespace, key, self._carried(namespace, tags, after))
        if entry is None:
            self._misses += 1
        else:
            self._hits += 1
        return entry

    async def begin(
        self, namespace: Namespace, *, tags: Collection[str] = (), after: Sequence[Snapshot] = ()
    ) -> Snapshot:
        """What a step is computed under that starts now: to be taken before anything that it depends on is read.

        An unknown one where something that it is computed from (`after`) was invalidated already, or cannot be told.
        """
        now = await self._read(namespace, self._carried(namespace, tags, after), begins=True)
        return now if all(former.is_valid(now) for former in after) else UNKNOWN

    def keep(
        self, namespace: Namespace, key: bytes, *, snapshot: Snapshot, note: bytes, body: bytes, ttl_seconds: int
    ) -> bool:
        """Hands the output to the store; False if it is too large, its time is over, or under what is unknown.

        What was invalidated since `snapshot` was taken is stored, but never found.
        """
        if not snapshot.epoch or ttl_seconds <= 0:
            return False
        packed = _pack(StepEntry(note, body, self._clock(), snapshot))
        if len(packed) > self._max_entry_bytes:
            self._too_large += 1
            return False
        place = entry_key(namespace, key)
        self._store.put(place, self._cipher.seal(packed, aad=place), ttl_seconds)
        return True

    async def invalidate(self, namespace: Namespace, tags: Iterable[str]) -> None:
        """See `invalidate`."""
        await invalidate(self._generations, namespace, tags, secret=self._secret)

    async def _find(self, namespace: Namespace, key: bytes, tags: frozenset[bytes]) -> StepEntry | None:
        place = entry_key(namespace, key)
        # at once, so that both travel together; the entry first, so that it is never younger than the generations
        sealed, now = await asyncio.gather(self._store.get(place), self._read(namespace, tags, begins=False))
        entry = None if sealed is None or not now.epoch else self._opened(sealed, place)
        if entry is None:
            return None
        kept = entry.snapshot.generations.keys()
        if kept - tags:
            # kept by another workflow, where it carries more than here
            now = await self._read(namespace, kept, begins=False)
        if tags - kept or not entry.snapshot.is_valid(now):
            self._invalidated += 1
            return None
        return entry

    def _opened(self, sealed: bytes, place: bytes) -> StepEntry | None:
        try:
            return _unpack(self._cipher.open(sealed, aad=place))
        except (DecryptionError, struct.error, ValueError):
            # a miss: the fresh output will overwrite it
            self._unreadable += 1
            return None

    def _carried(self, namespace: Namespace, tags: Collection[str], after: Sequence[Snapshot]) -> frozenset[bytes]:
        own = [steps.tag_digest(namespace, tag, secret=self._secret) for tag in tags]
        return steps.carried([steps.namespace_digest(namespace, secret=self._secret), *own], after)

    async def _read(self, namespace: Namespace, tags: Collection[bytes], *, begins: bool) -> Snapshot:
        if len(tags) > steps.MAX_CARRIED_TAGS + 1:  # that of the namespace besides
            return UNKNOWN
        return await self._generations.read(shelf_of(namespace.organization_id), tuple(tags), begins=begins)


async def invalidate(generations: Generations, namespace: Namespace, tags: Iterable[str], *, secret: bytes) -> None:
    """From now on no step is found that carries one of these tags, nor any that is being computed with one.

    Raises InvalidRequestError, and NotInvalidatedError when it cannot be known whether it was done.
    """
    names = steps.tags_from(tags)
    if not names:
        raise InvalidRequestError("there is nothing to invalidate; send at least one tag", param="tags")
    digests = tuple(steps.tag_digest(namespace, name, secret=secret) for name in names)
    if not await generations.renew(shelf_of(namespace.organization_id), digests):
        raise NotInvalidatedError(
            "the cache did not answer, so steps with these tags may still be served; send this again",
            headers={"retry-after": "5"},
        )


def entry_key(namespace: Namespace, key: bytes) -> bytes:
    """`acron:{organization}:t3:namespace:key`, as in T1."""
    return b"%b%b" % (_prefix(namespace.organization_id, namespace.name), key.hex().encode())


def shelf_of(organization_id: UUID) -> bytes:
    """Where an organization's generations lie: not among the steps, which are sealed."""
    return organization_prefix(organization_id) + b"step-tags"


def steps_prefix(organization_id: UUID, wall: str = "") -> bytes:
    """What the steps of an organization begin with, or those of a namespace on all sides of its policy's wall."""
    return organization_prefix(organization_id) + f"t3:{wall}".encode()


@lru_cache(maxsize=4096)
def _prefix(organization_id: UUID, name: str) -> bytes:
    return steps_prefix(organization_id, wall_of(name)) + b":"


def _pack(entry: StepEntry) -> bytes:
    generations = entry.snapshot.generations
    head = _HEAD.pack(_VERSION, entry.stored_at, entry.snapshot.epoch, len(generations), len(entry.note))
    marks = b"".join(tag + generation for tag, generation in generations.items())
    return head + marks + entry.note + entry.body


def _unpack(packed: bytes) -> StepEntry:
    version, stored_at, epoch, tag_count, note_length = _HEAD.unpack_from(packed)
    note_start = _HEAD.size + tag_count * _MARK_BYTES
    body_start = note_start + note_length
    if version != _VERSION or body_start > len(packed):
        raise ValueError("a step of another version")
    marks = (packed[at : at + _MARK_BYTES] for at in range(_HEAD.size, note_start, _MARK_BYTES))
    generations = {mark[:_TAG_BYTES]: mark[_TAG_BYTES:] for mark in marks}
    return StepEntry(packed[note_start:body_start], packed[body_start:], stored_at, Snapshot(epoch, generations))
