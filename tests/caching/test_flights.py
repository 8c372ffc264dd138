"""Whoever asks the same thing at the same time is answered by one production, and nobody depends on the first."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from acron_site.lib.errors import UpstreamError
from caching.exact import entry_key
from caching.flights import AbandonedError, Flight, Flights, Seat

KEY = b"key"


class Kitchen:
    """Productions that go on when the story lets them, and what became of them."""

    def __init__(self) -> None:
        self.begun = self.finished = self.cancelled = 0
        self.may_go_on = asyncio.Event()
        self.may_be_cancelled = asyncio.Event()
        self.may_be_cancelled.set()

    async def cook(self, flight: Flight[str]) -> str:
        self.begun += 1
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            await self.may_be_cancelled.wait()  # as a row is written
            self.cancelled += 1
            raise
        self.finished += 1
        return f"answer {self.begun}"


@pytest.fixture
async def kitchen() -> Kitchen:
    return Kitchen()


@pytest.fixture
async def flights() -> AsyncIterator[Flights[str]]:
    """Of a loop that is told of no lost exception."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    open_flights = Flights[str]()
    yield open_flights
    await open_flights.close()
    gc.collect()
    assert complaints == []


async def test_a_thousand_at_once_are_answered_by_one_production(flights, kitchen):
    seats = [flights.join(KEY, kitchen.cook) for _ in range(1000)]
    callers = [asyncio.create_task(seat.outcome()) for seat in seats]
    await turns()

    kitchen.may_go_on.set()
    answers = await asyncio.gather(*callers)

    assert answers == ["answer 1"] * 1000
    assert kitchen.begun == 1
    assert [seat.leads for seat in seats] == [True] + [False] * 999


async def test_who_comes_after_the_end_leads_anew(flights, kitchen):
    kitchen.may_go_on.set()

    answers = [await answer(flights, kitchen) for _ in range(2)]

    assert answers == ["answer 1", "answer 2"]


async def test_organizations_and_requests_never_share(flights, kitchen, ada, mallory):
    keys = [entry_key(whose, fingerprint) for whose in (ada, mallory) for fingerprint in (b"one", b"other")]

    seats = [flights.join(key, kitchen.cook) for key in keys]
    await turns()

    assert all(seat.leads for seat in seats)
    assert kitchen.begun == 4


async def test_the_others_are_served_when_the_first_leaves(flights, kitchen):
    callers = [asyncio.create_task(answer(flights, kitchen)) for _ in range(10)]
    await turns()

    callers[0].cancel()
    await turns()
    kitchen.may_go_on.set()
    answers = await asyncio.gather(*callers[1:])

    assert answers == ["answer 1"] * 9
    assert (kitchen.begun, kitchen.cancelled) == (1, 0)


async def test_the_production_ends_when_the_last_leaves(flights, kitchen):
    callers = [asyncio.create_task(answer(flights, kitchen)) for _ in range(10)]
    await turns()

    for caller in callers:
        caller.cancel()
    await turns()

    assert (kitchen.begun, kitchen.finished, kitchen.cancelled) == (1, 0, 1)


async def test_nobody_joins_a_production_that_is_being_stopped(flights, kitchen):
    kitchen.may_be_cancelled.clear()
    with flights.join(KEY, kitchen.cook):
        await turns()
    late = flights.join(KEY, kitchen.cook)

    kitchen.may_be_cancelled.set()
    await turns()
    kitchen.may_go_on.set()

    assert late.leads
    assert await late.outcome() == "answer 2"
    assert (kitchen.begun, kitchen.cancelled) == (2, 1)


async def test_a_seat_may_be_left_twice(flights, kitchen):
    first, second = flights.join(KEY, kitchen.cook), flights.join(KEY, kitchen.cook)

    first.leave()
    first.leave()
    kitchen.may_go_on.set()

    assert await second.outcome() == "answer 1"


async def test_who_leaves_before_the_first_step_leaves_nothing_behind(flights, kitchen):
    flights.join(KEY, kitchen.cook).leave()

    await turns()

    assert kitchen.begun == 0


async def test_everybody_gets_the_error_and_the_next_one_tries_again(flights, kitchen):
    async def fail(flight: Flight[str]) -> str:
        await asyncio.sleep(0)
        raise UpstreamError("the provider is out of order")

    seats = [flights.join(KEY, fail) for _ in range(100)]
    errors = await asyncio.gather(*(seat.outcome() for seat in seats), return_exceptions=True)
    kitchen.may_go_on.set()

    assert {str(error) for error in errors} == {"the provider is out of order"}
    assert await answer(flights, kitchen) == "answer 1"


