"""Retries keep to a budget, failing deployments are left alone and come back, calls spread by weight."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acron_site.lib.errors import (
    AcronError,
    InvalidRequestError,
    OverloadedError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from inference.providers.base import Provider
from inference.providers.mock import MockTransport
from inference.resilience.breaker import Board, Breaker, BreakerPolicy
from inference.resilience.retries import Failure, RetryBudget, classify, pause_seconds
from inference.resilience.switchboard import ordered
from inference.targets import Target
from tests.inference.asks import openai_model


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UpstreamError("x"), 500, Failure.TRANSIENT),
        (UpstreamError("x"), None, Failure.TRANSIENT),
        (UpstreamError("x", headers={"Retry-After": "3"}), 503, Failure.BUSY),
        (UpstreamTimeoutError("x"), None, Failure.TIMEOUT),
        (RateLimitedError("x"), 429, Failure.BUSY),
        (OverloadedError("x"), 529, Failure.BUSY),
        (UpstreamError("no credit"), 429, Failure.CREDENTIALS),
        (UpstreamError("x"), 401, Failure.CREDENTIALS),
        (UpstreamError("x"), 302, Failure.CREDENTIALS),
        (InvalidRequestError("x"), 400, Failure.CALLER),
        (UpstreamError("no reason"), 418, Failure.CREDENTIALS),
    ],
)
def test_a_failure_is_read_by_what_the_provider_said(error: AcronError, status: int | None, kind: Failure):
    assert classify(error, status) is kind


@pytest.mark.parametrize(
    ("retry_after", "pause"), [("3", 3.0), ("6", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), (None, 0.125)]
)
def test_a_pause_is_what_the_provider_asks_for_or_half_the_jitter(retry_after, pause):
    assert pause_seconds(1, retry_after=retry_after, longest_wait_seconds=5, random=lambda: 0.5) == pause


@pytest.mark.parametrize("requests", [10, 100, 1000])
def test_in_a_total_outage_a_request_takes_one_and_a_half_calls_at_most(requests):
    budget, calls = RetryBudget(), 0
    for _ in range(requests):
        budget.note_request()
        calls += 1
        while calls < 3 * requests and budget.take():
            calls += 1

    assert calls / requests <= 1.5


def test_an_outage_costs_few_calls_and_its_end_is_noticed_within_35_seconds():
    clock = Clock()
    board, budget, calls, asked = Board(BreakerPolicy(), clock), RetryBudget(), 0, 0
    outage_ends, back_at = 1060.0, None

    while clock.now < 1120 and back_at is None:
        clock.now += 0.02  # 50 requests a second
        asked += clock.now < outage_ends
        budget.note_request()
        for attempt in range(3):
            if not board["d"].allows(clock.now) or (attempt and not budget.take()):
                break
            board["d"].began(clock.now)
            is_down = clock.now < outage_ends
            calls += is_down
            board.ended("d", Failure.TRANSIENT if is_down else None, retry_after_seconds=None)
            if not is_down:
                back_at = clock.now
                break

    print(f"\noutage of 60 s: {asked} requests, {calls} calls; back after {back_at - outage_ends:.1f} s")
    assert calls / asked <= 1.5
    assert back_at - outage_ends <= 35


@pytest.mark.parametrize("kind", [Failure.CALLER, Failure.BUSY, Failure.CREDENTIALS])
def test_what_one_caller_does_wrong_never_closes_the_way_for_others(kind):
    board = Board(BreakerPolicy(), Clock())

    for _ in range(1000):
        board["d"].began(board.now())
        board.ended("d", kind, retry_after_seconds=None)

    assert board["d"].allows(board.now())


def test_a_few_failures_among_many_successes_open_nothing():
    board = Board(BreakerPolicy(), Clock())

    for number in range(300):
        board["d"].began(board.now())
        board.ended("d", Failure.TRANSIENT if number % 3 == 0 else None, retry_after_seconds=None)

    assert not board["d"].is_open


def test_failures_far_apart_open_nothing():
    clock = Clock()
    board = Board(BreakerPolicy(), clock)

    for _ in range(50):
        clock.now += 6
        board["d"].began(clock.now)
        board.ended("d", Failure.TRANSIENT, retry_after_seconds=None)

    assert not board["d"].is_open


def test_a_probe_whose_caller_leaves_gives_its_place_back():
    clock = Clock()
    board = opened(clock)
    clock.now += 30
    board["d"].began(clock.now)
    assert not board["d"].allows(clock.now)

    board["d"].left()

    assert board["d"].allows(clock.now)


@given(st.lists(st.sampled_from(["begin", "succeed", "fail", "leave", "wait"]), max_size=80))
def test_an_open_breaker_never_lets_two_calls_through_at_once(acts):
    clock = Clock()
    board = opened(clock)
    under_way = 0
    for act in acts:
        breaker = board["d"]
        if act == "wait":
            clock.now += 7
        elif act == "begin" and breaker.allows(clock.now):
            assert not breaker.is_open or under_way == 0 or clock.now - 1000 >= 60
            breaker.began(clock.now)
            under_way += 1
        elif under_way and act == "leave":
            breaker.left()
            under_way -= 1
        elif under_way and act in ("succeed", "fail"):
            board.ended("d", None if act == "succeed" else Failure.TRANSIENT, retry_after_seconds=None)
            under_way -= 1
        assert breaker.load == under_way


def test_a_change_is_told_once():
    told: list[tuple[str, bool]] = []
    clock = Clock()
    board = opened(clock, told)
    clock.now += 30
    board["d"].began(clock.now)

    board.ended("d", None, retry_after_seconds=None)

    assert told == [("d", True), ("d", False)]


def test_what_other_workers_leave_alone_is_left_alone_here_until_they_say_otherwise():
    clock = Clock()
    board = Board(BreakerPolicy(), clock)

    board.heard({"d": 20.0})
    assert not board["d"].allows(clock.now)
    board.heard({})

    assert board["d"].allows(clock.now)


def test_idle_deployments_are_not_remembered_without_end():
    board = Board(BreakerPolicy(), Clock())

    for number in range(10_000):
        board[str(number)]

    assert len(board._breakers) <= 4096


def opened(clock: Clock, told: list[tuple[str, bool]] | None = None) -> Board:
    board = Board(
        BreakerPolicy(), clock, lambda name, is_open: told.append((name, is_open)) if told is not None else None
    )
    for _ in range(5):
        board["d"].began(clock.now)
        board.ended("d", Failure.TRANSIENT, retry_after_seconds=None)
    assert isinstance(board["d"], Breaker)
    return board


def target(name: str, weight: int = 1) -> Target:
    return Target(name, openai_model(), Provider("openai", {}, MockTransport()), weight)


def firsts(targets: list[Target], conversations: int = 10_000, **loads: float) -> Counter[str]:
    def load(each: Target) -> float:
        return loads.get(each.id, 0)

    return Counter(
        ordered(targets, f"c{number}", load=load, is_cooling=lambda _: False)[0].id for number in range(conversations)
    )


def test_conversations_spread_by_weight():
    shares = firsts([target("a", 3), target("b", 1)])

    assert 0.72 < shares["a"] / 10_000 < 0.78


def test_a_conversation_stays_where_it_is_when_another_deployment_goes():
    three = [target("a"), target("b"), target("c")]

    for number in range(1000):
        before = ordered(three, f"c{number}", load=lambda _: 0, is_cooling=lambda _: False)[0]
        after = ordered(three[:2], f"c{number}", load=lambda _: 0, is_cooling=lambda _: False)[0]
        assert before.id in (after.id, "c")


def test_a_much_busier_deployment_is_passed_over():
    assert firsts([target("a"), target("b")], a=20)["a"] == 0


def test_one_that_cools_down_comes_last():
    places = ordered([target("a"), target("b")], "c", load=lambda _: 0, is_cooling=lambda each: each.id == "a")

    assert [place.id for place in places] == ["b", "a"]


def test_weights_count_in_how_busy_a_deployment_is():
    heavy = replace(target("a"), weight=10)

    assert firsts([heavy, target("b")], conversations=100, a=0.5, b=0)["a"] > 50
