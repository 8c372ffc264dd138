"""How questions and answers of tier 2 lie sealed: each bound to its organization, its entry and its column."""

import struct
from dataclasses import dataclass
from uuid import UUID

from accounts.encryption import Cipher, DecryptionError
from caching.protocols import Keepsake, Kept

_HEAD = struct.Struct(">dI")  # stored_at, length of the note


def place_of(organization_id: UUID, entry_id: UUID, column: str) -> bytes:
    """The AAD under which a column is sealed."""
    return f"semantic_entry:{organization_id}:{entry_id}:{column}".encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    question: bytes
    answer: bytes


class EntrySeal:
    """Seals what is kept, opens what is found; what does not open is None and counted."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self.unreadable = 0  # since this process started

    def seal(self, keepsake: Keepsake) -> Sealed:
        organization_id = keepsake.partition.namespace.organization_id
        # a lone surrogate, which JSON can carry, must not stop a batch
        question = keepsake.question.encode("utf-8", "surrogatepass")
        answer = _HEAD.pack(keepsake.stored_at, len(keepsake.note)) + keepsake.note + keepsake.body
        return Sealed(
            self._cipher.seal(question, aad=place_of(organization_id, keepsake.id, "question")),
            self._cipher.seal(answer, aad=place_of(organization_id, keepsake.id, "answer")),
        )

    def nothing(self, organization_id: UUID, entry_id: UUID) -> bytes:
        """What stands in the place of an answer that was let go of."""
        return self._cipher.seal(_HEAD.pack(0.0, 0), aad=place_of(organization_id, entry_id, "answer"))

    def question(self, organization_id: UUID, entry_id: UUID, sealed: bytes) -> str | None:
        opened = self._opened(sealed, place_of(organization_id, entry_id, "question"))
        return None if opened is None else opened.decode("utf-8", "surrogatepass")

    def answer(self, organization_id: UUID, entry_id: UUID, sealed: bytes) -> Kept | None:
        opened = self._opened(sealed, place_of(organization_id, entry_id, "answer"))
        if opened is None:
            return None
        stored_at, note_length = _HEAD.unpack_from(opened)
        body_start = _HEAD.size + note_length
        return Kept(opened[_HEAD.size : body_start], opened[body_start:], stored_at)

    def _opened(self, sealed: bytes, place: bytes) -> bytes | None:
        try:
            return self._cipher.open(sealed, aad=place)
        except DecryptionError:
            self.unreadable += 1
            return None
