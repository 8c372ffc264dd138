"""Requests to Anthropic, and its answers and streams, as the tests of its dialect need them."""

from typing import Any

import orjson

from inference.catalog import Model
from inference.domain import Ask
from inference.providers.anthropic import AnthropicDialect
from inference.providers.anthropic_stream import AnthropicStreamReader
from tests.inference.asks import anthropic_model, ask

DIALECT = AnthropicDialect(api_key="sk-ant-secret", clock=lambda: 1_790_000_000.5)

# as the catalogue describes three generations
ABLE = anthropic_model(
    capabilities=frozenset({"forced_tool_choice", "reasoning", "streaming", "tools", "vision", "web_search"})
)
NEWEST = anthropic_model(capabilities=ABLE.capabilities - {"forced_tool_choice"})
SAMPLING = anthropic_model(capabilities=ABLE.capabilities | {"sampling"})
BUDGETED = anthropic_model(capabilities=SAMPLING.capabilities | {"thinking_budget"})


def sent(asked: Ask, model: Model = ABLE) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(DIALECT.call(asked, model).body)
    return body


def says(role: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def called(own_id: str, name: str = "river", arguments: Any = '{"name":"Rhein"}', **fields: Any) -> dict[str, Any]:
    """A call as OpenAI writes it."""
    return {"id": own_id, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def use(own_id: str, name: str = "river", *, length_km: int | None = None) -> dict[str, Any]:
    """The same call as Anthropic writes it."""
    given = {"name": "Rhein"} if length_km is None else {"name": "Rhein", "length_km": length_km}
    return {"type": "tool_use", "id": own_id, "name": name, "input": given}


def result(own_id: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": own_id, "content": content, **fields}


def text_block(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **fields}


def function(name: str = "river", **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


COUNTS = {
    "input_tokens": 10,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 1000,
    "output_tokens": 7,
    "service_tier": "priority",
}
OPENAI_USAGE = {
    "prompt_tokens": 1110,
    "completion_tokens": 7,
    "total_tokens": 1117,
    "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 1000},
}
THOUGHT = {"type": "thinking", "thinking": "rivers...", "signature": "xyz"}
MESSAGE: dict[str, Any] = {
    "id": "msg_01abc",
    "type": "message",
    "role": "assistant",
    "model": "claude-2026-11",
    "content": [THOUGHT, text_block("Rhein, "), text_block("Dönau.\n\n🌍")],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": COUNTS,
}
CALLING: dict[str, Any] = {
    **MESSAGE,
    "content": [
        THOUGHT,
        {"type": "redacted_thinking", "data": "sealed"},
        text_block("Looking."),
        use("toolu_1", length_km=1233),
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ],
    "stop_reason": "tool_use",
}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def delta(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def started(**fields: Any) -> bytes:
    head = {**MESSAGE, "content": [], "stop_reason": None, "usage": {**COUNTS, "output_tokens": 1}}
    return event("message_start", message={**head, **fields})


def ended(reason: str) -> list[bytes]:
    stopped = {"stop_reason": reason, "stop_sequence": None}
    return [event("message_delta", delta=stopped, usage={"output_tokens": 7}), event("message_stop")]


def streamed(message: dict[str, Any]) -> list[bytes]:
    """The events with which Anthropic would tell the message, each text in pieces of a few characters."""
    events = [started()]
    for index, block in enumerate(message["content"]):
        head, pieces = _told(block)
        events.append(event("content_block_start", index=index, content_block=head))
        events += [delta(index, kind, **{name: piece}) for kind, name, piece in pieces]
        events.append(event("content_block_stop", index=index))
    return [*events[:1], event("ping"), *events[1:], *ended(message["stop_reason"])]


def _told(block: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str, Any]]]:
    kind = block["type"]
    if kind == "text":
        cited = [("citations_delta", "citation", citation) for citation in block.get("citations", ())]
        return text_block(""), [*_pieces("text_delta", "text", block["text"]), *cited]
    if kind == "thinking":
        head = {"type": "thinking", "thinking": "", "signature": ""}
        signature = ("signature_delta", "signature", block["signature"])
        return head, [*_pieces("thinking_delta", "thinking", block["thinking"]), signature]
    if kind in ("tool_use", "server_tool_use"):
        told = orjson.dumps(block["input"], option=orjson.OPT_INDENT_2).decode() if block["input"] else ""
        return {**block, "input": {}}, [
            ("input_json_delta", "partial_json", ""),
            *_pieces("input_json_delta", "partial_json", told),
        ]
    return block, []


def _pieces(kind: str, name: str, text: str) -> list[tuple[str, str, Any]]:
    return [(kind, name, text[start : start + 5]) for start in range(0, len(text), 5)]


def read(*pieces: bytes, **fields: Any) -> tuple[AnthropicStreamReader, bytes]:
    reader = DIALECT.reader(ask(stream=True, **fields), anthropic_model())
    return reader, b"".join([reader.feed(piece) for piece in pieces])
