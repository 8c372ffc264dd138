"""Anthropic's server-sent events and errors, and a kept message told again as a stream."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from acron_site.lib.errors import AcronError
from inference.wire import sse

# Anthropic's words for what went wrong, by status
_ERROR_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_LEAST_SERVER_ERROR = 500
# the counts that a stream tells at its end
_COUNTED = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)
_AT_THE_END = ("stop_reason", "stop_sequence", "stop_details", "container")
# what of a block comes in pieces: its field, the kind of delta, and the field there
_PIECED = (("thinking", "thinking_delta", "thinking"), ("text", "text_delta", "text"))


def event(document: Mapping[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (document["type"].encode(), orjson.dumps(document))


def error_body(error: AcronError, request_id: str) -> dict[str, Any]:
    """Anthropic's shape; our own code and the field it is about stand beside it."""
    family = "api_error" if error.status >= _LEAST_SERVER_ERROR else "invalid_request_error"
    return {
        "type": "error",
        "error": {
            "type": _ERROR_TYPES.get(error.status, family),
            "message": error.message,
            "code": error.code,
            "param": error.param,
        },
        "request_id": request_id,
    }


def error_event(error: AcronError, request_id: str) -> bytes:
    """The last event of a stream that failed midway."""
    return event(error_body(error, request_id))


def replay(body: bytes, _: bool = True) -> Iterator[bytes]:
    """A whole message as the stream it could have been. The usage is always told."""
    message = orjson.loads(body)
    yield start(message)
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
    yield from closing(message)


def start(message: Mapping[str, Any]) -> bytes:
    """`message` as it is before its first word."""
    counts = {"input_tokens": 0, **_usage(message), "output_tokens": 0}
    untold: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": counts}
    return event({"type": "message_start", "message": {**message, **untold}})


def block_start(index: int, block: Mapping[str, Any]) -> bytes:
    return event({"type": "content_block_start", "index": index, "content_block": block})


def block_delta(index: int, kind: str, **told: Any) -> bytes:
    return event({"type": "content_block_delta", "index": index, "delta": {"type": kind, **told}})


def block_stop(index: int) -> bytes:
    return event({"type": "content_block_stop", "index": index})


def closing(message: Mapping[str, Any]) -> Iterator[bytes]:
    """Why it ended and what it used, then the very end."""
    usage = _usage(message)
    yield event(
        {
            "type": "message_delta",
            "delta": {"stop_sequence": None, **{name: message[name] for name in _AT_THE_END if name in message}},
            "usage": {"output_tokens": 0, **{name: usage[name] for name in _COUNTED if usage.get(name) is not None}},
        }
    )
    yield event({"type": "message_stop"})


def _usage(message: Mapping[str, Any]) -> Mapping[str, Any]:
    usage = message.get("usage")
    return usage if isinstance(usage, dict) else {}


def _block_events(index: int, block: Mapping[str, Any]) -> Iterator[bytes]:
    begun: dict[str, Any] = dict(block)
    deltas: list[tuple[str, dict[str, Any]]] = []
    for name, kind, told in _PIECED:
        if isinstance(text := block.get(name), str) and block.get("type") == name:
            begun[name] = ""
            deltas += [(kind, {told: piece}) for piece in sse.pieces(text)]
    if isinstance(citations := block.get("citations"), list) and citations:
        begun["citations"] = []
        deltas += [("citations_delta", {"citation": citation}) for citation in citations]
    if block.get("signature"):
        begun["signature"] = ""
        deltas.append(("signature_delta", {"signature": block["signature"]}))
    if isinstance(block.get("input"), dict):
        begun["input"] = {}
        deltas.append(("input_json_delta", {"partial_json": orjson.dumps(block["input"]).decode()}))
    yield block_start(index, begun)
    for kind, told_now in deltas:
        yield block_delta(index, kind, **told_now)
    yield block_stop(index)
