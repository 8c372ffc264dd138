"""One connection to the process that embeds, with many questions under way at once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, cast

from caching.embedders import frames
from caching.embedders.frames import MOST_NUMBER, Frame, FrameError, Kind, Question, Reader
from caching.protocols import EmbedderBusyError, EmbeddingError, Space, Vector

# a vector, and the seconds that it took
Answer = tuple[Vector, float]

_AWAY: Final = "the embedder is away"


class Link(asyncio.Protocol):
    """Belongs to one event loop. What is under way when it breaks is busy, for those who want to try again."""

    def __init__(self, space: Space, *, max_waiting: int, silence_seconds: float, clock: Callable[[], float]) -> None:
        self.greeted = asyncio.Event()  # also when it breaks before
        self.is_lost = False
        self.missing = ""  # why the other side has no model
        self._space, self._max_waiting, self._silence_seconds, self._clock = space, max_waiting, silence_seconds, clock
        self._reader = Reader()
        self._transport: asyncio.Transport  # from the moment it is made: nobody has it before
        # also those that nobody waits for any more: each is answered in the end
        self._unanswered: dict[int, asyncio.Future[Answer]] = {}
        self._last_number = 0
        self._heard_at = 0.0

    def ask(self, questions: Sequence[Question]) -> "list[asyncio.Future[Answer]]":
        """All of them or none. Raises EmbedderBusyError."""
        self._require_room(len(questions))
        return [self._ask(question) for question in questions]

    def close(self) -> None:
        self._transport.abort()

    def _ask(self, question: Question) -> "asyncio.Future[Answer]":
        if not self._unanswered:
            self._heard_at = self._clock()
        number = self._last_number = self._last_number % MOST_NUMBER + 1
        self._transport.write(frames.write_question(number, question))
        answer = self._unanswered[number] = asyncio.get_running_loop().create_future()
        return answer

    def _require_room(self, count: int) -> None:
        if self.is_lost:
            raise EmbedderBusyError(_AWAY)
        if len(self._unanswered) + count > self._max_waiting:
            raise EmbedderBusyError(f"busy: {len(self._unanswered)} texts wait already")
        # a process that hangs keeps its connection: nobody is to wait for it again and again
        if self._unanswered and self._clock() - self._heard_at > self._silence_seconds:
            raise EmbedderBusyError("the embedder does not answer")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was, it is gone
        self.is_lost = True
        self.greeted.set()
        for answer in self._unanswered.values():
            if not answer.done():
                answer.set_exception(EmbedderBusyError(_AWAY))
        self._unanswered.clear()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._clock()
        try:
            for frame in self._reader.feed(data):
                self._hear(frame)
        except FrameError:
            self.close()

    def _hear(self, frame: Frame) -> None:
        if frame.kind in (Kind.READY, Kind.MISSING):
            self._be_greeted(frame)
            return
        answer = self._unanswered.pop(frame.number, None)
        if answer is None:
            raise FrameError("an answer to nothing")
        if not answer.done():
            self._answer(answer, frame)

    def _be_greeted(self, frame: Frame) -> None:
        said = frames.words_of(frame.content)
        if frame.kind == Kind.READY and said != self._space.name:
            raise FrameError("it places texts elsewhere")  # another version of the product: it is about to end
        if frame.kind == Kind.MISSING:
            self.missing = said
        self.greeted.set()

    def _answer(self, answer: "asyncio.Future[Answer]", frame: Frame) -> None:
        if frame.kind == Kind.PLACED:
            try:
                answer.set_result(frames.read_vector(frame.content, self._space))
            except FrameError as error:
                answer.set_exception(EmbeddingError(str(error)))
        elif frame.kind == Kind.BUSY:
            answer.set_exception(EmbedderBusyError(frames.words_of(frame.content)))
        else:
            answer.set_exception(EmbeddingError(frames.words_of(frame.content)))
