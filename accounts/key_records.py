"""What is on record about an API key, and what keeps such records."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from accounts.principal import Principal


class RecordsUnavailableError(Exception):
    """The records could not be asked; nothing is known about the key."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    prefix: str
    digest: bytes = field(repr=False)
    pepper_id: int
    principal: Principal
    expires_at: datetime | None = None
    is_revoked: bool = False
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewDigest:
    """A key's digest under another pepper, to take the place of the one it was proven by."""

    key_id: UUID
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    pepper_id: int


class KeyRecords(Protocol):
    """Where key records are kept. Its methods block, and raise RecordsUnavailableError."""

    def read(self, prefix: str) -> KeyRecord | None: ...

    def keyless(self, anonymous: Principal) -> Principal | None:
        """Who calls without a key, with what the keys of that organization carry; None when there is none such."""
        ...

    def note_use(self, uses: Mapping[UUID, str | None]) -> None:
        """Writes that these keys were used just now, and from where if that is known; once a minute at most."""
        ...

    def redigest(self, digests: Collection[NewDigest]) -> None:
        """Changes each digest that is still the old one."""
        ...

    def release(self) -> None:
        """Gives back what this thread holds."""
        ...
