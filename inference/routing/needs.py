"""What a request needs of a model before quality or price matter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# characters of English text per token, rounded down so that estimates err on the expensive side
_CHARACTERS_PER_TOKEN = 4
# an answer's length when the caller sets no limit; only for comparing prices
_TYPICAL_OUTPUT_TOKENS = 400

_PART_NEEDS = {"image_url": "vision", "input_audio": "audio_input", "file": "pdf"}


@dataclass(frozen=True, slots=True)
class Needs:
    capabilities: frozenset[str]
    input_tokens: int  # estimate
    output_tokens: int  # what was asked for, else a typical length
    is_native_only: bool = False  # nobody but the provider whose format it is can do this


def needs_of(body: Mapping[str, Any]) -> Needs:
    capabilities = set(_part_needs(body))
    if body.get("tools") or body.get("functions"):
        capabilities.add("tools")
    if (body.get("response_format") or {}).get("type") == "json_schema":
        capabilities.add("json_schema")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Needs(
        capabilities=frozenset(capabilities),
        input_tokens=estimate_tokens(body),
        output_tokens=limit if isinstance(limit, int) else _TYPICAL_OUTPUT_TOKENS,
        is_native_only=body.get("native_only") is True,
    )


def estimate_tokens(body: Mapping[str, Any]) -> int:
    """About how many tokens the messages are; exact counts come with the provider's answer."""
    characters = sum(len(text) + _CHARACTERS_PER_TOKEN for text in _texts(body))
    return characters // _CHARACTERS_PER_TOKEN + 1


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body.get("messages", ()):
        content = message.get("content")
        if isinstance(content, str):
            yield content
        elif isinstance(content, list):
            yield from (part["text"] for part in content if isinstance(part.get("text"), str))


def _part_needs(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body.get("messages", ()):
        content = message.get("content")
        if isinstance(content, list):
            yield from (_PART_NEEDS[part["type"]] for part in content if part.get("type") in _PART_NEEDS)
