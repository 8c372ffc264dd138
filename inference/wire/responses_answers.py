"""Chat completions as the response objects of OpenAI's Responses API."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from inference.domain import Ask

_COMPLETED = frozenset({"stop", "tool_calls", "function_call", "eos", "eos_token", "stop_sequence"})
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
# what compatible servers call the thoughts they show
_THOUGHTS = ("reasoning_content", "reasoning")
_ECHOED = ("instructions", "max_output_tokens", "max_tool_calls", "prompt_cache_key", "safety_identifier", "user")


def response(completion: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """Raises ValueError, TypeError, KeyError or AttributeError when `completion` makes no sense."""
    choices = completion["choices"]
    if not isinstance(choices, list) or not choices:
        raise ValueError("it has no choices")
    reason = str(choices[0].get("finish_reason") or "")
    return {
        **skeleton(ask, created=completion.get("created"), model=completion.get("model")),
        "status": "completed" if reason in _COMPLETED else "incomplete",
        "incomplete_details": None if reason in _COMPLETED else {"reason": _INCOMPLETE.get(reason)},
        "output": list(_items(choices[0]["message"], ask, is_whole=reason in _COMPLETED)),
        "service_tier": _tier(completion.get("service_tier")),
        "usage": _usage(completion.get("usage")),
    }


def skeleton(ask: Ask, *, created: Any, model: Any) -> dict[str, Any]:
    """A response that has only begun: what was asked for, and nothing answered yet."""
    body = ask.body
    text, reasoning = body.get("text") or {}, body.get("reasoning") or {}
    return {
        "id": f"resp_{_mark(ask)}",
        "object": "response",
        "created_at": created if isinstance(created, int | float) else 0,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": str(model or ask.model_requested),
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "reasoning": {"effort": reasoning.get("effort"), "summary": None},
        "service_tier": "auto",
        "store": False,
        "temperature": _number(body.get("temperature")),
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in body.get("tools") or ()],
        "top_logprobs": 0,
        "top_p": _number(body.get("top_p")),
        "truncation": "disabled",
        "usage": None,
        "metadata": body.get("metadata") or {},
        **{name: body.get(name) for name in _ECHOED},
    }


def item_id(ask: Ask, kind: str, index: int) -> str:
    """The id of the `index`-th item of its kind in this answer."""
    return f"{kind}_{_mark(ask)}{index:02}"


def reasoning_item(identity: str, text: str) -> dict[str, Any]:
    return {"id": identity, "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}


def message_item(identity: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": parts}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}


def call_item(identity: str, *, call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    return {
        "id": identity,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def thoughts(message: Mapping[str, Any]) -> str:
    """What a message or a delta shows of the model's reasoning."""
    return next((text for name in _THOUGHTS if isinstance(text := message.get(name), str) and text), "")


def _items(message: Mapping[str, Any], ask: Ask, *, is_whole: bool) -> Iterator[dict[str, Any]]:
    status = "completed" if is_whole else "incomplete"
    thought, calls = thoughts(message), message.get("tool_calls") or []
    if thought:
        yield reasoning_item(item_id(ask, "rs", 0), thought)
    text, refusal = message.get("content"), message.get("refusal")
    parts = [text_part(text)] if isinstance(text, str) and text else []
    parts += [refusal_part(refusal)] if isinstance(refusal, str) and refusal else []
    if parts or not calls:
        yield message_item(item_id(ask, "msg", 0), parts or [text_part("")], status)
    for index, call in enumerate(calls):
        yield _call(call, ask, index, status)


def _call(call: Mapping[str, Any], ask: Ask, index: int, status: str) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments") or ""
    return call_item(
        item_id(ask, "fc", index),
        call_id=str(call.get("id") or item_id(ask, "call", index)),
        name=str(function["name"]),
        # some servers send the arguments as an object
        arguments=arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode(),
        status=status,
    )


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"parameters": None, "strict": True, "description": None, **tool}


def _usage(usage: Any) -> dict[str, Any] | None:
    if not isinstance(usage, dict):
        return None
    into, out = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    return {
        "input_tokens": read,
        "input_tokens_details": {
            "cached_tokens": _count(into, "cached_tokens"),
            "cache_write_tokens": _count(into, "cache_write_tokens"),
        },
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": _count(out, "reasoning_tokens")},
        "total_tokens": read + written,
    }


def _count(counts: Any, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if type(value) is int and value > 0 else 0


def _tier(tier: Any) -> str:
    return tier if isinstance(tier, str) and tier in _TIERS else "default"


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 1.0


def _mark(ask: Ask) -> str:
    """The same for a request's answer and for each event of its stream; callers may repeat a request id."""
    return blake2b(f"{ask.request_id} {ask.started}".encode(), digest_size=16).hexdigest()
