"""Single flight in one process: whoever asks the same thing at the same time shares one production."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from acron_site.lib.errors import OverloadedError

Outcome = TypeVar("Outcome")
# an event loop and the key that was joined under
Place = tuple[asyncio.AbstractEventLoop, bytes]

# what one who joined late, or reads slowly, is given in one piece
_PIECE_BYTES = 64 * 1024
# so far may a production be ahead of the quickest of its passengers
_AHEAD_BYTES = 256 * 1024
# an answer that is longer takes nobody on any more, and what its last passenger has read is let go
_SHARED_BYTES = 4 * 1024 * 1024


class AbandonedError(OverloadedError):
    """The production was stopped although somebody waits for it: join again, one of those who do will lead."""

    def __init__(self) -> None:
        super().__init__("the answer was given up before its end; try again", headers={"retry-after": "1"})


class Flight(Generic[Outcome]):
    """One production, in a task of its own, and what it has brought forth so far.

    Its pieces are kept until the last of its passengers has left, so it holds as much as the answer is long.
    """

    __slots__ = (
        *("_aloft", "_deserted", "_loop", "_place", "_task", "_waiting"),
        *("aboard", "dropped", "has_landed", "head", "pieces", "read_bytes", "told_bytes"),
    )

    def __init__(
        self, place: Place, aloft: "dict[Place, Flight[Outcome]]", deserted: "set[asyncio.Task[Outcome]]"
    ) -> None:
        self._loop, self._place, self._aloft, self._deserted = place[0], place, aloft, deserted
        self._task: asyncio.Task[Outcome] | None = None
        self.aboard = 0
        self.has_landed = False
        # a future for each: one that is shared would be cancelled for all when one of them leaves
        self._waiting: list[asyncio.Future[None]] = []
        self.head: Outcome | None = None
        self.pieces: list[bytes] = []
        self.told_bytes = self.read_bytes = 0  # in all; by the quickest passenger
        self.dropped = 0  # pieces that nobody will ask for again

    def begin(self, head: Outcome) -> None:
        """For the production: says what is known of the answer before its first piece."""
        self.head = head
        self._wake()

    def publish(self, piece: bytes) -> None:
        """For the production: hands a piece to everybody, also to those who come later."""
        self.pieces.append(piece)
        self.told_bytes += len(piece)
        if self.told_bytes > _SHARED_BYTES:
            self._close_gate()
        if self._waiting:
            self._wake()

    async def room(self) -> None:
        """For the production: returns when its quickest passenger is not too far behind, so that what a slow one has
        yet to read does not pile up here. With nobody aboard nobody is waited for."""
        while self.aboard and self.told_bytes - self.read_bytes > _AHEAD_BYTES:
            await self.news()

    def note_read(self, upto: int, read_bytes: int) -> None:
        """For a passenger who has read the pieces before `upto`, `read_bytes` in all."""
        if read_bytes > self.read_bytes:
            is_waited_for = self.told_bytes - self.read_bytes > _AHEAD_BYTES
            self.read_bytes = read_bytes
            if is_waited_for:
                self._wake()
        if self.told_bytes > _SHARED_BYTES and self.aboard == 1:
            self.pieces[self.dropped : upto] = [b""] * (upto - self.dropped)
            self.dropped = upto

    def take_off(self, production: Coroutine[Any, Any, Outcome]) -> None:
        self._task = self._loop.create_task(production)
        self._task.add_done_callback(self._land)

    def desert(self, *, stops: bool) -> None:
        """Nobody is aboard any more."""
        if stops:
            self.give_up()
        else:
            self._wake()  # the production may wait for a passenger who will not come

    def give_up(self) -> None:
        """Stops the production; who comes now leads another."""
        task = self._task
        if task is not None and not task.done():
            self._close_gate()
            self._deserted.add(task)
            task.cancel()

    async def stopped(self) -> None:
        """Returns at once unless the production has been given up and is still ending."""
        if self._task is not None and self._task in self._deserted:
            await asyncio.wait({self._task})

    def result(self) -> Outcome:
        """Of a flight that has landed; raises what the production has raised."""
        if self._task is None or self._task.cancelled():
            raise AbandonedError
        return self._task.result()

    def news(self) -> "asyncio.Future[None]":
        """Is done when there is more than now."""
        waiting = self._loop.create_future()
        self._waiting.append(waiting)
        return waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _land(self, task: "asyncio.Task[Outcome]") -> None:
        self.has_landed = True
        self._close_gate()
        self._deserted.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also where nobody is left to hear of it
        self._wake()

    def _close_gate(self) -> None:
        if self._aloft.get(self._place) is self:
            del self._aloft[self._place]


class Seat(Generic[Outcome]):
    """One caller's place in a flight. Leave it, whatever happens: the production ends when nobody is aboard."""

    __slots__ = ("_flight", "_is_taken", "leads")

    def __init__(self, flight: Flight[Outcome], *, leads: bool) -> None:
        self._flight, self.leads = flight, leads
        self._is_taken = True
        flight.aboard += 1

    async def start(self) -> Outcome:
        """What the production began with; its outcome if it is over without having begun a stream."""
        flight = self._flight
        while flight.head is None and not flight.has_landed:
            await flight.news()
        return flight.result() if flight.head is None else flight.head

    async def outcome(self) -> Outcome:
        """Raises what the production raised, or AbandonedError when it was stopped."""
        flight = self._flight
        while not flight.has_landed:
            await flight.news()
        return flight.result()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """All pieces from the first, at the caller's own pace: several at once where they lie ready."""
        flight, at, read_bytes = self._flight, 0, 0
        pieces = flight.pieces
        while True:
            while at < len(pieces):
                piece, at = (pieces[at], at + 1) if at + 1 == len(pieces) else _several(pieces, at)
                yield piece
                read_bytes += len(piece)
                flight.note_read(at, read_bytes)
            if flight.has_landed:
                flight.result()
                return
            await flight.news()

    def leave(self, *, stops: bool = True) -> None:
        """`stops`: with nobody aboard the production ends; else it goes on, at its own pace."""
        if not self._is_taken:
            return
        self._is_taken = False
        self._flight.aboard -= 1
        if self._flight.aboard == 0:
            self._flight.desert(stops=stops)

    async def depart(self, *, stops: bool = True) -> None:
        """Leaves, and where that stops the production, returns when it has put down what it has used."""
        self.leave(stops=stops)
        await self._flight.stopped()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()


