"""A Responses request in the words of chat completions, as far as it is measured there."""

from collections.abc import Iterator, Mapping
from typing import Any

from inference.fingerprint import canonical

# what the caller runs itself; every other tool runs at OpenAI
_CALLERS_TOOLS = frozenset({"function", "custom"})
# fields that only OpenAI's own API can honour
_NATIVE_FIELDS = ("previous_response_id", "conversation", "background", "prompt", "context_management")
_NATIVE_INCLUDES = frozenset({"reasoning.encrypted_content"})
_TRANSLATED_ITEMS = frozenset({"", "message", "function_call", "function_call_output", "reasoning"})
_PARTS = {
    "input_image": "image_url",
    "computer_screenshot": "image_url",
    "input_file": "file",
    "input_audio": "input_audio",
}


def sketch(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of a document whose shape is checked.

    `native_only`: no other API than OpenAI's own can answer it. `unseen_input`: the model will read more than the
    request shows, at most what fits into its context.
    """
    wanted = (document.get("text") or {}).get("format") or {}
    drawn = {
        "messages": list(_messages(document)),
        "max_tokens": document.get("max_output_tokens"),
        "tools": document.get("tools"),
        "service_tier": document.get("service_tier"),
        "speed": document.get("speed"),
        "response_format": {"type": wanted["type"]} if wanted.get("type") else None,
        "native_only": _is_native_only(document) or None,
        "unseen_input": is_stateful(document) or None,
    }
    return {name: value for name, value in drawn.items() if value is not None}


def is_stateful(document: Mapping[str, Any]) -> bool:
    """Whether the answer depends on what is kept at the provider, or is made by tools that run there."""
    if any(document.get(name) for name in _NATIVE_FIELDS):
        return True
    tools = document.get("tools") or ()
    return any(tool["type"] not in _CALLERS_TOOLS for tool in tools) or any(map(is_reference, _items(document)))


def is_reference(item: Mapping[str, Any]) -> bool:
    """An item named by its id only; it may leave its type out."""
    kind = item.get("type")
    return kind == "item_reference" or (kind is None and "role" not in item and "id" in item)


def _is_native_only(document: Mapping[str, Any]) -> bool:
    return (
        is_stateful(document)
        or any(tool["type"] != "function" for tool in document.get("tools") or ())
        or any(name in _NATIVE_INCLUDES for name in document.get("include") or ())
        or any((item.get("type") or "") not in _TRANSLATED_ITEMS for item in _items(document))
    )


def _items(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    asked = document.get("input")
    return asked if isinstance(asked, list) else []


def _messages(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if instructions := document.get("instructions"):
        yield {"role": "system", "content": instructions}
    if isinstance(asked := document.get("input"), str):
        yield {"role": "user", "content": asked}
    for item in _items(document):
        yield _message(item)


def _message(item: Mapping[str, Any]) -> dict[str, Any]:
    kind = item.get("type") or "message"
    content = item.get("content") if kind == "message" else item.get("output")
    if isinstance(content, str):
        return {"role": item.get("role", "tool"), "content": content}
    if isinstance(content, dict):  # a computer's screenshot
        content = [content]
    if isinstance(content, list):
        return {"role": item.get("role", "tool"), "content": [_part(part) for part in content]}
    return {"role": "assistant", "content": canonical(item).decode()}


def _part(part: Any) -> dict[str, Any]:
    given = part if isinstance(part, dict) else {}
    kind, text = given.get("type"), given.get("text")
    if isinstance(kind, str) and kind in _PARTS:
        return {"type": _PARTS[kind]}
    return {"type": "text", "text": text if isinstance(text, str) else ""}
