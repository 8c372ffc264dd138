"""Workflows at a door whose provider does as it is told, and remembers what it was asked."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from inference.providers.base import Call, Reply
from tests.inference.asgi import Response, call
from tests.inference.doors import key, make_door
from tests.inference.kit import Kit
from tests.inference.script import COMPLETION, Scene


class Writer:
    """Answers `<what was asked>`. A question with a word of `scenes` meets that scene instead."""

    def __init__(self, *, tokens: int = 10, **scenes: Scene) -> None:
        self.scenes, self._tokens = dict(scenes), tokens
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.gate: asyncio.Event | None = None  # where it stands, answers wait for it
        self.sent = asyncio.Event()

    async def send(self, sent: Call) -> Reply:
        text = orjson.loads(sent.body)["messages"][-1]["content"]
        self.asked.append(text)
        self.sent.set()
        scene = next((scene for word, scene in self.scenes.items() if word in text), None)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if scene is not None and scene.waits_for is not None:
                await scene.waits_for.wait()
            if self.gate is not None:
                await self.gate.wait()
        finally:
            self.at_once -= 1
        return scene or Scene(pieces=(self._completion(text),))

    async def close(self) -> None:
        return None

    @property
    def times(self) -> Counter[str]:
        return Counter(self.asked)

    def _completion(self, text: str) -> bytes:
        usage = {"prompt_tokens": self._tokens, "completion_tokens": self._tokens, "total_tokens": 2 * self._tokens}
        message = {"role": "assistant", "content": f"<{text}>"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return orjson.dumps({**COMPLETION, "choices": [choice], "usage": usage})


def step(id: str, prompt: str = "", **more: Any) -> dict[str, Any]:  # noqa: A002 - as the field is called
    return {"id": id, "prompt": prompt or f"do {id}", **more}


def workflow(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"model_override": "mock-small", "workflow": {"steps": list(steps)}, **more}


async def infer(kit: Kit, body: dict[str, Any] | bytes, *, who: str = "ada", **headers: Any) -> Response:
    door = make_door(kit, max_body_bytes=10_000_000)
    hang_up = headers.pop("hang_up_after_pieces", None)
    return await call(door, "/infer", body, headers=key(who, **headers), hang_up_after_pieces=hang_up)


async def chat(kit: Kit, body: dict[str, Any], **headers: str) -> Response:
    return await call(make_door(kit), "/v1/chat/completions", body, headers=key(**headers))


def states(response: Response) -> dict[str, str]:
    document = response.json()
    steps = document["error"]["steps"] if "error" in document else document["steps"]
    return {each["id"]: each["status"] for each in steps}


def tiers(response: Response) -> dict[str, int]:
    return {each["id"]: each["cache_tier"] for each in response.json()["steps"]}
