"""What is on record about an API key, and what keeps such records."""

from collections.abc import Collection
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


class KeyRecords(Protocol):
    """Where key records are kept. Its methods block, and raise RecordsUnavailableError."""

    def read(self, prefix: str) -> KeyRecord | None: ...

    def note_use(self, key_ids: Collection[UUID]) -> None:
        """Writes that these keys were used just now."""
        ...

    def release(self) -> None:
        """Gives back what this thread holds."""
        ...
