"""A stream that several watch is one stream: whole for each, at its own pace, held back by the quickest."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from acron_site.lib.errors import UpstreamError
from caching.flights import Flight, Flights, Seat
from tests.caching.turns import turns

KEY = b"key"


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


async def test_who_wants_it_whole_may_wait_for_a_stream_to_end(flights, source):
    reader = asyncio.create_task(read(flights, source.stream))
    await turns()

    with flights.join(KEY, source.stream) as seat:
        source.send(b"a", None)
        assert await seat.outcome() == "end"
    assert await reader == b"a"


async def read(flights: Flights[str], stream: Callable[[Flight[str]], Any]) -> bytes:
    with flights.join(KEY, stream) as seat:
        return await whole(seat)


async def whole(seat: Seat[str]) -> bytes:
    return b"".join([piece async for piece in seat])


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
