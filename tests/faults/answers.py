"""What the provider stand-in says, and the way it says it: whole, as a stream, or without end."""

import asyncio
import json
import socket
import struct
from typing import Any

WORDS = ["the", "ledger", "remembers", "every", "call"]
LONG_STREAM_PIECES = 1024
_LONG_PIECE = "x" * 29_000 + " "
_ENDLESS_PAUSE_SECONDS = 0.02
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found"}


class HungUpError(Exception):
    """The caller has left in the middle of an answer."""


class Line:
    """The way back to one caller. `pieces` are those of its stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.pieces = 0

    async def pause(self, seconds: float) -> None:
        """Raises HungUpError as soon as the caller leaves; it has nothing to say before it is answered."""
        try:
            await asyncio.wait_for(self._reader.read(1), seconds)
        except TimeoutError:
            return
        except ConnectionError:
            pass
        raise HungUpError

    async def drain(self) -> None:
        """Waits for a caller who reads slowly."""
        try:
            await self._writer.drain()
        except ConnectionError:
            raise HungUpError from None

    def send_whole(self, document: Any, *, status: int = 200, retry_after: str = "") -> None:
        later = f"Retry-After: {retry_after}\r\n" if retry_after else ""
        self.send_bytes(json.dumps(document).encode(), status=status, headers=later)

    def send_bytes(
        self, body: bytes, *, status: int = 200, kind: str = "application/json", headers: str = "", missing: int = 0
    ) -> None:
        """`missing`: so many bytes are announced and never come."""
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Trouble')}\r\nContent-Type: {kind}\r\n{headers}"
            f"Content-Length: {len(body) + missing}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)

    def send_raw(self, content: bytes) -> None:
        self._writer.write(content)

    def begin_stream(self) -> None:
        self._writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send_event(self, content: dict[str, Any]) -> None:
        self.pieces += 1
        self._send_chunk(event(content))

    def end_stream(self, last: bytes = b"data: [DONE]\n\n") -> None:
        if last:
            self._send_chunk(last)
        self._writer.write(b"0\r\n\r\n")

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """Breaks the connection off with a RST."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _send_chunk(self, content: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(content), content))


async def answer(asked: dict[str, Any], line: Line) -> None:
    if asked.get("stream"):
        await _stream(asked, line)
        return
    await line.pause(_latency_seconds(asked))
    line.send_whole(completion(asked))


async def _stream(asked: dict[str, Any], line: Line) -> None:
    await line.pause(_latency_seconds(asked))
    line.begin_stream()
    line.send_event(opening(asked))
    while "endless" in asked["model"]:
        line.send_event(chunk(asked, {"content": "and on "}))
        await line.pause(max(_latency_seconds(asked), _ENDLESS_PAUSE_SECONDS))
    if asked["model"].endswith("long"):
        await _go_on_for_long(asked, line)
    for word in WORDS:
        line.send_event(chunk(asked, {"content": word + " "}))
        await line.pause(_latency_seconds(asked) / len(WORDS))
    line.send_event(chunk(asked, {}, "stop"))
    line.send_event({**_envelope(asked, "chat.completion.chunk"), "choices": [], "usage": _usage()})
    line.end_stream()


async def _go_on_for_long(asked: dict[str, Any], line: Line) -> None:
    for _ in range(LONG_STREAM_PIECES):
        line.send_event(chunk(asked, {"content": _LONG_PIECE}))
        await line.drain()


def completion(asked: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"for {name_of(asked)}: {' '.join(WORDS)}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**_envelope(asked, "chat.completion"), "choices": [choice], "usage": _usage()}


def opening(asked: dict[str, Any]) -> dict[str, Any]:
    """The first chunk of a stream."""
    return chunk(asked, {"role": "assistant", "content": f"for {name_of(asked)}: "})


def chunk(asked: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**_envelope(asked, "chat.completion.chunk"), "choices": [choice]}


def event(content: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % json.dumps(content).encode()


def name_of(asked: dict[str, Any]) -> str:
    """Whom the call is made for: `user`, or how the question begins where the caller's format has no such field."""
    question = asked["messages"][-1]["content"] if asked.get("messages") else ""
    return str(asked.get("user") or str(question).partition(":")[0])


def _latency_seconds(asked: dict[str, Any]) -> float:
    latency = asked["model"].rpartition("-")[2]
    return int(latency) / 1000 if latency.isdigit() else 0.001


def _usage() -> dict[str, int]:
    return {"prompt_tokens": 20, "completion_tokens": len(WORDS), "total_tokens": 20 + len(WORDS)}


def _envelope(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": asked["model"]}
