"""What the cache keeps beside an answer: who gave it and what it used, to say what a hit avoided."""

from dataclasses import dataclass, fields

import orjson

from analytics.events import TokenCounts
from inference.domain import Usage

_COUNTS = tuple(field.name for field in fields(TokenCounts))


@dataclass(frozen=True, slots=True)
class Note:
    model: str
    provider: str
    usage: Usage
    task_type: str


def write(note: Note) -> bytes:
    tokens = note.usage.tokens
    return orjson.dumps([note.model, note.provider, note.task_type, *(getattr(tokens, name) for name in _COUNTS)])


def read(data: bytes) -> Note:
    model, provider, task_type, *tokens = orjson.loads(data)
    return Note(model=model, provider=provider, usage=Usage(tokens=TokenCounts(*tokens)), task_type=task_type)
