"""Reads OpenAI's chat completions."""

from collections.abc import Mapping
from typing import Any

from inference.domain import Completion, Usage

# what a message must have some of, not to be empty
_SUBSTANCE = ("content", "tool_calls", "function_call", "refusal", "audio")


def completion_of(document: Mapping[str, Any], body: bytes, usage: Usage) -> Completion:
    """Raises ValueError when `document` is no chat completion. `body` is its JSON as it is sent."""
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ValueError("it has no choices")
    messages = [choice.get("message") for choice in choices if isinstance(choice, dict)]
    spoken = [message for message in messages if isinstance(message, dict)]
    if len(spoken) < len(choices):
        raise ValueError("a choice has no message")
    return Completion(
        body=body,
        usage=usage,
        finish_reasons=tuple(map(_finish_reason, choices)),
        model_answered=str(document.get("model") or ""),
        is_empty=not all(any(message.get(name) for name in _SUBSTANCE) for message in spoken),
    )


def _finish_reason(choice: Mapping[str, Any]) -> str:
    """A choice that was made to call a tool, or that refuses, says "stop" as well."""
    reason, message = str(choice.get("finish_reason") or ""), choice["message"]
    if reason != "stop":
        return reason
    if message.get("tool_calls") or message.get("function_call"):
        return "tool_calls"
    return "content_filter" if message.get("refusal") else reason
