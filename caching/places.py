"""The names under which a kept answer and all that belongs to it lie."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

# how long a purge keeps away the answers that were asked for before it: longer than any call lasts
MARK_SECONDS = 7_200

_ID_BYTES = 16
# no caller can name a namespace so: what is not printable is refused. Its entries are no part of the cache as people
# know it: they are neither listed nor purged, or a request that is sent again would be paid for again
IDEMPOTENCY = "\0idempotency"
# between a namespace's name and the side of a policy's wall; not printable either
SIDE = "\x1f"
_PLAIN_CHARACTERS = 32  # of a wall


@dataclass(frozen=True, slots=True)
class Room:
    """The names that all entries of a namespace share, made once."""

    entry_prefix: bytes
    card_prefix: bytes
    shelf_key: bytes
    shelves_key: bytes
    mark_prefix: bytes
    mark_keys: tuple[bytes, bytes]  # of the organization and of the namespace, whatever side of its wall this is


@lru_cache(maxsize=4096)
def room_of(organization_id: UUID, wall: str) -> Room:
    return Room(
        namespace_prefix(organization_id, wall),
        card_prefix(organization_id),
        shelf_key(organization_id, wall),
        shelves_key(organization_id),
        mark_key(organization_id),
        (mark_key(organization_id), mark_key(organization_id, plain(wall))),
    )


class Place:
    """Where one entry lies: `wall` stands for its namespace, whose name may hold anything."""

    __slots__ = ("_digest", "entry_key", "fingerprint", "organization_id", "room", "wall")

    def __init__(self, organization_id: UUID, wall: str, fingerprint: bytes) -> None:
        self.organization_id, self.wall, self.fingerprint = organization_id, wall, fingerprint
        self.room = room_of(organization_id, wall)
        self.entry_key = self.room.entry_prefix + fingerprint.hex().encode()
        self._digest = hashlib.blake2b(self.entry_key, digest_size=_ID_BYTES, person=b"entry id").digest()

    @property
    def id(self) -> UUID:
        """What people call it by: it says nothing, and another organization's is another one."""
        return UUID(bytes=self._digest)

    @property
    def card_key(self) -> bytes:
        return self.room.card_prefix + self._digest.hex().encode()

    @property
    def shelf_key(self) -> bytes:
        return self.room.shelf_key

    @property
    def member(self) -> bytes:
        """As it stands on the shelf."""
        return self._digest + self.fingerprint

    @property
    def mark_keys(self) -> tuple[bytes, bytes, bytes]:
        """Where it would be noted that it was purged, by whatever act."""
        return (*self.room.mark_keys, self.room.mark_prefix + self._digest.hex().encode())


@dataclass(frozen=True, slots=True)
class Shelving:
    """What makes a value findable without its key: sealed where it says something."""

    place: Place
    card: bytes
    stored_at: float  # seconds since 1970
    begun_seconds_ago: float  # when its question was asked: what was purged since stays away
    namespace_max_bytes: int = 0  # 0: no limit; for stores in memory, jobs see to the others


def place_on(organization_id: UUID, wall: str, member: bytes) -> Place:
    """The place that a shelf's member stands for."""
    return Place(organization_id, wall, member[_ID_BYTES:])


def parted(name: str) -> tuple[str, str]:
    """A namespace's name as people know it, and which side of its policy's wall this is, "" where there is none."""
    known, _, side = name.partition(SIDE)
    return known, side


@lru_cache(maxsize=4096)
def wall_of(name: str) -> str:
    """Those of all sides of a namespace's policy's wall begin with the namespace's own."""
    known, side = parted(name)
    return _hashed(known) + (_hashed(name) if side else "")


def plain(wall: str) -> str:
    """The wall of the namespace as people know it."""
    return wall[:_PLAIN_CHARACTERS]


def _hashed(name: str) -> str:
    # a name comes from the caller and may hold anything, even the braces and colons of our own layout
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_PLAIN_CHARACTERS]


def sides_prefix(organization_id: UUID, wall: str) -> bytes:
    """What the entries of a namespace begin with, on all sides of its policy's wall."""
    return entries_prefix(organization_id) + wall.encode()


def namespace_prefix(organization_id: UUID, wall: str) -> bytes:
    return entries_prefix(organization_id) + f"{wall}:".encode()


@lru_cache(maxsize=4096)
def named_prefix(organization_id: UUID, name: str) -> bytes:
    """The same by the namespace's name."""
    return namespace_prefix(organization_id, wall_of(name))


def entries_prefix(organization_id: UUID) -> bytes:
    """What entries and their cards begin with; all of them are sealed for their key's name."""
    return organization_prefix(organization_id) + b"t1:"


def organization_prefix(organization_id: UUID) -> bytes:
    """What all keys of an organization begin with, whatever they are for.

    The braces keep an organization on one node of a cluster.
    """
    return f"acron:{{{organization_id.hex}}}:".encode()


def card_key(organization_id: UUID, entry_id: UUID) -> bytes:
    return card_prefix(organization_id) + entry_id.hex.encode()


def card_prefix(organization_id: UUID) -> bytes:
    return entries_prefix(organization_id) + b"card:"


def shelf_key(organization_id: UUID, wall: str) -> bytes:
    """Of the sorted set of a namespace's entries, by the time when they were kept."""
    return organization_prefix(organization_id) + f"shelf:{wall}".encode()


def shelves_key(organization_id: UUID) -> bytes:
    """Of the sorted set of the organization's namespaces, by the time when something was last kept there."""
    return organization_prefix(organization_id) + b"shelves"


def marks(place: Place) -> tuple[str, str, str]:
    """By which names it would be noted that a place was purged, inside of its organization."""
    return "", plain(place.wall), place.id.hex


def mark_key(organization_id: UUID, what: str = "") -> bytes:
    """Of the moment of the last purge: of everything, of a namespace's wall, of an entry's id."""
    return organization_prefix(organization_id) + f"purged:{what}".encode()
