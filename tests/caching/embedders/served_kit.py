"""A server of vectors in the test's own loop, and a peer that says whatever it is told."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import numpy as np

from caching.embedders import frames, minilm, process
from caching.embedders.frames import Frame, Kind, Reader
from caching.embedders.process import Server
from caching.embedders.served import ServedEmbedder
from caching.protocols import EmbedderBusyError, Purpose, Vector
from tests.caching.embedders import kit

READY = frames.write_words(Kind.READY, 0, minilm.SPACE.name)


def vector(first: float) -> Vector:
    values = np.zeros(minilm.SPACE.dimension, dtype=np.float32)
    values[0] = first
    return values


def client(path: Path, *, max_waiting: int = 64, timeout_seconds: float = kit.PATIENT_SECONDS) -> ServedEmbedder:
    return ServedEmbedder(path, max_waiting=max_waiting, timeout_seconds=timeout_seconds)


async def first(embedder: ServedEmbedder, text: str) -> float:
    return float((await embedder.embed([text], Purpose.QUERY))[0][0])


async def until_there(embedder: ServedEmbedder) -> None:
    async with asyncio.timeout(kit.PATIENT_SECONDS):
        while True:
            with suppress(EmbedderBusyError):
                await embedder.embed(["Is anybody there?"], Purpose.QUERY)
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(path: Path, place: Callable[[str], Vector], greeting: bytes = READY) -> AsyncIterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        task = asyncio.create_task(process.serve(Server(place, greeting), listener))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - nobody else is in this loop


@asynccontextmanager
async def serving_in_a_thread(path: Path, place: Callable[[str], Vector]) -> AsyncIterator[None]:
    """For a `place` that blocks. It must come to an end by itself."""
    is_over = threading.Event()

    async def serve() -> None:
        async with serving(path, place):
            while not is_over.is_set():  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(0.005)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        await asyncio.to_thread(thread.join, kit.PATIENT_SECONDS)


class Peer(asyncio.Protocol):
    """The other end of one connection, in the hands of the story."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting
        self._reader = Reader()
        self.heard: asyncio.Queue[Frame] = asyncio.Queue()
        self.has_left = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self.transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self.heard.put_nowait(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self.has_left.set()


@asynccontextmanager
async def peers(path: Path, greeting: bytes = READY) -> AsyncIterator["asyncio.Queue[Peer]"]:
    """Those that were connected to, in order."""
    connected: asyncio.Queue[Peer] = asyncio.Queue()

    def make() -> Peer:
        peer = Peer(greeting)
        connected.put_nowait(peer)
        return peer

    server = await asyncio.get_running_loop().create_unix_server(make, str(path))
    try:
        yield connected
    finally:
        server.close()
