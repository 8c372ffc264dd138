"""Reads what we write with the types of OpenAI's own SDK."""

from functools import cache
from typing import Any

import orjson
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from inference.wire import framing


@cache
def _event_types() -> TypeAdapter[Any]:
    return TypeAdapter(ResponseStreamEvent)


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """The events of a Responses stream: each valid, named as it says, counted from 0 without a gap."""
    told = []
    for event in framing.split(stream):
        document = orjson.loads(framing.payload(event))
        assert event.startswith(b"event: " + document["type"].encode() + b"\n")
        _event_types().validate_python(document)
        told.append(document)
    assert [document["sequence_number"] for document in told] == list(range(len(told)))
    assert b"".join(framing.split(stream)) == stream
    return told


def response_of(document: Any) -> dict[str, Any]:
    Response.model_validate(document)
    checked: dict[str, Any] = document
    return checked


def rebuilt(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items that a client puts together from the events alone; their order and places are checked."""
    items: dict[int, dict[str, Any]] = {}
    for event in told:
        match event["type"].removeprefix("response."):
            case "output_item.added":
                assert event["output_index"] == len(items)
                items[event["output_index"]] = {**event["item"]}
            case "content_part.added":
                content = _item(items, event)["content"]
                assert event["content_index"] == len(content)
                content.append(dict(event["part"]))
            case "output_text.delta" | "reasoning_text.delta":
                _item(items, event)["content"][event["content_index"]]["text"] += event["delta"]
            case "refusal.delta":
                _item(items, event)["content"][event["content_index"]]["refusal"] += event["delta"]
            case "function_call_arguments.delta":
                _item(items, event)["arguments"] += event["delta"]
            case "content_part.done":
                assert event["part"] == _item(items, event)["content"][event["content_index"]]
            case "output_item.done":
                built, done = items[event["output_index"]], event["item"]
                assert {**built, "status": 0} == {**done, "status": 0}
                items[event["output_index"]] = done
    return [items[index] for index in sorted(items)]


def _item(items: dict[int, dict[str, Any]], event: dict[str, Any]) -> dict[str, Any]:
    item = items[event["output_index"]]
    assert item["id"] == event["item_id"]
    return item
