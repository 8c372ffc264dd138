"""OpenAI's chat completions as the stand-in speaks them."""

import math
from collections.abc import Iterator
from typing import Any

from tests.clients import invention, models
from tests.clients.exchange import Asked, Memory, Refusal, Reply, data_event
from tests.clients.invention import Heard, Said, Tool, kind_of, token, tokens_in

_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tools": "tool_calls"}
_REASONING_TOKENS = 8
_CACHED_TOKENS = 4


def answer(asked: Asked, memory: Memory) -> Reply:
    body = asked.body
    name = models.check(asked, "chat")
    models.refuse_old_words(body, name, limit="max_tokens")
    heard = hear(body)
    said = invention.answer(heard)
    head = {
        "id": f"chatcmpl-{token(asked.raw.decode(errors='replace'))}",
        "created": 1_790_000_000,
        "model": name,
        "service_tier": _tier(body),
        "system_fingerprint": "fp_standin",
    }
    usage = _usage(body, said)
    if body.get("stream"):
        return Reply(events=_stream(body, said, {**head, "object": "chat.completion.chunk"}, usage))
    choices = [_choice(place, said, body) for place in range(body.get("n") or 1)]
    return Reply(document={**head, "object": "chat.completion", "choices": choices, "usage": usage})


def hear(body: dict[str, Any]) -> Heard:
    turns = body.get("messages")
    if not isinstance(turns, list) or not turns:
        raise Refusal(400, "[] is too short - 'messages'", param="messages")
    _check_tool_turns(turns)
    heard = Heard(
        tools=[Tool(each["function"]["name"], each["function"].get("parameters") or {}) for each in _functions(body)],
        choice=_choice_of_tool(body.get("tool_choice")),
        is_parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body),
        stop=[body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or [],
        most_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
    )
    for turn in turns:
        if turn["role"] == "tool":
            heard.results.append(_text_of(turn.get("content"), heard))
        elif turn["role"] != "assistant":
            heard.results.clear()
            text = _text_of(turn.get("content"), heard)
            heard.text = text if turn["role"] == "user" or not heard.text else heard.text
    return heard


def _check_tool_turns(turns: list[Any]) -> None:
    """Each result answers a call before it, and each call is answered."""
    open_calls: set[str] = set()
    for place, turn in enumerate(turns):
        if turn.get("role") == "tool":
            if turn.get("tool_call_id") not in open_calls:
                raise Refusal(
                    400,
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
                    param=f"messages.[{place}].role",
                )
            open_calls.discard(turn["tool_call_id"])
            continue
        if open_calls:
            raise Refusal(400, "An assistant message with 'tool_calls' must be followed by tool messages.")
        open_calls = {call["id"] for call in turn.get("tool_calls") or ()}


def _functions(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [tool for tool in body.get("tools") or () if tool.get("type") == "function"]


def _choice_of_tool(choice: Any) -> str:
    if isinstance(choice, dict):
        return str((choice.get("function") or {}).get("name", "required"))
    return choice or "auto"


def _schema(body: dict[str, Any]) -> Any:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"]["schema"]
    return {} if wanted.get("type") == "json_object" else None


def _text_of(content: Any, heard: Heard) -> str:
    """The text of a turn; what else is in it is noted down."""
    if not isinstance(content, list):
        return content or ""
    texts = []
    for part in content:
        match part["type"]:
            case "text":
                texts.append(part["text"])
            case "image_url":
                heard.pictures.append(kind_of(part["image_url"]["url"]))
            case "input_audio":
                heard.sounds.append(part["input_audio"]["format"])
            case "file":
                heard.documents.append(kind_of(part["file"].get("file_data", "")))
            case other:
                raise Refusal(400, f"Invalid value: '{other}'.", param="messages", code="invalid_value")
    return " ".join(texts)


def _tier(body: dict[str, Any]) -> str:
    asked = body.get("service_tier")
    return "default" if asked in (None, "auto") else asked


def _usage(body: dict[str, Any], said: Said) -> dict[str, Any]:
    prompt = tokens_in(body["messages"], body.get("tools"), body.get("response_format"))
    thought = _REASONING_TOKENS if body.get("reasoning_effort") not in (None, "none") else 0
    written = said.tokens * (body.get("n") or 1) + thought
    cached = _CACHED_TOKENS if body.get("prompt_cache_key") else 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _choice(place: int, said: Said, body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None, "annotations": []}
    if said.calls:
        message["tool_calls"] = [
            {"id": f"call_{call.id}", "type": "function", "function": {"name": call.name, "arguments": call.json}}
            for call in said.calls
        ]
    logprobs = _logprobs(said.pieces, body)
    return {"index": place, "message": message, "logprobs": logprobs, "finish_reason": _FINISH[said.ending]}


def _logprobs(texts: list[str], body: dict[str, Any]) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    return {"content": [_logprob(text, body.get("top_logprobs") or 0) for text in texts], "refusal": None}


def _logprob(text: str, others: int) -> dict[str, Any]:
    own = {"token": text, "logprob": math.log(0.5), "bytes": list(text.encode())}
    return {**own, "top_logprobs": [own] * min(others, 1)}


def _stream(body: dict[str, Any], said: Said, head: dict[str, Any], usage: dict[str, Any]) -> Iterator[bytes]:
    is_counted = bool((body.get("stream_options") or {}).get("include_usage"))
    if is_counted:
        head = {**head, "usage": None}
    for place in range(body.get("n") or 1):
        for delta, logprobs in _deltas(said, body):
            choice = {"index": place, "delta": delta, "logprobs": logprobs, "finish_reason": None}
            yield data_event({**head, "choices": [choice]})
        last = {"index": place, "delta": {}, "logprobs": None, "finish_reason": _FINISH[said.ending]}
        yield data_event({**head, "choices": [last]})
    if is_counted:
        yield data_event({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _deltas(said: Said, body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    yield {"role": "assistant", "content": None if said.calls else "", "refusal": None}, None
    for text in said.pieces:
        yield {"content": text}, _logprobs([text], body)
    for place, call in enumerate(said.calls):
        begun = {"id": f"call_{call.id}", "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield {"tool_calls": [{"index": place, **begun}]}, None
        for text in invention.pieces(call.json):
            yield {"tool_calls": [{"index": place, "function": {"arguments": text}}]}, None
