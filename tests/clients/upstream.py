"""A stand-in for OpenAI and Anthropic on one loopback port, faithful enough for their clients.

Run as `python -m tests.clients.upstream PORT`. Its own list of calls is the truth that tests compare with:
`GET /_calls` shows it, `DELETE /_calls` forgets it with everything else that was remembered. The models of
`faults.py` fail as named.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

from acron_site import keeper
from tests import live
from tests.clients import chat, faults, messages, responses, vectors
from tests.clients.exchange import Asked, Memory, Refusal, Reply
from tests.clients.models import catalogue

KEY = "sk-standin-of-a-key"

# what the real APIs look at, and what a gateway must not pass on
_KEPT_HEADERS = (
    *("authorization", "x-api-key", "anthropic-version", "anthropic-beta", "openai-organization"),
    *("idempotency-key", "cookie", "user-agent", "x-forwarded-for"),
)
_APIS = {
    "/v1/chat/completions": chat.answer,
    "/v1/responses": responses.answer,
    "/v1/embeddings": vectors.answer,
    "/v1/messages": messages.answer,
    "/v1/messages/count_tokens": messages.count,
}
_EVENT_PAUSE_SECONDS = 0.0005


class Upstream:
    """One provider's worth of memory, and a line to each caller."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._calls: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _read(reader)
                await _send(writer, asked, self._reply(asked))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    def _reply(self, asked: Asked) -> Reply:
        if asked.path == "/_calls":
            return self._own_books(asked)
        self._calls.append(asked.for_the_books(_KEPT_HEADERS))
        try:
            asked.check_key(KEY)
            return catalogue(asked, self._memory) if asked.method == "GET" else self._answer(asked)
        except Refusal as refusal:
            return refusal.reply(asked)

    def _answer(self, asked: Asked) -> Reply:
        api = _APIS.get(asked.path)
        if api is None or asked.method != "POST":
            raise Refusal(404, f"Invalid URL ({asked.method} {asked.path})", code="not_found")
        fault = faults.of(asked, self._memory)
        return fault if isinstance(fault, Reply) else faults.apply(fault, api(asked, self._memory))

    def _own_books(self, asked: Asked) -> Reply:
        calls = self._calls
        if asked.method == "DELETE":
            self._calls, self._memory = [], Memory()
        return Reply(document={"calls": calls})


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.strip().split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join([piece async for piece in _chunks(reader)])
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target.partition("?")[0], headers, body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")


async def _send(writer: asyncio.StreamWriter, asked: Asked, reply: Reply) -> None:
    if reply.delay_seconds:
        await asyncio.sleep(reply.delay_seconds)
    headers = {**reply.headers, "x-request-id": "req_standin", "request-id": "req_standin"}
    if reply.events is None:
        body = json.dumps(reply.document).encode()
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        writer.write(_head(reply.status, headers) + body)
        await writer.drain()
        return
    headers |= {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked"}
    await _stream(writer, _head(reply.status, headers), reply)


async def _stream(writer: asyncio.StreamWriter, head: bytes, reply: Reply) -> None:
    events = list(reply.events or [])
    shown = events if not reply.is_cut else events[: len(events) // 2]
    for event in shown:
        writer.write(head + b"%x\r\n%b\r\n" % (len(event), event))
        head = b""
        await writer.drain()
        await asyncio.sleep(_EVENT_PAUSE_SECONDS)
    if reply.is_cut:
        raise ConnectionAbortedError
    writer.write(b"0\r\n\r\n")


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Standin", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a stand-in in a process of its own."""
    port = live.free_port()
    process = subprocess.Popen(
        (sys.executable, "-m", "tests.clients.upstream", str(port)),
        cwd=live.ROOT,
        env=os.environ,
        preexec_fn=keeper.dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one system call, no Python lock
    )
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def calls(address: str, *, forget: bool = False) -> list[dict[str, Any]]:
    """What the stand-in was asked so far."""
    request = urllib.request.Request(f"{address}/_calls", method="DELETE" if forget else "GET")
    with urllib.request.urlopen(request, timeout=10) as response:
        received: list[dict[str, Any]] = json.load(response)["calls"]
    return received


def _wait(address: str) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            calls(address)
        except OSError:
            assert time.monotonic() < end, f"{address} does not answer"
            time.sleep(0.02)
        else:
            return


async def main(port: int) -> None:
    server = await asyncio.start_server(Upstream().serve, "127.0.0.1", port, limit=1 << 24, backlog=2048)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
