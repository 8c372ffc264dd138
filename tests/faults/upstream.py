"""A provider stand-in in a process of its own, whose list of calls is the truth the ledger is held against.

Run as `python -m tests.faults.upstream PORT`. The model `standin-100` begins to answer after 100 ms and takes as long
again for a stream; `standin-endless` streams until its caller hangs up. Each answer names the `user` it was made for.
"""

import asyncio
import json
import sys
from typing import Any

WORDS = ["the", "ledger", "remembers", "every", "call"]
_ENDLESS_PAUSE_SECONDS = 0.02


class HungUpError(Exception):
    """The caller has left in the middle of an answer."""


class Upstream:
    """`GET /state` tells the `user` of every call received, how many are being answered, how many were given up."""

    def __init__(self) -> None:
        self._calls: list[str] = []
        self._in_progress = 0
        self._hung_up = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                await self._respond(head, await reader.readexactly(_length(head)), Line(reader, writer))
        except HungUpError:
            self._hung_up += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _respond(self, head: str, body: bytes, line: "Line") -> None:
        if head.startswith("GET"):
            state = {"calls": self._calls, "in_progress": self._in_progress, "hung_up": self._hung_up}
            line.send_whole(state)
            return
        asked = json.loads(body)
        self._calls.append(asked.get("user", ""))
        self._in_progress += 1
        try:
            await (_stream if asked.get("stream") else _answer)(asked, line)
        finally:
            self._in_progress -= 1


class Line:
    """The way back to one caller."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def pause(self, seconds: float) -> None:
        """Raises HungUpError as soon as the caller leaves; it has nothing to say before it is answered."""
        try:
            await asyncio.wait_for(self._reader.read(1), seconds)
        except TimeoutError:
            return
        except ConnectionError:
            pass
        raise HungUpError

    def send_whole(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._writer.write(head + body)

    def begin_stream(self) -> None:
        self._writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def send_event(self, content: dict[str, Any]) -> None:
        self._send_chunk(b"data: %b\n\n" % json.dumps(content).encode())

    def end_stream(self) -> None:
        self._send_chunk(b"data: [DONE]\n\n")
        self._writer.write(b"0\r\n\r\n")

    def _send_chunk(self, content: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(content), content))


async def _answer(asked: dict[str, Any], line: Line) -> None:
    await line.pause(_latency_seconds(asked))
    message = {"role": "assistant", "content": f"for {asked.get('user')}: {' '.join(WORDS)}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    line.send_whole({**_envelope(asked, "chat.completion"), "choices": [choice], "usage": _usage()})


async def _stream(asked: dict[str, Any], line: Line) -> None:
    await line.pause(_latency_seconds(asked))
    line.begin_stream()
    line.send_event(_chunk(asked, {"role": "assistant", "content": f"for {asked.get('user')}: "}))
    while asked["model"].endswith("endless"):
        line.send_event(_chunk(asked, {"content": "on and on "}))
        await line.pause(_ENDLESS_PAUSE_SECONDS)
    for word in WORDS:
        line.send_event(_chunk(asked, {"content": word + " "}))
        await line.pause(_latency_seconds(asked) / len(WORDS))
    line.send_event(_chunk(asked, {}, "stop"))
    line.send_event({**_envelope(asked, "chat.completion.chunk"), "choices": [], "usage": _usage()})
    line.end_stream()


def _length(head: str) -> int:
    lengths = (line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length:"))
    return int(next(lengths, 0))


def _latency_seconds(asked: dict[str, Any]) -> float:
    latency = asked["model"].rpartition("-")[2]
    return int(latency) / 1000 if latency.isdigit() else 0.001


def _usage() -> dict[str, int]:
    return {"prompt_tokens": 20, "completion_tokens": len(WORDS), "total_tokens": 20 + len(WORDS)}


def _envelope(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": asked["model"]}


def _chunk(asked: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**_envelope(asked, "chat.completion.chunk"), "choices": [choice]}


async def main(port: int) -> None:
    server = await asyncio.start_server(Upstream().serve, "127.0.0.1", port, limit=1 << 24, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
