"""Reads OpenAI's response objects."""

from collections.abc import Iterator, Mapping
from typing import Any

from inference.domain import Completion, Usage

# items by which the model asks the caller to do something
_CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "mcp_approval_request",
    }
)
# what is told of an answer that is still being made, elsewhere
_PENDING = frozenset({"queued", "in_progress"})
_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


class FailedResponseError(ValueError):
    """The provider says that it failed; `details` is its error object."""

    def __init__(self, details: Any) -> None:
        super().__init__("the response failed")
        self.details = details


def completion_of(document: Mapping[str, Any], body: bytes, usage: Usage) -> Completion:
    """Raises ValueError when `document` is no response, FailedResponseError when it tells of a failure."""
    status = document.get("status")
    if not isinstance(document.get("output"), list) or not isinstance(status, str):
        raise ValueError("it has no output or no status")  # noqa: TRY004 (a provider's mistake, not ours)
    if status in ("failed", "cancelled"):
        raise FailedResponseError(document.get("error") or {"message": f"the response is {status}"})
    return Completion(
        body=body,
        usage=usage,
        finish_reasons=(_finish_reason(document, status),),
        model_answered=str(document.get("model") or ""),
        is_empty=not any(_has_substance(item) for item in _items(document)),
    )


def web_searches(document: Mapping[str, Any]) -> int:
    """How many searches are billed: as the provider counts them, else one for each that was made."""
    told = document.get("tool_usage")
    told = told.get("web_search") if isinstance(told, dict) else None
    count = told.get("num_requests") if isinstance(told, dict) else None
    if type(count) is int and count >= 0:
        return count
    return sum(item.get("type") == "web_search_call" for item in _items(document))


def _finish_reason(document: Mapping[str, Any], status: str) -> str:
    if status in _PENDING:
        return "queued"
    if status == "completed":
        if any(item.get("type") in _CALLS for item in _items(document)):
            return "tool_calls"
        return "content_filter" if any(map(_refuses, _items(document))) else "stop"
    details = document.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return _INCOMPLETE.get(str(reason), "incomplete")


def _items(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    output = document.get("output")
    return (item for item in (output if isinstance(output, list) else ()) if isinstance(item, dict))


def _refuses(item: Mapping[str, Any]) -> bool:
    parts = item.get("content")
    return isinstance(parts, list) and any(isinstance(part, dict) and bool(part.get("refusal")) for part in parts)


def _has_substance(item: Mapping[str, Any]) -> bool:
    if item.get("type") != "message":
        return item.get("type") != "reasoning"
    parts = item.get("content")
    return isinstance(parts, list) and any(
        isinstance(part, dict) and bool(part.get("text") or part.get("refusal")) for part in parts
    )
