"""Anthropic's messages as the stand-in speaks them."""

from collections.abc import Iterator
from typing import Any

from tests.clients import invention, models
from tests.clients.exchange import Asked, Memory, Refusal, Reply, typed_event
from tests.clients.invention import Heard, Said, Tool, token, tokens_in

_STOP = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "tools": "tool_use"}
_THOUGHT = "The question is plain, and so shall the answer be."
_EARLY_TOKENS = 1


def answer(asked: Asked, memory: Memory) -> Reply:
    body = _checked(asked)
    said = invention.answer(hear(body))
    usage = _usage(body, said, memory)
    message = {
        "id": f"msg_{token(asked.raw.decode(errors='replace'))}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": list(_blocks(said, body)),
        "stop_reason": _STOP[said.ending],
        "stop_sequence": said.stopped_at,
        "usage": usage,
    }
    return Reply(events=_stream(message)) if body.get("stream") else Reply(document=message)


def count(asked: Asked, memory: Memory) -> Reply:
    models.check(asked, "messages")
    return Reply(document={"input_tokens": _tokens(asked.body)})


def hear(body: dict[str, Any]) -> Heard:
    choice = body.get("tool_choice") or {"type": "auto"}
    heard = Heard(
        tools=[Tool(tool["name"], tool.get("input_schema") or {}) for tool in body.get("tools") or ()],
        choice=_choice_of_tool(choice),
        is_parallel=not choice.get("disable_parallel_tool_use"),
        schema=_schema(body),
        stop=body.get("stop_sequences") or [],
        most_tokens=body["max_tokens"],
    )
    open_calls: set[str] = set()
    for place, turn in enumerate(body["messages"]):
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if turn["role"] == "assistant":
            open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
            continue
        _check_results(blocks, open_calls, place)
        open_calls = set()
        heard.results.clear()
        texts = [text for text in (_text_of(block, heard) for block in blocks) if text]
        heard.text = " ".join(texts) or heard.text
    return heard


def _checked(asked: Asked) -> dict[str, Any]:
    body = asked.body
    if "anthropic-version" not in asked.headers:
        raise Refusal(400, "anthropic-version: header is required")
    name = models.check(asked, "messages")
    for field in ("max_tokens", "messages"):
        if not body.get(field):
            raise Refusal(400, f"{field}: Field required")
    roles = {turn.get("role") for turn in body["messages"]}
    if not roles <= {"user", "assistant"}:
        raise Refusal(400, 'messages: Unexpected role. The allowed roles are "user" or "assistant".')
    models.refuse_unbearable(body, name)
    return body


def _check_results(blocks: list[dict[str, Any]], open_calls: set[str], place: int) -> None:
    answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
    if answered - open_calls:
        raise Refusal(400, f"messages.{place}: unexpected `tool_use_id` found in `tool_result` blocks")
    if open_calls - answered:
        raise Refusal(400, f"messages.{place}: `tool_use` ids were found without `tool_result` blocks")


def _choice_of_tool(choice: dict[str, Any]) -> str:
    return str(choice["name"]) if choice["type"] == "tool" else {"any": "required"}.get(choice["type"], choice["type"])


def _schema(body: dict[str, Any]) -> Any:
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return wanted.get("schema")


def _text_of(block: dict[str, Any], heard: Heard) -> str:
    match block["type"]:
        case "text":
            if not block["text"]:
                raise Refusal(400, "messages: text content blocks must be non-empty")
            return str(block["text"])
        case "image":
            heard.pictures.append(_kind(block["source"]))
        case "document":
            heard.documents.append(_kind(block["source"]))
        case "tool_result":
            content = block.get("content") or ""
            parts = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
            heard.results.append(" ".join(_text_of(part, heard) for part in parts))
        case other:
            raise Refusal(400, f"messages: Input tag '{other}' found using 'type' does not match any expected tag")
    return ""


def _kind(source: dict[str, Any]) -> str:
    return str(source["media_type"]) if "media_type" in source else str(source["type"])


def _blocks(said: Said, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        yield {"type": "thinking", "thinking": _THOUGHT, "signature": "c3RhbmQtaW4="}
    if said.text:
        yield {"type": "text", "text": said.text}
    for call in said.calls:
        yield {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": dict(call.arguments)}


def _usage(body: dict[str, Any], said: Said, memory: Memory) -> dict[str, Any]:
    whole, marked = _tokens(body), _marked(body)
    held = min(tokens_in(marked), whole) if marked else 0
    prompt = token(str(marked))
    is_read = prompt in memory.cached
    if marked:
        memory.cached.add(prompt)
    written = 0 if is_read else held
    thought = len(invention.pieces(_THOUGHT)) if body.get("thinking") else 0
    return {
        "input_tokens": whole - held,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": held if is_read else 0,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": said.tokens + thought,
        "service_tier": "standard",
    }


def _tokens(body: dict[str, Any]) -> int:
    return tokens_in(body.get("messages"), body.get("system"), body.get("tools"))


def _marked(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks that are to be kept in Anthropic's cache."""
    places = [body.get("tools"), body.get("system"), *(turn["content"] for turn in body["messages"])]
    return [block for blocks in places if isinstance(blocks, list) for block in blocks if block.get("cache_control")]


def _stream(message: dict[str, Any]) -> Iterator[bytes]:
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    yield typed_event(
        {"type": "message_start", "message": {**begun, "usage": {**usage, "output_tokens": _EARLY_TOKENS}}}
    )
    for place, block in enumerate(message["content"]):
        start, deltas = _told(block)
        yield typed_event({"type": "content_block_start", "index": place, "content_block": start})
        if place == 0:
            yield typed_event({"type": "ping"})
        for delta in deltas:
            yield typed_event({"type": "content_block_delta", "index": place, "delta": delta})
        yield typed_event({"type": "content_block_stop", "index": place})
    counts = {name: count for name, count in usage.items() if isinstance(count, int)}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    yield typed_event({"type": "message_delta", "delta": ending, "usage": counts})
    yield typed_event({"type": "message_stop"})


def _told(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a block begins and what follows piece by piece."""
    if block["type"] == "text":
        texts = invention.pieces(block["text"])
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": text} for text in texts]
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": thought} for thought in invention.pieces(block["thinking"])]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signature]
    call = invention.Call("", "", block["input"])
    parts = ["", *invention.pieces(call.json)]
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
