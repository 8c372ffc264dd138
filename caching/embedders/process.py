"""The one process of a host that embeds for all others, on a listening socket that its parent hands over.

Texts of every organization pass through it. It keeps none of them, writes none of them anywhere and has no connection
but to those who ask.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Final, cast

from caching.embedders import frames, minilm
from caching.embedders.desk import Desk, Job
from caching.embedders.frames import Frame, FrameError, Kind, Reader
from caching.embedders.minilm import ModelMissingError
from caching.protocols import EmbeddingError, Vector

# below those that people wait for, and still well above what is idle: look-ups wait for it
_NICENESS: Final = 5
# of answers that one connection does not fetch
_MOST_UNREAD_BYTES: Final = 4 * 1024 * 1024


class Server:
    """Places one text after the other, in the thread of the loop: between two it looks at what has arrived."""

    def __init__(self, place: Callable[[str], Vector], greeting: bytes) -> None:
        self.greeting = greeting
        self._place = place
        self._desk = Desk()
        self._has_work = asyncio.Event()

    def take(self, frame: Frame, reply: Callable[[bytes], None]) -> None:
        """Raises FrameError."""
        if frame.kind != Kind.PLACE:
            raise FrameError("not a question")
        question, now = frames.read_question(frame.content), time.monotonic()
        job = Job(question.text, question.is_awaited, now + question.patience_ms / 1000, reply, frame.number)
        if self._desk.take(job, now=now):
            self._has_work.set()
        else:
            reply(frames.write_words(Kind.BUSY, frame.number, "busy: too much waits already"))

    async def work(self) -> None:
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            while (job := self._desk.next()) is not None:
                job.reply(self._answer(job))
                # one turn for the loop to look at its sockets, one to read what they hold
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    def _answer(self, job: Job) -> bytes:
        if time.monotonic() > job.until:
            return frames.write_words(Kind.BUSY, job.number, "too late")
        begun, spent = time.monotonic(), time.thread_time()
        try:
            vector = self._place(job.text)
        except EmbeddingError as error:
            return frames.write_words(Kind.REFUSED, job.number, str(error))
        except Exception as error:  # noqa: BLE001 - of any library: it is one text's, and all others wait behind it
            # only its name: what it says may hold the text
            return frames.write_words(
                Kind.REFUSED, job.number, f"the model fails at this text ({type(error).__name__})"
            )
        spent = time.thread_time() - spent
        self._desk.learn(time.monotonic() - begun)
        return frames.write_vector(job.number, vector, spent)


class Connection(asyncio.Protocol):
    """One who asks. Who does not speak as we do, or does not listen, is cut off; the others do not notice."""

    def __init__(self, server: Server, open_ones: "set[Connection]") -> None:
        self._server = server
        self._open_ones = open_ones
        self._reader = Reader()
        self._transport: asyncio.Transport  # from the moment it is made: nothing comes before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._server.greeting)
        self._open_ones.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was, it is gone
        self._open_ones.discard(self)

    def cut_off(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._server.take(frame, self._reply)
        except FrameError:
            self.cut_off()

    def _reply(self, answer: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(answer)
        if self._transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
            self.cut_off()


def prepare() -> Server:
    """With the model loaded and tried. Where there is none it serves all the same, and tells everybody so."""
    try:
        model = minilm.load(minilm.find())
    except ModelMissingError as error:
        return Server(_nowhere, frames.write_words(Kind.MISSING, 0, str(error)))
    model.place("The first text takes longer than the others.")
    return Server(model.place, frames.write_words(Kind.READY, 0, minilm.SPACE.name))


async def serve(server: Server, listener: socket.socket) -> None:
    """Until it is cancelled."""
    loop, open_ones = asyncio.get_running_loop(), set[Connection]()
    async with await loop.create_unix_server(lambda: Connection(server, open_ones), sock=listener):
        try:
            await server.work()
        finally:
            for connection in tuple(open_ones):
                connection.cut_off()


def _nowhere(_: str) -> Vector:
    raise EmbeddingError("there is no model")


def main(descriptor: int) -> None:
    os.nice(_NICENESS)
    asyncio.run(serve(prepare(), socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
