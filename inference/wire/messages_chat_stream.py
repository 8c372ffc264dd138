"""Retells a stream of chat completion chunks as Anthropic's events."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from acron_site.lib.errors import UpstreamError
from inference.wire import framing, message_events

_THOUGHTS = ("reasoning_content", "reasoning")
_WORDS = ("content", "refusal")
_EMPTY = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class _Block:
    """One content block on its way to the caller. What comes before its turn waits here."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.id = self.name = ""
        self.told: list[str] = []  # so far
        self.waiting: list[str] = []

    @property
    def is_ready(self) -> bool:
        return self.kind != "tool_use" or bool(self.id and self.name)

    @property
    def is_whole(self) -> bool:
        """Whether the next block may begin: a tool's arguments must be JSON by then, as servers may mix their calls."""
        if self.kind != "tool_use":
            return True
        try:
            orjson.loads("".join(self.told))
        except orjson.JSONDecodeError:
            return False
        return True

    def begun(self) -> dict[str, Any]:
        if self.kind == "tool_use":
            return {"type": "tool_use", "id": self.id, "name": self.name, "input": {}}
        return _EMPTY[self.kind]

    def deltas(self, index: int) -> Iterator[bytes]:
        pieces, self.waiting = self.waiting, []
        for piece in pieces:
            self.told.append(piece)
            if self.kind == "tool_use":
                yield message_events.block_delta(index, "input_json_delta", partial_json=piece)
            else:
                yield message_events.block_delta(index, f"{self.kind}_delta", **{self.kind: piece})


class MessageStream:
    """Tells one block after the other: clients add up what follows a start to the block that has started last."""

    def __init__(self, *, shows_thinking: bool) -> None:
        self._shows_thinking = shows_thinking
        self._has_begun = False
        self._index = -1
        self._open: _Block | None = None
        self._queue: list[_Block] = []
        self._latest: _Block | None = None
        self._calls: dict[int, _Block] = {}

    def feed(self, events: bytes) -> bytes:
        """Raises UpstreamError for a chunk that makes no sense."""
        payloads = [data for event in framing.split(events) if (data := framing.payload(event))]
        try:
            return b"".join([piece for data in payloads for piece in self._chunk(orjson.loads(data))])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UpstreamError("the provider sent an event that makes no sense; try again") from None

    def ending(self, document: Mapping[str, Any]) -> bytes:
        begun = b"" if self._has_begun else message_events.start(document)
        return b"".join([begun, *self._close_all(), *message_events.closing(document)])

    def _chunk(self, chunk: Mapping[str, Any]) -> Iterator[bytes]:
        if not self._has_begun:
            self._has_begun = True
            yield message_events.start(_head(chunk))
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) == 0:
                yield from self._delta(choice.get("delta") or {})
                if choice.get("finish_reason"):
                    yield from self._close_all()

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[bytes]:
        thoughts = [text for name in _THOUGHTS if isinstance(text := delta.get(name), str)]
        if self._shows_thinking and thoughts and thoughts[0]:  # some servers say it under both names
            self._spoken("thinking").waiting.append(thoughts[0])
        for name in _WORDS:
            if isinstance(text := delta.get(name), str) and text:
                self._spoken("text").waiting.append(text)
        for call in delta.get("tool_calls") or ():
            self._add_call(call)
        yield from self._advance()

    def _spoken(self, kind: str) -> _Block:
        """The block that words of this kind belong to: the latest one, or a new one."""
        if self._latest is None or self._latest.kind != kind:
            self._latest = _Block(kind)
            self._queue.append(self._latest)
        return self._latest

    def _add_call(self, call: Mapping[str, Any]) -> None:
        index, function = call.get("index", 0), call.get("function") or {}
        block = self._calls.get(index)
        if block is None:
            block = self._calls[index] = self._latest = _Block("tool_use")
            self._queue.append(block)
        block.id = block.id or str(call.get("id") or "")
        block.name = block.name or str(function.get("name") or "")
        if isinstance(arguments := function.get("arguments"), str) and arguments:
            block.waiting.append(arguments)

    def _advance(self, *, is_over: bool = False) -> Iterator[bytes]:
        if self._open is not None:
            yield from self._open.deltas(self._index)
        while self._queue and self._queue[0].is_ready and (is_over or self._open is None or self._open.is_whole):
            yield from self._close()
            self._open = self._queue.pop(0)
            self._index += 1
            yield message_events.block_start(self._index, self._open.begun())
            yield from self._open.deltas(self._index)

    def _close(self) -> Iterator[bytes]:
        if self._open is not None:
            self._open = None
            yield message_events.block_stop(self._index)

    def _close_all(self) -> Iterator[bytes]:
        yield from self._advance(is_over=True)
        yield from self._close()
        self._latest = None


def _head(chunk: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_" + str(chunk.get("id") or "").removeprefix("chatcmpl-"),
        "type": "message",
        "role": "assistant",
        "model": str(chunk.get("model") or ""),
        "content": [],
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