async def test_an_error_that_nobody_waits_for_is_not_complained_of(flights):
    async def fail(flight: Flight[str]) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            raise UpstreamError("it broke while it was stopped")
        return ""

    with flights.join(KEY, fail):
        await turns()
    await turns()


async def test_all_are_told_to_try_again_when_it_is_given_up_and_one_of_them_leads(flights, kitchen):
    async def persist() -> tuple[str, bool]:
        with flights.join(KEY, kitchen.cook) as seat:
            try:
                return await seat.outcome(), seat.leads
            except AbandonedError:
                pass
        with flights.join(KEY, kitchen.cook) as seat:
            return await seat.outcome(), seat.leads

    callers = [asyncio.create_task(persist()) for _ in range(10)]
    await turns()
    await flights.close()
    kitchen.may_go_on.set()
    results = await asyncio.gather(*callers)

    assert {text for text, _ in results} == {"answer 2"}
    assert sum(leads for _, leads in results) == 1
    assert (kitchen.begun, kitchen.cancelled) == (2, 1)


async def test_closing_waits_until_everything_is_put_down(flights, kitchen):
    kitchen.may_be_cancelled.clear()
    seat = flights.join(KEY, kitchen.cook)
    with flights.join(b"left", kitchen.cook):
        await turns()

    closing = asyncio.create_task(flights.close())
    await turns()
    was_closed = closing.done()
    kitchen.may_be_cancelled.set()
    await closing

    assert not was_closed
    assert kitchen.cancelled == 2
    with pytest.raises(AbandonedError):
        await seat.outcome()


async def test_the_production_knows_the_context_of_who_leads(flights):
    whose: ContextVar[str] = ContextVar("whose")

    async def tell(flight: Flight[str]) -> str:
        return whose.get()

    whose.set("Ada's")
    with flights.join(KEY, tell) as seat:
        assert await seat.outcome() == "Ada's"


async def test_each_event_loop_has_its_own_flights(flights, kitchen):
    async def leads() -> bool:
        with flights.join(KEY, kitchen.cook) as seat:
            return seat.leads is True

    with flights.join(KEY, kitchen.cook):
        assert await asyncio.to_thread(lambda: asyncio.run(leads()))


# streams


