"""Server-sent events as OpenAI writes them, and a kept answer told again as a stream."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from acron_site.lib.errors import AcronError, error_body

DONE = b"data: [DONE]\n\n"
# a comment, which every client of server-sent events skips: it tells proxies that somebody is still at work
KEEP_ALIVE = b": keep-alive\n\n"

_NOT_REPEATED = frozenset({"object", "choices", "usage"})
_TOLD_IN_PIECES = ("reasoning_content", "reasoning", "content", "refusal")
_SHORTEST_PIECE = 24
_MOST_PIECES = 12


def event(document: Any) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def error_event(error: AcronError, request_id: str) -> bytes:
    """The last event of a stream that failed midway."""
    return event(error_body(error, request_id))


def replay(body: bytes, include_usage: bool = False) -> Iterator[bytes]:
    """A whole chat completion as the stream it could have been, `[DONE]` included."""
    completion = orjson.loads(body)
    head = {name: value for name, value in completion.items() if name not in _NOT_REPEATED}
    head["object"] = "chat.completion.chunk"
    if include_usage:
        head["usage"] = None
    for choice in completion["choices"]:
        for part in _choice_parts(choice):
            yield event({**head, "choices": [part]})
    if include_usage:
        yield event({**head, "choices": [], "usage": completion.get("usage")})
    yield DONE


def _choice_parts(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks' `choices` entries for one choice: who speaks, what is said, why it ended."""
    logprobs = choice.get("logprobs")
    for delta in _deltas(choice["message"]):
        told = logprobs if "content" in delta or "refusal" in delta else None
        if told and any(delta.get(name) for name in ("content", "refusal")):
            logprobs = None  # told once, with the first words
        else:
            told = None
        yield _part(choice, delta=delta, logprobs=told, finish_reason=None)
    yield _part(choice, delta={}, logprobs=logprobs, finish_reason=choice.get("finish_reason"))


def _part(choice: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"index": choice.get("index", 0), **fields}


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    pieced = {name: text for name in _TOLD_IN_PIECES if isinstance(text := message.get(name), str) and text}
    whole = {name: value for name, value in message.items() if name not in pieced and name != "tool_calls"}
    yield {"content": "", **whole} if "content" in pieced else whole
    for name, text in pieced.items():
        for piece in pieces(text):
            yield {name: piece}
    for index, call in enumerate(message.get("tool_calls") or ()):
        yield {"tool_calls": [{"index": index, **call}]}


def pieces(text: str) -> Iterator[str]:
    """A few pieces that end where words end."""
    size = max(_SHORTEST_PIECE, len(text) // _MOST_PIECES)
    start = 0
    while start < len(text):
        space = text.find(" ", start + size)
        end = space + 1 if space >= 0 else len(text)
        yield text[start:end]
        start = end
