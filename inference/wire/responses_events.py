"""The events of a Responses stream as OpenAI writes them, and a kept answer told again as such a stream."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from acron_site.lib.errors import AcronError, error_body
from inference.wire.sse import pieces


class Events:
    """Writes one stream's events and counts them."""

    def __init__(self) -> None:
        self._number = 0

    def write(self, kind: str, **fields: Any) -> bytes:
        document = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"

    def beginning(self, response: Mapping[str, Any]) -> bytes:
        return self.write("response.created", response=response) + self.write("response.in_progress", response=response)

    def item(self, item: Mapping[str, Any], index: int) -> Iterator[bytes]:
        """A whole item, as if it were being made."""
        yield self.write("response.output_item.added", output_index=index, item=_begun(item))
        place = {"item_id": item.get("id"), "output_index": index}
        if item.get("type") == "function_call":
            yield from self._arguments(item, place)
        for name in ("summary", "content"):
            for position, part in enumerate(item.get(name) or ()):
                yield from self._part(part, {**place, f"{name}_index": position})
        yield self.write("response.output_item.done", output_index=index, item=item)

    def ending(self, response: Mapping[str, Any]) -> bytes:
        kind = "completed" if response.get("status") == "completed" else "incomplete"
        return self.write(f"response.{kind}", response=response)

    def _arguments(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> Iterator[bytes]:
        kind, arguments = "response.function_call_arguments", item["arguments"]
        if arguments:
            yield self.write(f"{kind}.delta", **place, delta=arguments)
        yield self.write(f"{kind}.done", **place, name=item["name"], arguments=arguments)

    def _part(self, part: Mapping[str, Any], place: Mapping[str, Any]) -> Iterator[bytes]:
        frame, told = FRAMES.get(part["type"], ""), TEXTS.get(part["type"])
        if told is None:  # nothing is told of it but the item itself
            return
        kind, name = told
        more: dict[str, Any] = {"logprobs": []} if part["type"] == "output_text" else {}
        yield self.write(f"{frame}.added", **place, part={**part, name: ""})
        for piece in pieces(part[name]):
            yield self.write(f"{kind}.delta", **place, delta=piece, **more)
        yield self.write(f"{kind}.done", **place, **{name: part[name]}, **more)
        yield self.write(f"{frame}.done", **place, part=part)


# what begins and ends a part, by its type
FRAMES = {
    "output_text": "response.content_part",
    "refusal": "response.content_part",
    "reasoning_text": "response.content_part",
    "summary_text": "response.reasoning_summary_part",
}
# what its text is called in events, and in the part itself
TEXTS = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning_text": ("response.reasoning_text", "text"),
    "summary_text": ("response.reasoning_summary_text", "text"),
}


def replay(body: bytes, _: bool = False) -> Iterator[bytes]:
    """A whole response as the stream it could have been; its usage is always told."""
    response, events = orjson.loads(body), Events()
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    begun.pop("completed_at", None)
    yield events.beginning(begun)
    for index, item in enumerate(response["output"]):
        yield from events.item(item, index)
    yield events.ending(response)


def error_event(error: AcronError, request_id: str) -> bytes:
    """The last event of a stream that failed midway.

    OpenAI's own has the fields on top; its SDKs raise an error only where there is one called `error`. How many
    events went before is not known here, and no client counts on it once the stream has failed.
    """
    told = {"code": error.code, "message": error.message, "param": error.param}
    return Events().write("error", **told, **error_body(error, request_id))


def _begun(item: Mapping[str, Any]) -> dict[str, Any]:
    begun = {name: value for name, value in item.items() if name != "encrypted_content"}
    if item.get("type") in ("message", "reasoning"):
        begun |= {name: [] for name in ("content", "summary") if isinstance(item.get(name), list)}
    if item.get("type") == "function_call":
        begun["arguments"] = ""
    return {**begun, "status": "in_progress"} if "status" in item else begun
