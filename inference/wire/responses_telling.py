"""Retells a stream of chat completion chunks as a stream of the Responses API."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError
from inference.domain import Ask
from inference.wire import framing
from inference.wire import responses_answers as answers
from inference.wire.responses_events import FRAMES, TEXTS, Events

_EMPTY_PARTS = {
    "output_text": answers.text_part(""),
    "refusal": answers.refusal_part(""),
    "reasoning_text": {"type": "reasoning_text", "text": ""},
}


class _Spoken:
    """A message, or thoughts: an item of parts, each a text that arrives in pieces."""

    def __init__(self, events: Events, *, kind: str, identity: str, index: int) -> None:
        self._events, self.kind, self._identity, self._index = events, kind, identity, index
        self._parts: list[dict[str, Any]] = []
        self._pieces: list[str] = []
        self._status = "in_progress"

    @property
    def is_over(self) -> bool:
        return self._status != "in_progress"

    def begin(self) -> bytes:
        item = {**self.item(), "content": []}
        return self._events.write("response.output_item.added", output_index=self._index, item=item)

    def add(self, kind: str, text: str) -> bytes:
        opened = b""
        if not self._parts or self._parts[-1]["type"] != kind:
            opened = self._close_part() + self._open_part(kind)
        self._pieces.append(text)
        return opened + self._write(f"{TEXTS[kind][0]}.delta", delta=text, **_logprobs(kind))

    def end(self, status: str) -> bytes:
        self._status = status
        closed = self._close_part()
        return closed + self._events.write("response.output_item.done", output_index=self._index, item=self.item())

    def item(self) -> dict[str, Any]:
        if self.kind == "rs":
            text = "".join(part["text"] for part in self._parts)
            return answers.reasoning_item(self._identity, text)
        return answers.message_item(self._identity, self._parts, self._status)

    def _open_part(self, kind: str) -> bytes:
        self._parts.append(dict(_EMPTY_PARTS[kind]))
        return self._write(f"{FRAMES[kind]}.added", part=self._parts[-1])

    def _close_part(self) -> bytes:
        if not self._parts:
            return b""
        part, (event, name) = self._parts[-1], TEXTS[self._parts[-1]["type"]]
        part[name], self._pieces = "".join(self._pieces), []
        told = {name: part[name], **_logprobs(part["type"])}
        return self._write(f"{event}.done", **told) + self._write(f"{FRAMES[part['type']]}.done", part=part)

    def _write(self, kind: str, **fields: Any) -> bytes:
        place = {"item_id": self._identity, "output_index": self._index, "content_index": len(self._parts) - 1}
        return self._events.write(kind, **place, **fields)


class _Called:
    """A function call, whose arguments arrive in pieces. It is told of once its name is known."""

    def __init__(self, events: Events, *, ask: Ask, number: int) -> None:
        self._events, self._identity = events, answers.item_id(ask, "fc", number)
        self._call_id = answers.item_id(ask, "call", number)
        self._index = -1
        self._name = ""
        self._arguments: list[str] = []
        self._status = "in_progress"

    @property
    def is_open(self) -> bool:
        return self._index >= 0

    @property
    def is_over(self) -> bool:
        return self._status != "in_progress"

    def learn(self, call: Mapping[str, Any]) -> str:
        """Takes a delta in; returns the new piece of the arguments."""
        function = _mapping(call.get("function"))
        if not self.is_open:
            self._name = str(function.get("name") or self._name)
            self._call_id = str(call.get("id") or self._call_id)
        arguments = function.get("arguments") or ""
        piece = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        self._arguments.append(piece)
        return piece

    @property
    def is_named(self) -> bool:
        return bool(self._name)

    def begin(self, index: int) -> bytes:
        self._index = index
        item = {**self.item(), "arguments": ""}
        begun = self._events.write("response.output_item.added", output_index=index, item=item)
        return begun + self.add("".join(self._arguments))

    def add(self, piece: str) -> bytes:
        return self._write("delta", delta=piece) if piece else b""

    def end(self, status: str) -> bytes:
        self._status = status
        item = self.item()
        done = self._write("done", name=item["name"], arguments=item["arguments"])
        return done + self._events.write("response.output_item.done", output_index=self._index, item=item)

    def item(self) -> dict[str, Any]:
        return answers.call_item(
            self._identity,
            call_id=self._call_id,
            name=self._name,
            arguments="".join(self._arguments),
            status=self._status,
        )

    def _write(self, kind: str, **fields: Any) -> bytes:
        place = {"item_id": self._identity, "output_index": self._index}
        return self._events.write(f"response.function_call_arguments.{kind}", **place, **fields)


class ResponsesTelling:
    """One stream. Items are told of in the order in which they begin; calls stay open until the end."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._events = ask, Events()
        self._has_begun = False
        self._items: list[_Spoken | _Called] = []
        self._calls: dict[int, _Called] = {}

    def feed(self, events: bytes) -> bytes:
        told: list[bytes] = []
        for event in framing.split(events):
            data = framing.payload(event)
            if data and data != b"[DONE]":
                told += self._chunk(_parsed(data))
        return b"".join(told)

    def ending(self, document: Mapping[str, Any]) -> bytes:
        """The stream's own items are the last word: where thoughts, words and calls took turns, they stay apart."""
        told = [] if self._has_begun else [self._begin(document)]
        told += [self._begin_call(call) for call in self._calls.values() if not call.is_open]
        told += [item.end(document["status"]) for item in self._items if not item.is_over]
        if not self._items:
            told += [event for index, item in enumerate(document["output"]) for event in self._events.item(item, index)]
            return b"".join(told) + self._events.ending(document)
        output = [item.item() for item in self._items]
        return b"".join(told) + self._events.ending({**document, "output": output})

    def _chunk(self, chunk: Mapping[str, Any]) -> Iterator[bytes]:
        if not self._has_begun:
            yield self._begin(chunk)
        delta = _first_delta(chunk)
        if thought := answers.thoughts(delta):
            yield self._say("rs", "reasoning_text", thought)
        if text := delta.get("content"):
            yield self._say("msg", "output_text", _string(text))
        if refusal := delta.get("refusal"):
            yield self._say("msg", "refusal", _string(refusal))
        for call in _list(delta.get("tool_calls")):
            yield self._call(_mapping(call))

    def _begin(self, chunk: Mapping[str, Any]) -> bytes:
        self._has_begun = True
        created = chunk.get("created", chunk.get("created_at"))
        return self._events.beginning(answers.skeleton(self._ask, created=created, model=chunk.get("model")))

    def _say(self, kind: str, part: str, text: str) -> bytes:
        last = self._items[-1] if self._items else None
        if isinstance(last, _Spoken) and last.kind == kind:
            return last.add(part, text)
        closed = self._close()
        number = sum(isinstance(item, _Spoken) and item.kind == kind for item in self._items)
        identity = answers.item_id(self._ask, kind, number)
        spoken = _Spoken(self._events, kind=kind, identity=identity, index=len(self._items))
        self._items.append(spoken)
        return closed + spoken.begin() + spoken.add(part, text)

    def _close(self) -> bytes:
        """Words are over when something else begins."""
        last = self._items[-1] if self._items else None
        return last.end("completed") if isinstance(last, _Spoken) and not last.is_over else b""

    def _call(self, delta: Mapping[str, Any]) -> bytes:
        index = delta.get("index")
        place = index if isinstance(index, int) else len(self._calls)  # without one, each is a call of its own
        call = self._calls.get(place)
        if call is None:
            call = self._calls[place] = _Called(self._events, ask=self._ask, number=len(self._calls))
        piece = call.learn(delta)
        if call.is_open:
            return call.add(piece)
        return self._begin_call(call) if call.is_named else b""

    def _begin_call(self, call: _Called) -> bytes:
        closed = self._close()
        self._items.append(call)
        return closed + call.begin(len(self._items) - 1)


def _logprobs(kind: str) -> dict[str, Any]:
    return {"logprobs": []} if kind == "output_text" else {}


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise UpstreamError("the provider sent an event that is not JSON; try again") from None


def _first_delta(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the one choice that is asked for."""
    for choice in _list(chunk.get("choices")):
        return _mapping(_mapping(choice).get("delta"))
    return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is None or isinstance(value, dict):
        return value or {}
    raise _wrong_shape()


def _list(value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise _wrong_shape()


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _wrong_shape()


def _wrong_shape() -> UpstreamError:
    return UpstreamError("the provider sent an event of the wrong shape; try again")
