"""Acts on entries that lie in one process's memory, so that every worker does them on its own."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson

from accounts.encryption import Cipher, DecryptionError
from caching.shelf import Opened, Position, Shelf, Slice, Wanted

CHANNEL = "acron:cache-acts"
# filters may hold words of questions, so the news are sealed
_PLACE = b"acron:cache-acts"


class ToldShelf:
    """Reads what this process has; what it does, it tells the others."""

    def __init__(self, shelf: Shelf, publish: Callable[[str], None], cipher: Cipher) -> None:
        self.tier = shelf.tier
        self._shelf, self._publish, self._cipher = shelf, publish, cipher

    def list(self, organization_id: UUID, wanted: Wanted, *, after: Position | None, limit: int) -> Slice:
        return self._shelf.list(organization_id, wanted, after=after, limit=limit)

    def read(self, organization_id: UUID, entry_id: UUID) -> Opened | None:
        return self._shelf.read(organization_id, entry_id)

    def delete(self, organization_id: UUID, entry_id: UUID) -> bool:
        self._tell("delete", organization_id, entry_id)
        return self._shelf.delete(organization_id, entry_id)

    def pin(self, organization_id: UUID, entry_id: UUID) -> bool:
        self._tell("pin", organization_id, entry_id)
        return self._shelf.pin(organization_id, entry_id)

    def unpin(self, organization_id: UUID, entry_id: UUID) -> bool:
        self._tell("unpin", organization_id, entry_id)
        return self._shelf.unpin(organization_id, entry_id)

    def mark_wrong(self, organization_id: UUID, entry_id: UUID) -> bool:
        self._tell("mark_wrong", organization_id, entry_id)
        return self._shelf.mark_wrong(organization_id, entry_id)

    def twins(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> Sequence[UUID]:
        return self._shelf.twins(organization_id, namespace, fingerprint)

    def hold_off(self, organization_id: UUID, namespace: str, fingerprint: bytes) -> None:
        self._tell("hold_off", organization_id, [namespace, fingerprint.hex()])
        self._shelf.hold_off(organization_id, namespace, fingerprint)

    def purge(self, organization_id: UUID, wanted: Wanted, *, is_trial: bool) -> int:
        if not is_trial:
            self._tell("purge", organization_id, asdict(wanted))
        return self._shelf.purge(organization_id, wanted, is_trial=is_trial)

    def tidy(self, organization_id: UUID) -> int:
        return self._shelf.tidy(organization_id)

    def _tell(self, act: str, organization_id: UUID, what: Any) -> None:
        sealed = self._cipher.seal(orjson.dumps([self.tier, act, organization_id, what]), aad=_PLACE)
        self._publish(b64encode(sealed).decode())


class Follower:
    """A listener of accounts.revocations: does on this process's shelves what others tell."""

    def __init__(self, shelves: Sequence[Shelf], cipher: Cipher) -> None:
        self._shelves, self._cipher = {shelf.tier: shelf for shelf in shelves}, cipher

    def connected(self) -> None:
        """What was missed meanwhile passes away with the entries' time."""

    def heard(self) -> None: ...

    def invalidate(self, news: str) -> None:
        try:
            self._follow(orjson.loads(self._cipher.open(b64decode(news), aad=_PLACE)))
        except (DecryptionError, ValueError, TypeError, KeyError):
            return  # of a worker of another version, or not of ours; listening goes on

    def _follow(self, told: Any) -> None:
        match told:
            case [int(tier), "purge", organization, dict(wanted)]:
                self._shelves[tier].purge(UUID(organization), _wanted(wanted), is_trial=False)
            case [int(tier), "hold_off", organization, [str(namespace), str(fingerprint)]]:
                self._shelves[tier].hold_off(UUID(organization), namespace, bytes.fromhex(fingerprint))
            case [int(tier), "delete" | "pin" | "unpin" | "mark_wrong" as act, organization, str(entry)]:
                getattr(self._shelves[tier], act)(UUID(organization), UUID(entry))


def _wanted(fields: dict[str, Any]) -> Wanted:
    tag = fields.pop("tag", None)
    return Wanted(**fields, tag=None if tag is None else (tag[0], tag[1]))
