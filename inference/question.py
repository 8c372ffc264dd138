"""What a request asks, in its own words."""

from collections.abc import Mapping
from typing import Any

from inference.domain import Ask


def beginning(ask: Ask, characters: int) -> str:
    """As people recognize it in a list."""
    return asked(ask)[:characters]


def asked(ask: Ask) -> str:
    """The words of the last turn of the user; empty where it has none, such as an image alone."""
    messages = ask.sketch.get("messages")
    turns = messages if isinstance(messages, list) else []
    last = next((turn for turn in reversed(turns) if isinstance(turn, Mapping) and turn.get("role") == "user"), {})
    return _words(last.get("content"))


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(text for part in content if (text := _text(part)))


def _text(part: Any) -> str:
    if isinstance(part, Mapping):
        part = part.get("text")
    return part if isinstance(part, str) else ""
