"""What of a Messages request only Anthropic's own models can do."""

from collections.abc import Iterator, Mapping
from typing import Any

# fields with a counterpart in chat completions, or whose loss leaves the answer an answer to the same question
TOLD = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "stream",
        "temperature",
        "top_p",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
    }
)
NAMED = ("top_k", "service_tier", "speed", "diagnostics", "user_profile_id")  # left out, and told to the caller
SILENT = frozenset({"cache_control", "metadata"})  # an optimisation without meaning; who the end user is stays here
_SHARED = TOLD.union(NAMED, SILENT)

_EVERYWHERE = frozenset({"global", "not_available"})
_TEXTS = frozenset({"text", "search_result"})
_SPOKEN = {
    "user": _TEXTS | {"image", "document", "tool_result"},
    "assistant": frozenset({"text", "tool_use", "thinking", "redacted_thinking"}),
    "system": frozenset({"text"}),
}
_IN_RESULTS = _TEXTS | {"image", "document"}
_IN_DOCUMENTS = frozenset({"text", "image"})
_IMAGES = frozenset({"base64", "url"})
_DOCUMENTS = frozenset({"base64", "text", "content"})


def fields(body: Mapping[str, Any]) -> Iterator[str]:
    """Their names. `body` has the shape that `messages.check` asks for."""
    yield from (name for name in body if name not in _SHARED and not _is_vain(name, body[name]))
    if body.get("max_tokens") == 0:  # fills Anthropic's prompt cache and answers nothing
        yield "max_tokens"
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") not in (None, "custom"):
            yield f"tools[{index}].type"
    for index, message in enumerate(body.get("messages") or ()):
        yield from _of_message(message, f"messages[{index}]")
    if (messages := body.get("messages")) and messages[-1]["role"] == "assistant":
        yield f"messages[{len(messages) - 1}].role"  # the beginning of an answer, which is to be continued


def _is_vain(name: str, value: Any) -> bool:
    return value is None or value in ({}, []) or (name == "inference_geo" and str(value) in _EVERYWHERE)


def _of_message(message: Mapping[str, Any], place: str) -> Iterator[str]:
    content = message["content"]
    if isinstance(content, list):
        yield from _of_blocks(content, f"{place}.content", allowed=_SPOKEN[message["role"]])


def _of_blocks(blocks: Any, place: str, *, allowed: frozenset[str]) -> Iterator[str]:
    for index, block in enumerate(blocks):
        here, kind = f"{place}[{index}]", block["type"]
        if kind not in allowed:
            yield f"{here}.type"
        elif kind in ("tool_result", "search_result") and isinstance(block.get("content"), list):
            inner = _IN_RESULTS if kind == "tool_result" else _TEXTS
            yield from _of_blocks(block["content"], f"{here}.content", allowed=inner)
        elif kind == "image" and _kind_of_source(block) not in _IMAGES:
            yield f"{here}.source"
        elif kind == "document":
            yield from _of_document(block, here)


def _of_document(block: Mapping[str, Any], place: str) -> Iterator[str]:
    kind, citations = _kind_of_source(block), block.get("citations")
    if kind not in _DOCUMENTS:
        yield f"{place}.source"
    elif kind == "content" and isinstance(block["source"].get("content"), list):
        yield from _of_blocks(block["source"]["content"], f"{place}.source.content", allowed=_IN_DOCUMENTS)
    if isinstance(citations, dict) and citations.get("enabled"):
        yield f"{place}.citations"


def _kind_of_source(block: Mapping[str, Any]) -> str:
    source = block.get("source")
    return str(source.get("type")) if isinstance(source, dict) else ""
