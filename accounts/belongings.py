"""What other apps keep of an organization: each app names its own, so that erasing and exporting reach it.

Tables with a foreign key to the organization go with it in one transaction and need none of this. What lies outside of
the database, or in tables too large for that, does: the app registers its Belongings in its AppConfig's `ready`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from uuid import UUID


class BelongingsUnavailableError(Exception):
    """A store is away; what lies there has to be erased later."""


class Belongings(Protocol):
    """What one app keeps of organizations. Its methods block."""

    name: str

    def export(self, organization_id: UUID) -> Iterator[Mapping[str, Any]]:
        """What the organization's owner may take along, row by row, ready for JSON."""
        ...

    def erase(self, organization_id: UUID) -> Iterator[int]:
        """Removes all, and yields after each part how much it was, so that the caller can stop in between.

        Safe to repeat. Raises BelongingsUnavailableError.
        """
        ...

    def organizations(self) -> Iterator[UUID]:
        """Whose there are, so that what came after its organization had gone is found.

        Empty where everything passes away by itself.
        """
        ...


_registered: dict[str, Belongings] = {}


def register(belongings: Belongings) -> None:
    _registered[belongings.name] = belongings


def registered() -> tuple[Belongings, ...]:
    """In the order of their names."""
    return tuple(_registered[name] for name in sorted(_registered))
