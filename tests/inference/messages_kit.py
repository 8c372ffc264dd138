"""Messages requests, Anthropic's streams and what its SDK says of ours."""

from typing import Any

import orjson
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from inference.domain import Ask
from inference.wire import framing, messages
from inference.wire.http import Head

HELLO = {"role": "user", "content": "Name three rivers."}
TOOL = {"name": "weather", "description": "Tells the weather", "input_schema": {"type": "object", "properties": {}}}
_EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def message_ask(text: str = "Name three rivers.", /, *, head: dict[str, Any] | None = None, **fields: Any) -> Ask:
    """A Messages request as a client would send it."""
    body = {"model": "mock-small", "max_tokens": 100, "messages": [{**HELLO, "content": text}], **fields}
    return messages.read(orjson.dumps(body), Head(**{"request_id": "req_1", "started": 0.0, **(head or {})}))


def events_in(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each as Anthropic's SDK knows them."""
    events = []
    for event in framing.split(data):
        name, document = event.split(b"\n")[0], orjson.loads(framing.payload(event))
        assert name == b"event: " + document["type"].encode()
        if document["type"] not in ("ping", "error"):
            _EVENTS.validate_python(document)
        events.append(document)
    return events


def message_told_by(data: bytes) -> dict[str, Any]:
    """What Anthropic's own SDK makes of a stream. Blocks come one after the other."""
    from anthropic.lib.streaming._messages import accumulate_event

    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    opened: list[bool] = []
    told: list[Any] = events_in(data)
    for event in told:
        if event["type"] == "content_block_start":
            assert event["index"] == len(opened)
            opened.append(True)
        if event["type"] in ("content_block_delta", "content_block_stop"):
            assert event["index"] == len(opened) - 1
            assert opened[-1]
            opened[-1] = event["type"] != "content_block_stop"
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    assert snapshot is not None
    assert not any(opened)
    return checked(snapshot.to_dict())


def checked(document: dict[str, Any]) -> dict[str, Any]:
    Message.model_validate(document)
    return document
