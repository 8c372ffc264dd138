"""The names under which a kept answer and all that belongs to it lie."""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from uuid import UUID

# how long a purge keeps away the answers that were asked for before it: longer than any call lasts
MARK_SECONDS = 7_200

_ID_BYTES = 16
# no caller can name a namespace so: what is not printable is refused. Its entries are no part of the cache as people
# know it: they are neither listed nor purged, or a request that is sent again would be paid for again
IDEMPOTENCY = "\0idempotency"


@dataclass(frozen=True)
class Place:
    """Where one entry lies: `wall` stands for its namespace, whose name may hold anything."""

    organization_id: UUID
    wall: str
    fingerprint: bytes

    @cached_property
    def entry_key(self) -> bytes:
        return b"%b%b" % (namespace_prefix(self.organization_id, self.wall), self.fingerprint.hex().encode())

    @cached_property
    def id(self) -> UUID:
        """What people call it by: it says nothing, and another organization's is another one."""
        return UUID(bytes=hashlib.blake2b(self.entry_key, digest_size=_ID_BYTES, person=b"entry id").digest())

    @property
    def card_key(self) -> bytes:
        return card_key(self.organization_id, self.id)

    @property
    def shelf_key(self) -> bytes:
        return shelf_key(self.organization_id, self.wall)

    @property
    def member(self) -> bytes:
        """As it stands on the shelf."""
        return self.id.bytes + self.fingerprint

    @property
    def mark_keys(self) -> tuple[bytes, bytes, bytes]:
        """Where it would be noted that it was purged, by whatever act."""
        return (
            mark_key(self.organization_id),
            mark_key(self.organization_id, self.wall),
            mark_key(self.organization_id, self.id.hex),
        )


@dataclass(frozen=True, slots=True)
class Shelving:
    """What makes a value findable without its key: sealed where it says something."""

    place: Place
    card: bytes
    stored_at: float  # seconds since 1970
    begun_seconds_ago: float  # when its question was asked: what was purged since stays away


def place_on(organization_id: UUID, wall: str, member: bytes) -> Place:
    """The place that a shelf's member stands for."""
    return Place(organization_id, wall, member[_ID_BYTES:])


def wall_of(name: str) -> str:
    # hashed: a name comes from the caller and may hold anything, even the braces and colons of our own layout
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


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


def mark_key(organization_id: UUID, what: str = "") -> bytes:
    """Of the moment of the last purge: of everything, of a namespace's wall, of an entry's id."""
    return organization_prefix(organization_id) + f"purged:{what}".encode()
