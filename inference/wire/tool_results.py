"""Parts a tool's result into its text and its pictures and files, which only a user's message holds in a chat."""

from collections.abc import Iterable, Mapping
from typing import Any

Parts = list[dict[str, Any]]


def parted(parts: Iterable[Mapping[str, Any]], call_id: str) -> tuple[str, Parts]:
    """The text, and the parts of a user's message that show what is no text; none when there is nothing else."""
    texts, others = [], []
    for part in parts:
        if part["type"] == "text":
            texts.append(part["text"])
        else:
            others.append(dict(part))
    heading = {"type": "text", "text": f"Attached to the result of {call_id}:"}
    return "\n".join(texts), [heading, *others] if others else []
