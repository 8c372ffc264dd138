"""How many bytes each namespace has in memory, and what in it was not asked for in longest."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from caching.places import Place, plain


class _Name(NamedTuple):
    organization_id: UUID
    wall: str


class Rooms:
    """All sides of a policy's wall are one room. What is pinned is in none: it stays, and does not count."""

    def __init__(self) -> None:
        self._rooms: dict[_Name, OrderedDict[bytes, int]] = {}
        self._sizes: dict[_Name, int] = {}

    def add(self, place: Place, size_bytes: int) -> None:
        name = _name(place)
        self._rooms.setdefault(name, OrderedDict())[place.entry_key] = size_bytes
        self._sizes[name] = self._sizes.get(name, 0) + size_bytes

    def touch(self, place: Place) -> None:
        room = self._rooms.get(_name(place))
        if room is not None and place.entry_key in room:
            room.move_to_end(place.entry_key)

    def remove(self, place: Place) -> None:
        name = _name(place)
        room = self._rooms.get(name)
        size_bytes = None if room is None else room.pop(place.entry_key, None)
        if size_bytes is not None:
            self._sizes[name] -= size_bytes
        if not room:
            self._rooms.pop(name, None)
            self._sizes.pop(name, None)

    def beyond(self, place: Place, limit_bytes: int) -> Iterator[bytes]:
        """The keys that must go so that the room of this place fits, the one that was asked for longest ago first.
        Each is to be removed before the next is asked for."""
        name = _name(place)
        while self._sizes.get(name, 0) > limit_bytes:
            yield next(iter(self._rooms[name]))

    def clear(self) -> None:
        self._rooms.clear()
        self._sizes.clear()


def _name(place: Place) -> _Name:
    return _Name(place.organization_id, plain(place.wall))
