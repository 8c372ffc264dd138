"""What an entry's card says, so that it can be listed without opening the answer."""

from dataclasses import dataclass, replace
from typing import Any

import orjson

from caching.protocols import Label, Namespace

PREVIEW_CHARACTERS = 300
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Card:
    """`question` is the beginning of what was asked; a card never lies anywhere unsealed."""

    namespace: str
    fingerprint: bytes
    label: Label
    question: str
    stored_at: float  # seconds since 1970
    ttl_seconds: int
    marked_wrong_at: float | None = None

    def marked_wrong(self, at: float) -> "Card":
        return replace(self, marked_wrong_at=at)


def of(
    namespace: Namespace, fingerprint: bytes, *, label: Label, question: str, stored_at: float, ttl_seconds: int
) -> Card:
    return Card(namespace.name, fingerprint, label, question[:PREVIEW_CHARACTERS], stored_at, ttl_seconds)


def write(card: Card) -> bytes:
    label = card.label
    return orjson.dumps(
        [
            _VERSION,
            card.namespace,
            card.fingerprint.hex(),
            [label.model, label.provider, label.task_type, label.tags],
            card.question,
            card.stored_at,
            card.ttl_seconds,
            card.marked_wrong_at,
        ]
    )


def read(packed: bytes) -> Card:
    """Raises ValueError for what is no card of this version."""
    match orjson.loads(packed):
        case [1, namespace, fingerprint, [model, provider, task_type, tags], question, stored_at, ttl, wrong_at]:
            label = Label(model, provider, task_type, _pairs(tags))
            return Card(namespace, bytes.fromhex(fingerprint), label, question, stored_at, ttl, wrong_at)
    raise ValueError("a card of another version")


def _pairs(tags: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in tags)