class Source:
    """A stream whose pieces come when the story sends them."""

    def __init__(self) -> None:
        self.begun = 0
        self.is_closed = False
        self._sent: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def send(self, *pieces: bytes | Exception | None) -> None:
        for piece in pieces:
            self._sent.put_nowait(piece)

    async def stream(self, flight: Flight[str]) -> str:
        self.begun += 1
        flight.begin("head")
        try:
            while (piece := await self._sent.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                flight.publish(piece)
        finally:
            self.is_closed = True
        return "end"


@pytest.fixture
async def source() -> Source:
    return Source()


async def test_three_hundred_streams_are_one_and_each_is_whole(flights, source):
    callers = [asyncio.create_task(read(flights, source.stream)) for _ in range(300)]
    for number in range(50):
        source.send(b"piece %d;" % number)
        await turns()

    source.send(None)
    texts = await asyncio.gather(*callers)

    assert set(texts) == {b"".join(b"piece %d;" % number for number in range(50))}
    assert source.begun == 1


async def test_pieces_are_passed_on_as_they_come(flights, source):
    seat = flights.join(KEY, source.stream)
    pieces = aiter(seat)
    source.send(b"first")

    assert await seat.start() == "head"
    assert await anext(pieces) == b"first"
    source.send(b"second")
    assert await anext(pieces) == b"second"


async def test_who_comes_late_gets_everything_from_the_start(flights, source):
    early = asyncio.create_task(read(flights, source.stream))
    source.send(b"a", b"b", b"c")
    await turns()

    late = asyncio.create_task(read(flights, source.stream))
    await turns()
    source.send(b"d", None)

    assert await late == b"abcd"
    assert await early == b"abcd"
    assert source.begun == 1


async def test_who_reads_slowly_holds_up_nobody_and_misses_nothing(flights, source):
    slow = flights.join(KEY, source.stream)
    pieces = aiter(slow)
    source.send(b"0")
    assert await anext(pieces) == b"0"

    quick = asyncio.create_task(read(flights, source.stream))
    source.send(*(b"%d" % number for number in range(1, 10)), None)

    assert await quick == b"0123456789"
    assert b"".join([piece async for piece in pieces]) == b"123456789"


async def test_what_lies_ready_comes_in_pieces_of_a_bounded_size(flights, source):
    seat = flights.join(KEY, source.stream)
    source.send(*[bytes(30_000)] * 5, bytes(100_000), b"end", None)
    await seat.outcome()

    sizes = [len(piece) async for piece in seat]

    assert sizes == [60_000, 60_000, 30_000, 100_000, 3]


async def test_the_stream_goes_on_when_its_first_reader_leaves_and_stops_with_the_last(flights, source):
    first = asyncio.create_task(read(flights, source.stream))
    second = asyncio.create_task(read(flights, source.stream))
    source.send(b"a")
    await turns()

    first.cancel()
    await turns()
    went_on = not source.is_closed
    second.cancel()
    await turns()

    assert went_on
    assert source.is_closed
    assert flights.join(KEY, source.stream).leads


async def test_a_stream_that_breaks_off_breaks_off_for_all_after_what_there_was(flights, source):
    readers = [flights.join(KEY, source.stream) for _ in range(3)]
    source.send(b"half", UpstreamError("it broke off"))

    for seat in readers:
        pieces = aiter(seat)
        assert await anext(pieces) == b"half"
        with pytest.raises(UpstreamError, match="broke off"):
            await anext(pieces)


async def test_a_stream_that_is_refused_before_it_begins_fails_at_its_start(flights):
    async def refuse(flight: Flight[str]) -> str:
        raise UpstreamError("refused")

    for seat in [flights.join(KEY, refuse) for _ in range(3)]:
        with pytest.raises(UpstreamError, match="refused"):
            await seat.start()


async def test_a_plain_answer_starts_with_its_outcome(flights, kitchen):
    kitchen.may_go_on.set()

    with flights.join(KEY, kitchen.cook) as seat:
        assert await seat.start() == "answer 1"
        assert [piece async for piece in seat] == []


async def test_who_wants_it_whole_may_wait_for_a_stream_to_end(flights, source):
    reader = asyncio.create_task(read(flights, source.stream))
    await turns()

    with flights.join(KEY, source.stream) as seat:
        source.send(b"a", None)
        assert await seat.outcome() == "end"
    assert await reader == b"a"


async def answer(flights: Flights[str], kitchen: Kitchen) -> str:
    with flights.join(KEY, kitchen.cook) as seat:
        return await seat.outcome()


async def read(flights: Flights[str], stream: Callable[[Flight[str]], Any]) -> bytes:
    with flights.join(KEY, stream) as seat:
        return await whole(seat)


async def whole(seat: Seat[str]) -> bytes:
    return b"".join([piece async for piece in seat])


async def turns(number: int = 10) -> None:
    """As many turns of the loop as anything here needs."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_production_does_not_run_far_ahead_of_a_slow_reader():
    flights: Flights[str] = Flights()
    told = 0

    async def produce(flight: Flight[str]) -> str:
        nonlocal told
        flight.begin("head")
        for _ in range(100):
            flight.publish(b"x" * 65_536)
            told += 1
            await flight.room()
        return "done"

    with flights.join(b"k", produce) as seat:
        stream = seat.__aiter__()
        await anext(stream)
        for _ in range(50):
            await asyncio.sleep(0)
        ahead = told

        rest = [piece async for piece in stream]

    assert ahead < 10
    assert 1 + sum(len(piece) for piece in rest) // 65_536 == 100


async def test_what_the_only_reader_of_a_long_answer_has_read_is_let_go():
    flights: Flights[str] = Flights()
    held: list[int] = []

    async def produce(flight: Flight[str]) -> str:
        flight.begin("head")
        for _ in range(200):
            flight.publish(b"x" * 65_536)
            await flight.room()
            held.append(sum(len(piece) for piece in flight.pieces))
        return "done"

    with flights.join(b"k", produce) as seat:
        read = sum([len(piece) async for piece in seat])

    assert read == 200 * 65_536
    assert max(held) < 6 * 1024 * 1024


async def test_a_production_that_is_to_be_finished_goes_on_when_all_have_left():
    flights: Flights[str] = Flights()
    ended = asyncio.Event()

    async def produce(flight: Flight[str]) -> str:
        flight.begin("head")
        for _ in range(100):
            flight.publish(b"x" * 65_536)
            await flight.room()
        ended.set()
        return "done"

    seat = flights.join(b"k", produce)
    await seat.start()
    seat.leave(stops=False)

    await asyncio.wait_for(ended.wait(), 5)
