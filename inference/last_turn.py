"""What of a request may be worded differently and mean the same: its last turn, in the light of all before it."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from inference.domain import Ask, Format

# a question, not a document: longer texts are nearly alike for what they share and differ in what matters
LONGEST_CHARACTERS = 4_000

# where the turns of a conversation stand in each format, and what a part with words is called there
_TURNS = {Format.CHAT: "messages", Format.MESSAGES: "messages", Format.RESPONSES: "input"}
_WORDS = {"text", "input_text"}


def split(ask: Ask) -> tuple[str, Mapping[str, Any]] | None:
    """The words of the last turn, and the request without them; None where the last turn is not somebody's words.

    Pictures, files and anything else beside the words stay where they are: only who sends the same is a neighbour.
    """
    field = _TURNS.get(ask.format)
    turns = None if field is None else ask.body.get(field)
    if isinstance(turns, str):
        return _within(turns, {**ask.body, str(field): None})
    if not isinstance(turns, list) or not turns:
        return None
    last = turns[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        return None
    words, rest = _parted(last.get("content"))
    return _within(words, {**ask.body, str(field): [*turns[:-1], {**last, "content": rest}]})


def answered_text(spoken: Format, body: bytes) -> str:
    """The words of a whole answer, those of all choices; "" where there are none."""
    try:
        document = orjson.loads(body)
    except ValueError:
        return ""
    return "\n".join(_ANSWERED[spoken](document)) if isinstance(document, dict) else ""


def _within(words: str, rest: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    return (words, rest) if words.strip() and len(words) <= LONGEST_CHARACTERS else None


def _parted(content: Any) -> tuple[str, Any]:
    if isinstance(content, str):
        return content, None
    if not isinstance(content, list):
        return "", content
    words = [part["text"] for part in content if _is_words(part)]
    # how many there were stays: two parts are not one
    return "\n".join(words), [{**part, "text": None} if _is_words(part) else part for part in content]


def _is_words(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _WORDS and isinstance(part.get("text"), str)


def _of_chat(document: Mapping[str, Any]) -> list[str]:
    return [
        content
        for choice in _dicts(document.get("choices"))
        for content in [_dict(choice.get("message")).get("content")]
        if isinstance(content, str)
    ]


def _of_message(document: Mapping[str, Any]) -> list[str]:
    return [part["text"] for part in _dicts(document.get("content")) if isinstance(part.get("text"), str)]


def _of_response(document: Mapping[str, Any]) -> list[str]:
    return [
        part["text"]
        for item in _dicts(document.get("output"))
        for part in _dicts(item.get("content"))
        if isinstance(part.get("text"), str)
    ]


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_ANSWERED: dict[Format, Callable[[Mapping[str, Any]], list[str]]] = {
    Format.CHAT: _of_chat,
    Format.MESSAGES: _of_message,
    Format.RESPONSES: _of_response,
    Format.EMBEDDINGS: lambda _: [],
}
