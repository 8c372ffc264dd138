"""The keys a process remembers: proven ones for a while, refused ones for a moment."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from typing import TypeVar
from uuid import UUID

from accounts.principal import Principal

Value = TypeVar("Value")

UNCOVERED_TRUST_SECONDS = 1.0  # without news of revocations, a key is read again after this
COVER_SECONDS = 0.75  # how long one sign of life of the revocations' channel counts
STALE_TRUST_SECONDS = 900.0  # how long a proven key is believed while the records cannot be asked
RETRY_SECONDS = 1.0  # how often they are asked meanwhile
REFUSAL_SECONDS = 10.0


def identity_of(token: str) -> bytes:
    """Under what a token is remembered, so that no key lies in memory longer than its request."""
    return sha256(token.encode("utf-8", "replace")).digest()


@dataclass(slots=True)
class _Entry:
    """All times are monotonic."""

    principal: Principal
    prefix: str
    verified_at: float  # when the records last said so
    deadline: float  # when the key itself expires
    fresh_until: float  # while news of revocations arrive
    uncovered_until: float  # while they do not


class KeyMemory:
    """Bounded, and safe to use from threads; reading takes no lock."""

    def __init__(self, *, ttl_seconds: float, max_entries: int, clock: Callable[[], float]) -> None:
        self._ttl_seconds, self._max_entries, self._clock = ttl_seconds, max_entries, clock
        self._entries: dict[bytes, _Entry] = {}
        self._refusals: dict[bytes, tuple[float, str]] = {}
        self._covered_until = -inf
        self._lock = threading.Lock()
        self.generation = 0  # grows with each piece of news: what was read before it is not kept

    def __len__(self) -> int:
        return len(self._entries) + len(self._refusals)

    def __contains__(self, identity: bytes) -> bool:
        return identity in self._entries

    def find(self, identity: bytes) -> Principal | None:
        """The principal, if it is known well enough to do without the records."""
        entry = self._entries.get(identity)
        if entry is None:
            return None
        now = self._clock()
        if now < entry.fresh_until and (now < self._covered_until or now < entry.uncovered_until):
            return entry.principal
        return None

    def find_stale(self, identity: bytes) -> Principal | None:
        """The principal of a key that was proven not too long ago, for while the records cannot be asked."""
        entry, now = self._entries.get(identity), self._clock()
        if entry is None or now >= min(entry.verified_at + STALE_TRUST_SECONDS, entry.deadline):
            return None
        entry.uncovered_until = entry.fresh_until = min(now + RETRY_SECONDS, entry.deadline)
        return entry.principal

    def refusal(self, identity: bytes) -> str | None:
        until, message = self._refusals.get(identity, (-inf, ""))
        return message if self._clock() < until else None

    def keep(
        self, identity: bytes, principal: Principal, *, prefix: str, lifetime_seconds: float, generation: int
    ) -> None:
        now = self._clock()
        deadline = now + lifetime_seconds
        entry = _Entry(
            principal=principal,
            prefix=prefix,
            verified_at=now,
            deadline=deadline,
            fresh_until=min(now + self._ttl_seconds, deadline),
            uncovered_until=min(now + UNCOVERED_TRUST_SECONDS, deadline),
        )
        with self._lock:
            if generation == self.generation:
                _put(self._entries, identity, entry, self._max_entries)

    def refuse(self, identity: bytes, message: str) -> None:
        with self._lock:
            self._entries.pop(identity, None)
            _put(self._refusals, identity, (self._clock() + REFUSAL_SECONDS, message), self._max_entries)

    def forget(self, prefix: str) -> None:
        """Drops a key that was revoked."""
        with self._lock:
            self.generation += 1
            for identity in [own for own, entry in self._entries.items() if entry.prefix == prefix]:
                del self._entries[identity]

    def forget_organization(self, organization_id: UUID) -> None:
        """Has all keys of an organization read again: something changed that each of them carries."""
        with self._lock:
            self.generation += 1
            for identity, entry in list(self._entries.items()):
                if entry.principal.organization_id == organization_id:
                    del self._entries[identity]

    def cover(self, *, is_gapless: bool) -> None:
        """Notes that news of revocations arrive. After a gap, everything remembered has to be read again."""
        now = self._clock()
        if not is_gapless or now >= self._covered_until:
            self._distrust()
        self._covered_until = now + COVER_SECONDS

    def _distrust(self) -> None:
        # entries stay: they may still have to serve while the records cannot be asked
        with self._lock:
            self.generation += 1
            for entry in self._entries.values():
                entry.fresh_until = -inf


def _put(into: dict[bytes, Value], identity: bytes, value: Value, limit: int) -> None:
    into.pop(identity, None)
    while len(into) >= limit:
        del into[next(iter(into))]
    into[identity] = value
