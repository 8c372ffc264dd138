"""A provider goes away altogether and comes back: how often it is called, and how soon it answers again."""

import heapq
import inspect
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field
from random import Random

import pytest

from inference.resilience.board import Board
from inference.resilience.breaker import Rules
from inference.resilience.retries import Failure, RetryBudget, pause_seconds

DEPLOYMENT = "somewhere"
MAX_ATTEMPTS = 3


@dataclass
class World:
    """Requests against one deployment, on a clock that jumps from event to event."""

    outage: tuple[float, float]
    failure: Failure
    call_seconds: float
    has_breaker: bool = True
    chance: Random = field(default_factory=lambda: Random(7))
    calls: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)

    def run(self, arrivals: list[float]) -> None:
        board, budget = Board(Rules(), random=self.chance.random), RetryBudget()
        order = itertools.count()
        events = [(arrival, next(order), self._request(board, budget, arrival)) for arrival in arrivals]
        heapq.heapify(events)
        while events:
            now, _, request = heapq.heappop(events)
            pause = request.send(now) if inspect.getgeneratorstate(request) == inspect.GEN_SUSPENDED else next(request)
            if pause is not None:
                heapq.heappush(events, (now + pause, next(order), request))

    def _request(self, board: Board, budget: RetryBudget, now: float) -> Generator[float | None, float, None]:
        budget.note_request()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            ticket = board.enter(DEPLOYMENT, now) if self.has_breaker else None
            if self.has_breaker and ticket is None:
                break
            self.calls.append(now)
            is_out = self.outage[0] <= now < self.outage[1]
            now = yield self.call_seconds
            if ticket is not None:
                board.report(ticket, now, self.failure if is_out else None)
            if not is_out:
                self.answered.append(now)
                yield None
            if attempt == MAX_ATTEMPTS or not budget.take():
                break
            now = yield pause_seconds(attempt, retry_after=None, random=self.chance.random)
        self.failed.append(now)
        yield None


def at_rate(begin: float, end: float, per_second: float) -> list[float]:
    return [begin + number / per_second for number in range(int((end - begin) * per_second))]


@pytest.mark.parametrize("has_breaker", [True, False])
@pytest.mark.parametrize("call_seconds", [0.05, 1.0])
def test_a_total_outage_costs_one_and_a_half_calls_a_request_at_most(has_breaker, call_seconds):
    world = World((0, 1e9), Failure.TRANSIENT, call_seconds, has_breaker=has_breaker)

    world.run(at_rate(0, 20, 50))

    print(f"{len(world.calls) / 1000:.3f} calls a request (breaker: {has_breaker}, {call_seconds} s a call)")
    assert len(world.failed) == 1000
    assert len(world.calls) <= 1500


@pytest.mark.parametrize("requests", [10, 30, 100])
@pytest.mark.parametrize("seconds_before", [0, 4, 60])
def test_so_does_a_short_one_after_good_times(requests, seconds_before):
    world = World((100, 1e9), Failure.TRANSIENT, 0.05)
    world.run(at_rate(100 - seconds_before, 100, 50) + at_rate(100, 100 + requests / 10, 10))

    calls = sum(call >= 100 for call in world.calls)

    print(f"{calls / requests:.2f} calls a request ({requests} after {seconds_before} s of good times)")
    assert calls <= 1.5 * requests


@pytest.mark.parametrize(("failure", "call_seconds"), [(Failure.TRANSIENT, 0.05), (Failure.TIMEOUT, 20.0)])
@pytest.mark.parametrize("outage_seconds", [3, 20, 29, 31, 47, 90, 300])
def test_everybody_is_answered_thirty_five_seconds_after_its_end(failure, call_seconds, outage_seconds):
    world = World((100, 100 + outage_seconds), failure, call_seconds)
    end = 100 + outage_seconds
    world.run(at_rate(90, end + 100, 20))

    lost = [moment for moment in world.failed if moment > end + 35 + call_seconds]

    assert not lost
    assert any(moment <= end + 35 + call_seconds for moment in world.answered if moment > end)
