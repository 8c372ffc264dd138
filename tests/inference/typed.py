"""Reads what we write with the types of OpenAI's own SDK."""

from functools import cache
from typing import Any

import orjson
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from inference.wire import framing

_DELTAS = {"output_text.delta": "text", "reasoning_text.delta": "text", "refusal.delta": "refusal"}


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
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(items)
            # words and thoughts are over when something else begins; calls may go on beside each other
            assert all(item["type"] == "function_call" or item.get("is_over") for item in items.values())
            items[event["output_index"]] = {**event["item"]}
        elif kind == "output_item.done":
            built, done = items[event["output_index"]], event["item"]
            assert {**built, "status": 0} == {**done, "status": 0}
            items[event["output_index"]] = {**done, "is_over": True}
        elif "item_id" in event:
            _take_in(items[event["output_index"]], kind, event)
    assert all(item.pop("is_over") for item in items.values())
    return [items[index] for index in sorted(items)]


def _take_in(item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
    assert item["id"] == event["item_id"]
    if kind == "content_part.added":
        assert event["content_index"] == len(item["content"])
        item["content"].append(dict(event["part"]))
    elif kind == "content_part.done":
        assert event["part"] == item["content"][event["content_index"]]
    elif kind == "function_call_arguments.delta":
        item["arguments"] += event["delta"]
    elif kind in _DELTAS:
        item["content"][event["content_index"]][_DELTAS[kind]] += event["delta"]
