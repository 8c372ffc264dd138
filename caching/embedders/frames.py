"""What a worker and the process that embeds for it say to each other: frames of a kind, a number and a content."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from caching.protocols import Space, Vector

# length of the content, kind, number of the question it belongs to
_HEAD: Final = struct.Struct("<IBI")
_QUESTION: Final = struct.Struct("<BI")
_COST: Final = struct.Struct("<d")
# the longest text that the model reads, in letters of four bytes each
MOST_BYTES: Final = 256 * 1024
MOST_NUMBER: Final = 2**32 - 1


class FrameError(Exception):
    """The other side does not speak as we do."""


class Kind(IntEnum):
    PLACE = 1  # a text, please
    PLACED = 2  # its vector
    REFUSED = 3  # there is no vector for such a text
    BUSY = 4  # there is none just now
    READY = 5  # the greeting: which space it is
    MISSING = 6  # the greeting of one that has no model


@dataclass(frozen=True, slots=True)
class Frame:
    kind: int
    number: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """`is_awaited`: somebody's request waits for it; it goes first. `patience_ms`: then nobody wants it any more."""

    text: str
    is_awaited: bool
    patience_ms: int


def write(kind: Kind, number: int, content: bytes = b"") -> bytes:
    return _HEAD.pack(len(content), kind, number) + content


def write_words(kind: Kind, number: int, words: str) -> bytes:
    return write(kind, number, words.encode("utf-8", "replace"))


def words_of(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def write_question(number: int, question: Question) -> bytes:
    head = _QUESTION.pack(question.is_awaited, question.patience_ms)
    return write(Kind.PLACE, number, head + question.text.encode())


def read_question(content: bytes) -> Question:
    """Raises FrameError."""
    try:
        is_awaited, patience_ms = _QUESTION.unpack_from(content)
        return Question(content[_QUESTION.size :].decode(), bool(is_awaited), patience_ms)
    except (struct.error, UnicodeDecodeError):
        raise FrameError("not a question") from None


def write_vector(number: int, vector: Vector, cpu_seconds: float) -> bytes:
    return write(Kind.PLACED, number, _COST.pack(cpu_seconds) + vector.astype("<f4", copy=False).tobytes())


def read_vector(content: bytes, space: Space) -> tuple[Vector, float]:
    """Raises FrameError."""
    if len(content) != _COST.size + 4 * space.dimension:
        raise FrameError("not a vector of this space")
    return np.frombuffer(content, dtype="<f4", offset=_COST.size), _COST.unpack_from(content)[0]


class Reader:
    """Puts frames together from whatever pieces arrive."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Raises FrameError as soon as a frame says that it is longer than any may be."""
        self._waiting += piece
        while len(self._waiting) >= _HEAD.size:
            length, kind, number = _HEAD.unpack_from(self._waiting)
            if length > MOST_BYTES:
                raise FrameError("the frame is too long")
            end = _HEAD.size + length
            if len(self._waiting) < end:
                return
            content = bytes(self._waiting[_HEAD.size : end])
            del self._waiting[:end]
            yield Frame(kind, number, content)
