"""T1: the same request, byte for byte."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from accounts.encryption import Cipher, DecryptionError
from acron_site.lib.values import quick
from caching import cards
from caching.cards import Card
from caching.places import Place, Shelving, named_prefix, wall_of
from caching.protocols import ExactStore, Label, Namespace

_VERSION = 1
_HEAD = struct.Struct(">BdI")  # version, stored_at, length of the note
_SEAL_BYTES = 1024  # that the seal and the head add to an entry; generous, a slightly larger one is still read


@quick
@dataclass(frozen=True, slots=True)
class Entry:
    """What was kept: the caller's own note about it, the answer's bytes, and when (seconds since 1970)."""

    note: bytes
    body: bytes
    stored_at: float


@dataclass(frozen=True, slots=True)
class ExactCounters:
    """What went unsaid since this process started."""

    unreadable: int  # entries that were there but did not open: another key, damaged, moved, another version
    too_large: int  # answers that were not kept for their size


class ExactCache:
    """Answers under a fingerprint, behind the wall of a namespace, sealed before they leave the process."""

    def __init__(self, store: ExactStore, cipher: Cipher, *, clock: Callable[[], float], max_entry_bytes: int) -> None:
        self.store = store
        self._cipher = cipher
        self._clock = clock
        self._max_entry_bytes = max_entry_bytes
        self.max_sealed_bytes = max_entry_bytes + _SEAL_BYTES
        self._unreadable = 0
        self._too_large = 0

    @property
    def counters(self) -> ExactCounters:
        return ExactCounters(unreadable=self._unreadable, too_large=self._too_large)

    async def look_up(
        self, namespace: Namespace, fingerprint: bytes, *, max_age_seconds: int | None = None
    ) -> Entry | None:
        """The entry, or None when there is none that opens and is younger than `max_age_seconds`."""
        key = entry_key(namespace, fingerprint)
        return self.opened(key, await self.store.get(key), max_age_seconds=max_age_seconds)

    def opened(self, key: bytes, sealed: bytes | None, *, max_age_seconds: int | None = None) -> Entry | None:
        """The entry of what the store holds under this key; None as `look_up` says."""
        if sealed is None:
            return None
        try:
            entry = unpack(self._cipher.open(sealed, aad=key))
        except (DecryptionError, struct.error, ValueError):
            # a miss: the fresh answer will overwrite it
            self._unreadable += 1
            return None
        if max_age_seconds is not None and self._clock() - entry.stored_at >= max_age_seconds:
            return None
        return entry

    def keep(
        self,
        namespace: Namespace,
        fingerprint: bytes,
        *,
        note: bytes,
        body: bytes,
        ttl_seconds: int,
        label: Label | None = None,
        question: str = "",
        begun_seconds_ago: float = 0.0,
        namespace_max_bytes: int = 0,
    ) -> bool:
        """Hands the answer to the store; False if it is too large or its time is already over.

        With a label it can be listed, and is not kept if its place was purged since the request began.
        """
        if len(note) + len(body) > self._max_entry_bytes:
            self._too_large += 1
            return False
        if ttl_seconds <= 0:
            return False
        key, stored_at = entry_key(namespace, fingerprint), self._clock()
        sealed = self._cipher.seal(_HEAD.pack(_VERSION, stored_at, len(note)) + note + body, aad=key)
        shelving: Shelving | None = None
        if label is not None:
            card = cards.of(
                namespace, fingerprint, label=label, question=question, stored_at=stored_at, ttl_seconds=ttl_seconds
            )
            shelving = self._shelving(namespace, card, begun_seconds_ago, namespace_max_bytes)
        self.store.put(key, sealed, ttl_seconds, shelving=shelving)
        return True

    def _shelving(
        self, namespace: Namespace, card: Card, begun_seconds_ago: float, namespace_max_bytes: int
    ) -> Shelving:
        place = Place(namespace.organization_id, wall_of(namespace.name), card.fingerprint)
        sealed = self._cipher.seal(cards.write(card), aad=place.card_key)
        return Shelving(place, sealed, card.stored_at, begun_seconds_ago, namespace_max_bytes)


def entry_key(namespace: Namespace, fingerprint: bytes) -> bytes:
    """`acron:{organization}:t1:namespace:fingerprint`, each part of fixed length or last.

    An organization's entries, or a namespace's, share a prefix.
    """
    return b"%b%b" % (named_prefix(namespace.organization_id, namespace.name), fingerprint.hex().encode())


def unpack(packed: bytes) -> Entry:
    """Raises ValueError or struct.error for what is no entry of this version."""
    version, stored_at, note_length = _HEAD.unpack_from(packed)
    body_start = _HEAD.size + note_length
    if version != _VERSION or body_start > len(packed):
        raise ValueError("an entry of another version")
    return Entry(packed[_HEAD.size : body_start], packed[body_start:], stored_at)
