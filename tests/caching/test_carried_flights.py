"""A production in its leader's own task is as independent of the leader as one that is not."""

import asyncio

import pytest

from acron_site.lib.errors import UpstreamError
from caching.flights import AbandonedError, Flight, Flights
from tests.caching.turns import turns

KEY = b"key"


class Leader:
    """Somebody in whose task the production runs, and who may hang up as one does at the door."""

    def __init__(self, flights, cook, *, stops=True, **options) -> None:
        self.seat = flights.join(KEY, cook, leader_carries=True, **options)
        self.stops = stops
        self.task: asyncio.Task[str] = asyncio.create_task(self._ask())

    async def _ask(self):
        try:
            return await self.seat.start()
        finally:
            await self.seat.depart(stops=self.stops)

    def hangs_up(self) -> None:
        if not self.seat.hand_over(stops=self.stops):
            self.task.cancel()


class Kitchen:
    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.begun = self.cancelled = 0

    async def cook(self, flight: Flight[str]) -> str:
        self.begun += 1
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return f"answer {self.begun}"


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


async def follow(flights, kitchen):
    with flights.join(KEY, kitchen.cook, leader_carries=True) as seat:
        return await seat.start()


async def test_the_leader_and_those_who_follow_get_the_one_answer(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook)
    await turns()
    followers = [asyncio.create_task(follow(flights, kitchen)) for _ in range(20)]
    await turns()

    kitchen.may_go_on.set()

    assert await asyncio.gather(leader.task, *followers) == ["answer 1"] * 21
    assert kitchen.begun == 1


async def test_a_leader_who_hangs_up_carries_on_for_the_others(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook)
    await turns()
    follower = asyncio.create_task(follow(flights, kitchen))
    await turns()

    leader.hangs_up()
    await turns()
    kitchen.may_go_on.set()

    assert await follower == "answer 1"
    assert (kitchen.begun, kitchen.cancelled) == (1, 0)


async def test_a_leader_who_is_alone_and_hangs_up_ends_it(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook)
    await turns()

    leader.hangs_up()
    await asyncio.wait([leader.task])

    assert leader.task.cancelled()
    assert kitchen.cancelled == 1


async def test_it_ends_with_the_last_follower_when_the_leader_has_left_before(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook)
    await turns()
    follower = asyncio.create_task(follow(flights, kitchen))
    await turns()

    leader.hangs_up()
    await turns()
    follower.cancel()
    await asyncio.wait([leader.task, follower])

    assert kitchen.cancelled == 1
    assert isinstance(leader.task.exception(), AbandonedError)
    kitchen.may_go_on.set()
    assert await follow(flights, kitchen) == "answer 2"


async def test_what_must_not_stop_goes_on_with_nobody_aboard(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook, stops=False)
    await turns()

    leader.hangs_up()
    await turns()
    kitchen.may_go_on.set()

    assert await leader.task == "answer 1"


async def test_an_error_is_raised_for_each(kitchen):
    async def burn(_: Flight[str]) -> str:
        await kitchen.may_go_on.wait()
        raise UpstreamError("burnt")

    flights = Flights[str]()
    leader = Leader(flights, burn)
    await turns()
    follower = asyncio.create_task(follow(flights, kitchen))
    await turns()

    kitchen.may_go_on.set()
    got = await asyncio.gather(leader.task, follower, return_exceptions=True)

    assert [str(error) for error in got] == ["burnt", "burnt"]


async def test_closing_tells_everybody_and_cancels_no_ones_task(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook)
    await turns()
    follower = asyncio.create_task(follow(flights, kitchen))
    await turns()

    await flights.close()
    got = await asyncio.gather(leader.task, follower, return_exceptions=True)

    assert [type(error) for error in got] == [AbandonedError, AbandonedError]
    assert leader.task.cancelling() == 0


async def test_a_leader_whose_task_is_cancelled_from_elsewhere_is_cancelled(kitchen):
    flights = Flights[str]()
    leader = Leader(flights, kitchen.cook)
    await turns()
    follower = asyncio.create_task(follow(flights, kitchen))
    await turns()

    leader.task.cancel()
    got = await asyncio.gather(leader.task, follower, return_exceptions=True)

    assert [type(error) for error in got] == [asyncio.CancelledError, AbandonedError]
