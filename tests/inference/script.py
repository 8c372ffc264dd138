"""A provider that answers by a script: what each call in turn meets."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from inference.providers.base import Call, Reply

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "mock-small",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}
_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock-small"}


def _chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + orjson.dumps({**_HEAD, "choices": [choice]}) + b"\n\n"


HELLO, PARIS, END = _chunk({"role": "assistant", "content": ""}), _chunk({"content": "Paris."}), _chunk({}, "stop")
USAGE = b"data: " + orjson.dumps({**_HEAD, "choices": [], "usage": COMPLETION["usage"]}) + b"\n\n"
WHOLE_STREAM = (HELLO, PARIS, END, USAGE, b"data: [DONE]\n\n")


@dataclass
class Scene:
    """One call: an answer, an exception instead of one (`raises`), or one in its middle (`breaks`)."""

    status: int = 200
    pieces: tuple[bytes, ...] = (orjson.dumps(COMPLETION),)
    headers: Mapping[str, str] = field(default_factory=dict)
    raises: Exception | None = None
    breaks: Exception | None = None
    waits_for: asyncio.Event | None = None  # before the head
    holds_for: asyncio.Event | None = None  # after the first piece
    is_closed: bool = False

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        for index, piece in enumerate(self.pieces):
            yield piece
            if index == 0 and self.holds_for is not None:
                await self.holds_for.wait()
        if self.breaks is not None:
            raise self.breaks

    def close(self) -> None:
        self.is_closed = True


def refused(status: int, message: str = "no", **headers: str) -> Scene:
    body = orjson.dumps({"error": {"message": message, "type": "x"}})
    return Scene(status, (body,), {name.replace("_", "-"): value for name, value in headers.items()})


def streamed(*pieces: bytes, **fields: Any) -> Scene:
    return Scene(pieces=pieces or WHOLE_STREAM, **fields)


class Script:
    """Plays one scene a call, the last one again and again."""

    def __init__(self, *scenes: Scene) -> None:
        self._scenes = list(scenes)
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        scene = self._scenes.pop(0) if len(self._scenes) > 1 else self._scenes[0]
        if scene.waits_for is not None:
            await scene.waits_for.wait()
        if scene.raises is not None:
            raise scene.raises
        return scene

    async def close(self) -> None:
        return None

    @property
    def models(self) -> list[str]:
        return [orjson.loads(call.body)["model"] for call in self.calls]
