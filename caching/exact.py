"""T1: the same request, byte for byte."""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from accounts.encryption import Cipher, DecryptionError
from acron_site.lib.values import quick
from caching.protocols import ExactStore, Namespace

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
            entry = _unpack(self._cipher.open(sealed, aad=key))
        except (DecryptionError, struct.error, ValueError):
            # a miss: the fresh answer will overwrite it
            self._unreadable += 1
            return None
        if max_age_seconds is not None and self._clock() - entry.stored_at >= max_age_seconds:
            return None
        return entry

    def keep(self, namespace: Namespace, fingerprint: bytes, *, note: bytes, body: bytes, ttl_seconds: int) -> bool:
        """Hands the answer to the store; False if it is too large or its time is already over."""
        if len(note) + len(body) > self._max_entry_bytes:
            self._too_large += 1
            return False
        if ttl_seconds <= 0:
            return False
        key = entry_key(namespace, fingerprint)
        packed = _HEAD.pack(_VERSION, self._clock(), len(note)) + note + body
        self.store.put(key, self._cipher.seal(packed, aad=key), ttl_seconds)
        return True


def entry_key(namespace: Namespace, fingerprint: bytes) -> bytes:
    """`acron:{organization}:t1:namespace:fingerprint`, each part of fixed length or last.

    The braces keep an organization on one node of a cluster; its entries, or a namespace's, share a prefix.
    """
    return b"%b%b" % (_prefix(namespace.organization_id, namespace.name), fingerprint.hex().encode())


def organization_prefix(organization_id: UUID) -> bytes:
    """What all keys of an organization begin with, whatever they are for."""
    return f"acron:{{{organization_id.hex}}}:".encode()


def name_wall(name: str) -> bytes:
    """What a namespace is called in keys: a name comes from the caller and may hold anything, even the braces and
    colons of our own layout."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32].encode()


@lru_cache(maxsize=4096)
def _prefix(organization_id: UUID, name: str) -> bytes:
    return b"%bt1:%b:" % (organization_prefix(organization_id), name_wall(name))


def _unpack(packed: bytes) -> Entry:
    version, stored_at, note_length = _HEAD.unpack_from(packed)
    body_start = _HEAD.size + note_length
    if version != _VERSION or body_start > len(packed):
        raise ValueError("an entry of another version")
    return Entry(packed[_HEAD.size : body_start], packed[body_start:], stored_at)
