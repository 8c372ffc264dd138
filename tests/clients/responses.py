"""OpenAI's responses as the stand-in speaks them."""

from collections.abc import Iterator
from typing import Any

from tests.clients import invention, models
from tests.clients.exchange import Asked, Memory, Refusal, Reply, typed_event
from tests.clients.invention import Heard, Said, Tool, kind_of, token, tokens_in

_REASONING_TOKENS = 8
_ECHOED = ("instructions", "metadata", "previous_response_id", "max_output_tokens", "user", "prompt_cache_key")


def answer(asked: Asked, memory: Memory) -> Reply:
    body = asked.body
    name = models.check(asked, "chat")
    models.refuse_old_words(body, name)
    items = _items(body, memory)
    said = invention.answer(hear(body, items))
    response = _response(body, said, items, f"resp_{token(asked.raw.decode(errors='replace'))}")
    if body.get("store") is not False:
        memory.responses[response["id"]] = ([*items, *response["output"]], response)
    if body.get("stream"):
        return Reply(events=(typed_event(event) for event in _numbered(_events(response))))
    return Reply(document=response)


def hear(body: dict[str, Any], items: list[dict[str, Any]]) -> Heard:
    choice = body.get("tool_choice") or "auto"
    wanted = (body.get("text") or {}).get("format") or {}
    heard = Heard(
        tools=[
            Tool(tool["name"], tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ],
        choice=choice if isinstance(choice, str) else choice.get("name", "required"),
        is_parallel=body.get("parallel_tool_calls") is not False,
        schema={} if wanted.get("type") == "json_object" else wanted.get("schema"),
        most_tokens=body.get("max_output_tokens"),
    )
    for item in items:
        if item.get("type") == "function_call_output":
            heard.results.append(_text_of(item["output"], heard))
        elif item.get("role") in ("user", "system", "developer"):
            heard.results.clear()
            text = _text_of(item["content"], heard)
            heard.text = text if item["role"] == "user" or not heard.text else heard.text
    return heard


def _items(body: dict[str, Any], memory: Memory) -> list[dict[str, Any]]:
    before: list[dict[str, Any]] = []
    if previous := body.get("previous_response_id"):
        if previous not in memory.responses:
            raise Refusal(
                400,
                f"Previous response with id '{previous}' not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        before = memory.responses[previous][0]
    given = body.get("input")
    if not given:
        raise Refusal(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    own = [{"role": "user", "content": given}] if isinstance(given, str) else given
    calls = {item["call_id"] for item in [*before, *own] if item.get("type") == "function_call"}
    for item in own:
        if item.get("type") == "function_call_output" and item["call_id"] not in calls:
            raise Refusal(400, f"No tool call found for function call output with call_id {item['call_id']}.")
    return [*before, *own]


def _text_of(content: Any, heard: Heard) -> str:
    if not isinstance(content, list):
        return str(content)
    texts = []
    for part in content:
        match part["type"]:
            case "input_text" | "output_text":
                texts.append(part["text"])
            case "input_image":
                heard.pictures.append(kind_of(part["image_url"]))
            case "input_file":
                heard.documents.append(kind_of(part.get("file_data", "")))
            case other:
                raise Refusal(400, f"Invalid value: '{other}'.", param="input", code="invalid_value")
    return " ".join(texts)


def _response(body: dict[str, Any], said: Said, items: list[dict[str, Any]], identity: str) -> dict[str, Any]:
    is_cut = said.ending == "length"
    return {
        **{name: body.get(name) for name in _ECHOED},
        "id": identity,
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "incomplete" if is_cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "model": body["model"],
        "output": list(_output(said, identity, is_cut=is_cut)),
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(body, said, items),
        "metadata": body.get("metadata") or {},
    }


def _output(said: Said, identity: str, *, is_cut: bool) -> Iterator[dict[str, Any]]:
    status = "incomplete" if is_cut else "completed"
    if said.text:
        part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
        own = {"id": f"msg_{token(identity)}", "type": "message", "status": status, "role": "assistant"}
        yield {**own, "content": [part]}
    for call in said.calls:
        yield {
            "id": f"fc_{call.id}",
            "type": "function_call",
            "status": status,
            "call_id": f"call_{call.id}",
            "name": call.name,
            "arguments": call.json,
        }


def _usage(body: dict[str, Any], said: Said, items: list[dict[str, Any]]) -> dict[str, Any]:
    prompt = tokens_in(items, body.get("instructions"), body.get("tools"), body.get("text"))
    thought = _REASONING_TOKENS if (body.get("reasoning") or {}).get("effort") not in (None, "none") else 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said.tokens + thought,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": prompt + said.tokens + thought,
    }


def _numbered(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for place, item in enumerate(response["output"]):
        told = _message(item) if item["type"] == "message" else _call(item)
        where = {"output_index": place, "item_id": item["id"]}
        empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {"arguments": ""}
        started = {**item, "status": "in_progress", **empty}
        yield {"type": "response.output_item.added", "output_index": place, "item": started}
        for event in told:
            yield {**event, **where}
        yield {"type": "response.output_item.done", "output_index": place, "item": item}
    yield {"type": f"response.{response['status']}", "response": response}


def _message(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    part = item["content"][0]
    place = {"content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for text in invention.pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def _call(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for text in invention.pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", "delta": text}
    yield {"type": "response.function_call_arguments.done", "name": item["name"], "arguments": item["arguments"]}