class Flights(Generic[Outcome]):
    """The flights of one process, each under its key. Each event loop has its own."""

    def __init__(self) -> None:
        self._aloft: dict[Place, Flight[Outcome]] = {}
        # those that nobody can join any more, while they put down what they have used
        self._deserted: set[asyncio.Task[Outcome]] = set()

    def join(self, key: bytes, produce: Callable[[Flight[Outcome]], Coroutine[Any, Any, Outcome]]) -> Seat[Outcome]:
        """A seat in the flight under `key`; the first to come leads, and only that one's `produce` is called.

        It runs apart from its caller, who may leave while others stay. It may be cancelled before its first step:
        what has to be given back must be taken inside.
        """
        loop = asyncio.get_running_loop()
        place = (loop, key)
        flight = self._aloft.get(place)
        if flight is not None:
            return Seat(flight, leads=False)
        flight = Flight(place, self._aloft, self._deserted)
        self._aloft[place] = flight
        flight.take_off(produce(flight))
        return Seat(flight, leads=True)

    async def close(self) -> None:
        """Stops all flights of the running loop; whoever waits for one gets AbandonedError."""
        loop = asyncio.get_running_loop()
        for place, flight in list(self._aloft.items()):
            if place[0] is loop:
                flight.give_up()
        if stopping := [task for task in self._deserted if task.get_loop() is loop]:
            await asyncio.wait(stopping)


def _several(pieces: list[bytes], at: int) -> tuple[bytes, int]:
    """What lies ready from `at` on, as far as it fits into one piece, and the position behind it."""
    end, size = at + 1, len(pieces[at])
    while end < len(pieces) and size + len(pieces[end]) <= _PIECE_BYTES:
        size += len(pieces[end])
        end += 1
    return b"".join(pieces[at:end]), end
