"""What the cache keeps beside an answer: who gave it and what it used, to say what a hit avoided."""

from dataclasses import dataclass, fields, replace

import orjson

from analytics.events import TokenCounts
from inference import stamps
from inference.domain import Usage
from inference.stamps import Stamps

_COUNTS = tuple(field.name for field in fields(TokenCounts))


@dataclass(frozen=True, slots=True)
class Note:
    model: str
    provider: str
    usage: Usage
    task_type: str
    stamps: Stamps = stamps.NONE  # what is new with each hit


def write(note: Note) -> bytes:
    tokens = note.usage.tokens
    counts = (getattr(tokens, name) for name in _COUNTS)
    return orjson.dumps([note.model, note.provider, note.task_type, note.stamps, *counts])


def read(data: bytes) -> Note:
    model, provider, task_type, marks, *tokens = orjson.loads(data)
    usage = Usage(tokens=TokenCounts(*tokens))
    return Note(model=model, provider=provider, usage=usage, task_type=task_type, stamps=tuple(marks))


def without_stamps(data: bytes) -> bytes:
    """Of an answer that is told again exactly as it was."""
    return write(replace(read(data), stamps=stamps.NONE))
