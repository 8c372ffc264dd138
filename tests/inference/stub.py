"""A provider on loopback that answers, or fails, exactly as a test tells it to."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

import orjson


class Fault(Enum):
    HANG = "say no more, but keep the connection"
    CLOSE = "close the connection"
    RESET = "tear the connection down"


# what the stub does with one request: write bytes (each in one write), pause for seconds, or fail
Step = bytes | float | Fault
Script = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Stub:
    """Answers the n-th request by the n-th script; the last script serves all that follow."""

    scripts: list[Script]
    url: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0  # ever made
    open_connections: int = 0
    has_received: asyncio.Event = field(default_factory=asyncio.Event)

    def script_for(self, request: Received) -> Script:
        self.received.append(request)
        self.has_received.set()
        return self.scripts[min(len(self.received), len(self.scripts)) - 1]


@asynccontextmanager
async def serve(*scripts: Script) -> AsyncIterator[Stub]:
    stub = Stub(list(scripts))
    loop = asyncio.get_running_loop()
    open_connections: set[_Connection] = set()
    server = await loop.create_server(lambda: _Connection(stub, open_connections), "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()
    stub.url = f"http://{host}:{port}"
    try:
        yield stub
    finally:
        server.close()
        for connection in list(open_connections):
            connection.abort()
        await asyncio.sleep(0)


@contextmanager
def serve_beside(*scripts: Script) -> Iterator[Stub]:
    """The same in a thread of its own, for tests that block."""
    ready: SimpleQueue[tuple[Stub, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def stay() -> None:
        is_over = asyncio.Event()
        async with serve(*scripts) as stub:
            ready.put((stub, asyncio.get_running_loop(), is_over))
            await is_over.wait()

    thread = Thread(target=lambda: asyncio.run(stay()), name="stub", daemon=True)
    thread.start()
    stub, loop, is_over = ready.get(timeout=5)
    try:
        yield stub
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(5)


def answer(body: bytes | Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer: head and body, to be written at once."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
    return _head(status, fields) + content


def stream_head() -> bytes:
    return _head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})


def chunk(content: bytes) -> bytes:
    """One piece of a stream; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def stream(pieces: Iterable[bytes]) -> Script:
    """A whole stream, each piece written on its own."""
    return (stream_head(), *(chunk(piece) for piece in pieces), chunk(b""))


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Stub", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _reset(transport: asyncio.Transport) -> None:
    """Closes with RST in place of FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Connection(asyncio.Protocol):
    """Reads one request after the other and plays the scripts."""

    def __init__(self, stub: Stub, open_connections: set["_Connection"]) -> None:
        self._stub = stub
        self._open = open_connections
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(self)
        self._stub.connections += 1
        self._stub.open_connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self._stub.open_connections -= 1
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end_of_head = self._buffer.find(b"\r\n\r\n")
        if end_of_head < 0:
            return
        request_line, *lines = self._buffer[:end_of_head].decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        start = end_of_head + 4
        end = start + int(headers.get("content-length", 0))
        if len(self._buffer) < end:
            return
        method, path, _ = request_line.split(" ")
        request = Received(path, headers, bytes(self._buffer[start:end]), method)
        del self._buffer[:end]
        self._play(self._stub.script_for(request))

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _play(self, script: Script) -> None:
        for position, step in enumerate(script):
            if self._transport is None or step is Fault.HANG:
                return
            if isinstance(step, float):
                rest = script[position + 1 :]
                asyncio.get_running_loop().call_later(step, self._play, rest)
                return
            self._perform(step, self._transport)

    def _perform(self, step: Step, transport: asyncio.Transport) -> None:
        actions: dict[Step, Callable[[], None]] = {
            Fault.CLOSE: transport.close,
            Fault.RESET: partial(_reset, transport),
        }
        if isinstance(step, bytes):
            transport.write(step)
        else:
            actions[step]()
