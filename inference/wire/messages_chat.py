"""Tells a Messages request as a chat completion request, and the answer as a message."""

from collections.abc import Mapping
from typing import Any

from acron_site.lib.errors import InvalidRequestError
from inference import usage
from inference.domain import Ask
from inference.wire import fields, native_only
from inference.wire.message_assembly import tool_input
from inference.wire.messages_chat_stream import MessageStream
from inference.wire.messages_chat_turns import turns

_STOP_REASONS = {"length": "max_tokens", "content_filter": "refusal"}
_TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
# reasoning_effort beyond "high" is refused by all but the newest models
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
_THINKING = ("adaptive", "between_tools", "enabled", "disabled")
# up to how many tokens of thinking an effort goes
_LOW_BUDGET, _MEDIUM_BUDGET = 4_096, 16_384
_ORDINARY = ("auto", "standard")


class MessagesTranslation:
    """Between Anthropic's messages and chat completions."""

    def request(self, ask: Ask) -> tuple[dict[str, Any], tuple[str, ...]]:
        body = ask.body
        for name in native_only.fields(body):
            raise InvalidRequestError(
                f"{name[:200]!r} asks for what only Anthropic's own models do, and another one answers here; "
                "leave it out, or choose an Anthropic model and a live key",
                param=name[:200],
            )
        told = {"model": ask.model_requested, "messages": list(turns(body)), "max_tokens": body["max_tokens"]}
        told |= {name: body[name] for name in ("temperature", "top_p") if body.get(name) is not None}
        told |= _stop(body) | _tools(body) | _reasoning(body) | _response_format(body)
        dropped = (name for name in native_only.NAMED if body.get(name) is not None and body[name] not in _ORDINARY)
        return told, tuple(dropped)

    def answer(self, completion: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        choice = completion["choices"][0]
        message = choice["message"]
        return {
            "id": message_id(completion),
            "type": "message",
            "role": "assistant",
            "model": str(completion.get("model") or ""),
            "content": _content(message, shows_thinking=shows_thinking(ask)),
            "stop_reason": _stop_reason(choice),
            "stop_sequence": None,
            "usage": _counts(completion),
        }

    def stream(self, ask: Ask) -> MessageStream:
        return MessageStream(shows_thinking=shows_thinking(ask))


def message_id(completion: Mapping[str, Any]) -> str:
    return "msg_" + str(completion.get("id") or "").removeprefix("chatcmpl-")


def shows_thinking(ask: Ask) -> bool:
    thinking = ask.body.get("thinking") or {}
    return thinking.get("type") not in (None, "disabled") and thinking.get("display") != "omitted"


def _content(message: Mapping[str, Any], *, shows_thinking: bool) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if shows_thinking and isinstance(thought, str) and thought:
        blocks.append({"type": "thinking", "thinking": thought, "signature": ""})
    text = message.get("content") or message.get("refusal")
    if isinstance(text, str) and text:
        blocks.append({"type": "text", "text": text})
    return blocks + [_tool_use(call) for call in message.get("tool_calls") or ()]


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    if not isinstance(function.get("name"), str) or not isinstance(call.get("id"), str):
        raise ValueError("a tool call has no id or no name")  # noqa: TRY004 (a provider's mistake, not ours)
    arguments = function.get("arguments") or "{}"
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": tool_input(str(arguments))}


def _stop_reason(choice: Mapping[str, Any]) -> str:
    message = choice["message"]
    reason = _STOP_REASONS.get(str(choice.get("finish_reason")))
    if reason is None:  # some servers say "stop" when they call tools
        reason = "tool_use" if message.get("tool_calls") else "refusal" if message.get("refusal") else "end_turn"
    return reason


def _counts(completion: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's counts as Anthropic writes them: there the input is without what caches gave and took."""
    tokens = usage.from_openai(completion.get("usage")).tokens
    return {
        "input_tokens": tokens.input + tokens.input_audio,
        "cache_creation_input_tokens": tokens.cache_write + tokens.cache_write_long,
        "cache_read_input_tokens": tokens.cache_read,
        "output_tokens": tokens.output + tokens.output_audio,
    }


def _stop(body: Mapping[str, Any]) -> dict[str, Any]:
    sequences = body.get("stop_sequences") or []
    if not isinstance(sequences, list) or not all(isinstance(text, str) for text in sequences):
        raise InvalidRequestError("'stop_sequences' must be a list of strings", param="stop_sequences")
    return {"stop": sequences} if sequences else {}


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools = body.get("tools")
    if not tools:
        return {}
    told: dict[str, Any] = {"tools": [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]}
    choice = body.get("tool_choice") or {}
    kind = fields.choice(choice, "type", (*_TOOL_CHOICES, "tool"), path="tool_choice.")
    if kind == "tool":
        name = fields.required_text(choice, "name", path="tool_choice.")
        told["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif kind:
        told["tool_choice"] = _TOOL_CHOICES[kind]
    if fields.flag(choice, "disable_parallel_tool_use", path="tool_choice."):
        told["parallel_tool_calls"] = False
    return told


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": fields.required_text(tool, "name", path=f"{place}."),
        "parameters": fields.json_object(tool, "input_schema", path=f"{place}."),
    }
    if description := fields.text(tool, "description", path=f"{place}."):
        function["description"] = description
    if fields.flag(tool, "strict", path=f"{place}."):
        function["strict"] = True
    return {"type": "function", "function": function}


def _reasoning(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of effort wins; else a budget is an effort. Where neither is said, the model decides."""
    thinking, output = body.get("thinking") or {}, body.get("output_config") or {}
    kind = fields.choice(thinking, "type", _THINKING, path="thinking.")
    budget = fields.whole_number(thinking, "budget_tokens", 1, 10_000_000, path="thinking.")
    if effort := fields.choice(output, "effort", _EFFORTS, path="output_config."):
        return {"reasoning_effort": _EFFORTS[effort]}
    if kind != "enabled" or budget is None:
        return {}
    return {"reasoning_effort": "low" if budget <= _LOW_BUDGET else "medium" if budget <= _MEDIUM_BUDGET else "high"}


def _response_format(body: Mapping[str, Any]) -> dict[str, Any]:
    wanted = fields.json_object(body.get("output_config") or {}, "format", path="output_config.")
    if not wanted:
        return {}
    fields.choice(wanted, "type", ("json_schema",), path="output_config.format.")
    schema = fields.json_object(wanted, "schema", path="output_config.format.")
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    }
