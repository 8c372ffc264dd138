"""Reads Anthropic's messages."""

from collections.abc import Mapping
from typing import Any

from inference import usage
from inference.domain import Completion

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_UNFINISHED = "length"  # a paused turn is one as well
_WORDS = frozenset({"text", "thinking", "redacted_thinking"})
_CALLS = frozenset({"tool_use"})
# no word of chat completions, where every tool is the caller's
HOSTED_TOOL = "hosted_tool"


def completion_of(message: Mapping[str, Any], body: bytes) -> Completion:
    """Raises ValueError when `message` is no finished one. `body` is its JSON as it is sent."""
    blocks, reason = message.get("content"), message.get("stop_reason")
    if not isinstance(blocks, list) or not isinstance(reason, str):
        raise ValueError("it has no content or no stop_reason")  # noqa: TRY004 (a provider's mistake, not ours)
    if not all(isinstance(block, dict) for block in blocks):
        raise ValueError("a block of its content is no object")
    return Completion(
        body=body,
        usage=usage.from_anthropic(message.get("usage")),
        finish_reasons=(finish_reason(reason, blocks),),
        model_answered=str(message.get("model") or ""),
        is_empty=not any(_says_something(block) for block in blocks),
        side_usages=usage.side_usages(message.get("usage")),
    )


def finish_reason(stop_reason: str, blocks: list[dict[str, Any]]) -> str:
    """An answer in which tools were used at the provider depends on more than the request: on what they found."""
    reason = _FINISH_REASONS.get(stop_reason, _UNFINISHED)
    if reason not in ("stop", "tool_calls"):
        return reason
    kinds = {block.get("type") for block in blocks} - _WORDS
    if kinds - _CALLS:
        return HOSTED_TOOL
    return "tool_calls" if kinds else reason


def _says_something(block: Mapping[str, Any]) -> bool:
    return bool(block.get("text")) or block.get("type") not in _WORDS
