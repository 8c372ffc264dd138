"""Single flight in one process: whoever asks the same thing at the same time shares one production."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

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
    """One production, in a task of its own or in that of its leader, and what it has brought forth so far.

    Its pieces are kept until the last of its passengers has left, so it holds as much as the answer is long.
    """

    __slots__ = (
        *("_aloft", "_deserted", "_error", "_is_given_up", "_loop", "_outcome"),
        *("_place", "_production", "_task", "_waiting"),
        *("aboard", "dropped", "has_landed", "head", "is_apart", "pieces", "read_bytes", "told_bytes"),
    )

    def __init__(self, place: Place, aloft: "dict[Place, Flight[Outcome]]", deserted: "set[asyncio.Task[Any]]") -> None:
        self._loop, self._place, self._aloft, self._deserted = place[0], place, aloft, deserted
        self._task: asyncio.Task[Any] | None = None
        self._production: Coroutine[Any, Any, Outcome] | None = None  # as long as it is not carried
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._is_given_up = False
        self.aboard = 0
        self.has_landed = self.is_apart = False
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
        self.is_apart, self._production = True, production
        self._task = self._loop.create_task(self.carry())
        self._task.add_done_callback(self._end)

    def stand_by(self, production: Coroutine[Any, Any, Outcome]) -> None:
        self._production = production

    async def carry(self) -> None:
        """Runs the production in the current task: one of its own, or the leader's."""
        production, self._production = self._production, None
        assert production is not None  # noqa: S101 - it is carried once
        self._task = asyncio.current_task()
        with _Landing(self):
            self._outcome = await production

    def land(self, error: BaseException | None) -> bool:
        """The production is over; whether its error is settled thereby: that of one that was given up is."""
        self._error = error
        is_settled = self._is_given_up and isinstance(error, asyncio.CancelledError)
        if is_settled and self._task is not None:
            self._task.uncancel()
        self._land()
        return is_settled

    def desert(self, *, stops: bool) -> None:
        """Nobody is aboard any more."""
        if stops:
            self.give_up()
        else:
            self._wake()  # the production may wait for a passenger who will not come

    def give_up(self) -> None:
        """Stops the production; who comes now leads another."""
        task = self._task
        if task is None:
            self._end()
        elif not self.has_landed:
            self._close_gate()
            self._is_given_up = True
            self._deserted.add(task)
            task.add_done_callback(self._deserted.discard)
            task.cancel()

    async def stopped(self) -> None:
        """Returns at once unless the production has been given up and is still ending."""
        task = self._task
        if task is not None and task in self._deserted and task is not asyncio.current_task():
            await asyncio.wait({task})

    def result(self) -> Outcome:
        """Of a flight that has landed; raises what the production has raised."""
        if isinstance(self._error, asyncio.CancelledError) or self._task is None:
            raise AbandonedError
        if self._error is not None:
            raise self._error
        return cast(Outcome, self._outcome)

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

    def _land(self) -> None:
        self.has_landed = True
        self._close_gate()
        self._wake()

    def _end(self, task: "asyncio.Task[Any] | None" = None) -> None:
        """Nothing will be carried any more, also where nothing ever was."""
        if task is not None and not task.cancelled():
            task.exception()  # seen, also where nobody is left to hear of it
        production, self._production = self._production, None
        if production is not None:
            production.close()
            self._error = asyncio.CancelledError()
            self._land()

    def _close_gate(self) -> None:
        if self._aloft.get(self._place) is self:
            del self._aloft[self._place]


class _Landing:
    """Tells a flight how its production has ended, for those who follow; the leader hears of an error as it comes."""

    __slots__ = ("_flight",)

    def __init__(self, flight: Flight[Any]) -> None:
        self._flight = flight

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        return self._flight.land(error)


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
        if self.carries:
            await flight.carry()
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

    @property
    def carries(self) -> bool:
        """Whether the production is to run in the task of this one, or does."""
        return self.leads and not self._flight.is_apart

    def hand_over(self, *, stops: bool = True) -> bool:
        """For a leader who carries the production and whose caller has left: whether it must go on all the same, for
        others, or (without `stops`) for those to come. Else the leader's task is to be cancelled."""
        self.leave(stops=False)
        return self._flight.aboard > 0 or not stops

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
        self._deserted: set[asyncio.Task[Any]] = set()

    def join(
        self,
        key: bytes,
        produce: Callable[[Flight[Outcome]], Coroutine[Any, Any, Outcome]],
        *,
        leader_carries: bool = False,
    ) -> Seat[Outcome]:
        """A seat in the flight under `key`; the first to come leads, and only that one's `produce` is called.

        It runs apart from its caller, who may leave while others stay. It may be cancelled before its first step:
        what has to be given back must be taken inside. With `leader_carries` it runs in the leader's task, which costs
        less: the leader must ask for the outcome at once, and ask `Seat.hand_over` before cancelling that task.
        """
        loop = asyncio.get_running_loop()
        place = (loop, key)
        flight = self._aloft.get(place)
        if flight is not None:
            return Seat(flight, leads=False)
        flight = Flight(place, self._aloft, self._deserted)
        self._aloft[place] = flight
        if leader_carries:
            flight.stand_by(produce(flight))
        else:
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
