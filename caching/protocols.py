"""What a cache backend must offer, and whose data it keeps."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from acron_site.lib.values import quick


@quick
@dataclass(frozen=True, slots=True)
class Namespace:
    """A wall around cached data: the organization first, then a name inside it."""

    organization_id: UUID
    name: str = "default"


class ExactStore(Protocol):
    """Bytes under a key, for a while. A store that is down answers None and forgets what it is given."""

    name: str

    async def get(self, key: bytes) -> bytes | None: ...

    def put(self, key: bytes, value: bytes, ttl_seconds: int) -> None:
        """Hands the value over without waiting for it to be stored."""
        ...

    async def is_up(self) -> bool: ...

    async def close(self) -> None: ...
