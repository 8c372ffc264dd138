"""Speaks ASGI to an application without a server in between."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Response:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def json(self) -> Any:
        return orjson.loads(self.body)


async def call(
    application: Any,
    path: str,
    body: bytes | dict[str, Any] = b"",
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    hang_up_after_pieces: int | None = None,
    piece_bytes: int = 0,
) -> Response:
    """One request. With `hang_up_after_pieces` the caller leaves after as many body pieces (0: before the answer).

    With `piece_bytes` the body comes in pieces of that size.
    """
    raw = orjson.dumps(body) if isinstance(body, dict) else body
    scope = {
        "type": "http",
        "method": method,
        "path": path.partition("?")[0],
        "query_string": path.partition("?")[2].encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    response, gone = Response(), asyncio.Event()
    size = piece_bytes or max(len(raw), 1)
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)] or [b""]
    incoming = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    incoming[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        if incoming:
            if hang_up_after_pieces == 0:
                asyncio.get_running_loop().call_soon(gone.set)
            return incoming.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            return
        if message["body"]:
            response.pieces.append(message["body"])
        if len(response.pieces) == hang_up_after_pieces:
            gone.set()
            await asyncio.sleep(0)

    await application(scope, receive, send)
    return response
