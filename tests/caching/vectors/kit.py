"""Questions, vectors and a Pinecone on loopback for the tests of semantic stores."""

import hashlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from aiohttp import web

from acron_site.lib.ids import uuid7
from caching.backends.entry_writer import Hits, Waiting
from caching.protocols import Keepsake, Label, Namespace, Partition, Space, Vector

SPACE = Space("mini-v1", 4)
DIGEST = b"partition-digest"
NEAREST = 5


def vector(degrees: float) -> Vector:
    """Of length 1; the cosine of two is that of the difference of their angles."""
    radians = math.radians(degrees)
    return np.array([math.cos(radians), math.sin(radians), 0, 0], dtype=np.float32)


def keepsake(namespace: Namespace, question: str = "How tall is the Eiffel Tower?", **changes: Any) -> Keepsake:
    """`at`: the angle of its vector; `ttl_seconds` from now."""
    at, ttl_seconds = changes.pop("at", 0), changes.pop("ttl_seconds", 600)
    partition = Partition(namespace, changes.pop("digest", DIGEST))
    facts: dict[str, Any] = {
        "id": uuid7(),
        "vector": vector(at),
        "fingerprint": hashlib.md5(question.encode("utf-8", "surrogatepass")).digest(),
        "note": b"note",
        "body": b"330 metres",
        "stored_at": time.time(),
        "expires_at": time.time() + ttl_seconds,
        "label": Label("gpt-6.1-mini", "openai", "question", (("team", "search"),)),
    }
    return Keepsake(partition=partition, question=question, **{**facts, **changes})


async def found(store: Any, namespace: Namespace, *, at: float = 0, **changes: Any) -> list[str]:
    """The questions near an angle, the nearest first."""
    partition = Partition(namespace, changes.pop("digest", DIGEST))
    space, limit = changes.pop("space", SPACE), changes.pop("limit", NEAREST)
    return [each.question for each in await store.nearest(partition, space, vector(at), limit=limit)]


class Nowhere:
    """An EntryKeeper that keeps nothing."""

    def write(self, batch: Sequence[Waiting]) -> int:
        return 0

    def count(self, hits: Hits) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class PineconeStub:
    """Keeps vectors and finds them by brute force; with `answer` set, answers every request so instead."""

    url: str = ""
    namespaces: dict[str, dict[str, Any]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    answer: Callable[[], Awaitable[web.StreamResponse]] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.headers.append(dict(request.headers))
        self.requests.append((request.path, body))
        if self.answer is not None:
            return await self.answer()
        return web.json_response(self._reply(request, orjson.loads(body or b"{}")))

    def _reply(self, request: web.Request, asked: dict[str, Any]) -> dict[str, Any]:
        kept = self.namespaces.setdefault(asked.get("namespace", ""), {}) if asked else {}
        match request.method, request.path:
            case "POST", "/vectors/upsert":
                kept.update({each["id"]: each for each in asked["vectors"]})
                return {"upsertedCount": len(asked["vectors"])}
            case "POST", "/vectors/delete":
                for id_ in asked["ids"]:
                    kept.pop(id_, None)
                return {}
            case "POST", "/query":
                return {"matches": _matches(kept, asked), "namespace": asked["namespace"]}
            case "GET", "/namespaces":
                names = [name for name in self.namespaces if name.startswith(request.query["prefix"])]
                return {"namespaces": [{"name": name, "record_count": "1"} for name in names]}
            case "DELETE", path:
                del self.namespaces[path.removeprefix("/namespaces/")]
        return {}


def _matches(kept: dict[str, Any], asked: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {name: condition["$eq"] for name, condition in asked["filter"].items()}
    scores: list[dict[str, Any]] = [
        {"id": id_, "score": float(np.dot(each["values"], asked["vector"]))}
        for id_, each in kept.items()
        if each["metadata"] == wanted
    ]
    return sorted(scores, key=lambda each: -each["score"])[: asked["topK"]]


@asynccontextmanager
async def pinecone() -> AsyncIterator[PineconeStub]:
    stub = PineconeStub()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stub.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()
