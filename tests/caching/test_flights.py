"""Whoever asks the same thing at the same time is answered by one production, and nobody depends on the first."""

import asyncio
from contextvars import ContextVar

import pytest

from acron_site.lib.errors import UpstreamError
from caching.exact import entry_key
from caching.flights import AbandonedError, Flight, Flights
from tests.caching.turns import turns

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


async def test_a_plain_answer_starts_with_its_outcome(flights, kitchen):
    kitchen.may_go_on.set()

    with flights.join(KEY, kitchen.cook) as seat:
        assert await seat.start() == "answer 1"
        assert [piece async for piece in seat] == []


async def answer(flights: Flights[str], kitchen: Kitchen) -> str:
    with flights.join(KEY, kitchen.cook) as seat:
        return await seat.outcome()
