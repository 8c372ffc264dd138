"""Breakers and cooldowns by deployment: who is told of changes, and how many are remembered."""

import pytest

from inference.resilience.board import Board, Cooldowns
from inference.resilience.breaker import Rules
from inference.resilience.retries import Failure


class Diary:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []

    def opened(self, deployment_id: str, *, until: float, is_heard: bool) -> None:
        self.lines.append(("opened", deployment_id, is_heard))

    def closed(self, deployment_id: str, *, is_heard: bool) -> None:
        self.lines.append(("closed", deployment_id, is_heard))

    def gave_back_probe(self, deployment_id: str) -> None:
        self.lines.append(("gave back", deployment_id, False))


@pytest.fixture
def board():
    return Board(Rules(), random=lambda: 0.0, most=20)


@pytest.fixture
def diary(board):
    board.subscribe(diary := Diary())
    return diary


def call(board, now, failure=None, name="a"):
    board.report(board.enter(name, now), now, failure)


def shut(board, now, name="a"):
    for _ in range(5):
        call(board, now, Failure.TRANSIENT, name)


def test_each_change_is_told_once(board, diary):
    shut(board, 100.0)
    assert board.enter("a", 101.0) is None
    call(board, 130.0, Failure.TIMEOUT)
    call(board, 160.0)
    call(board, 161.0)

    assert diary.lines == [("opened", "a", False), ("opened", "a", False), ("closed", "a", False)]


@pytest.mark.parametrize("failure", [Failure.CALLER, Failure.BUSY, Failure.CREDENTIALS])
def test_a_probe_without_a_verdict_is_given_back(board, diary, failure):
    shut(board, 100.0)
    call(board, 130.0, failure)

    assert diary.lines[1:] == [("gave back", "a", False)]


def test_a_probe_whose_caller_leaves_is_given_back(board, diary):
    shut(board, 100.0)

    ticket = board.enter("a", 130.0)
    assert ticket.is_probe
    board.withdraw(ticket)

    assert diary.lines[1:] == [("gave back", "a", False)]
    assert board.allows("a", 130.0)


def test_one_deployments_troubles_are_no_others(board):
    shut(board, 100.0)

    assert not board.allows("a", 101.0)
    assert board.allows("b", 101.0)


def test_what_others_say_is_heard_once(board, diary):
    call(board, 100.0)

    board.hear_open("a", until=120.0, now=100.0)
    board.hear_open("a", until=120.0, now=101.0)
    assert not board.allows("a", 119.0)
    assert board.allows("a", 120.0)

    board.hear_closed("a")
    board.hear_closed("a")
    board.hear_open("unknown here", until=120.0, now=100.0)
    assert board.allows("a", 101.0)
    assert diary.lines == [("opened", "a", True), ("closed", "a", True)]


def test_a_cooldown_lasts_as_long_as_was_asked_for_and_a_minute_at_most():
    cooldowns = Cooldowns()
    cooldowns.start("a", 100.0, 10)
    cooldowns.start("a", 101.0, 2)  # does not shorten it
    cooldowns.start("b", 100.0, 3600)
    cooldowns.start("c", 100.0, None)

    assert [name for name in "abc" if cooldowns.is_cooling(name, 100.5)] == ["a", "b", "c"]
    assert [name for name in "abc" if cooldowns.is_cooling(name, 109.0)] == ["a", "b"]
    assert [name for name in "abc" if cooldowns.is_cooling(name, 160.0)] == []


def test_cooldowns_are_bounded():
    cooldowns = Cooldowns(most=2)
    for name in "abc":
        cooldowns.start(name, 100.0, 10)
    assert not cooldowns.is_cooling("c", 100.0)

    cooldowns.start("c", 110.0, 10)

    assert cooldowns.is_cooling("c", 111.0)


def test_healthy_deployments_that_nobody_asks_for_are_forgotten(board):
    shut(board, 100.0, "sick")
    for number in range(19):
        call(board, 100.0 + number, name=f"{number}")

    call(board, 300.0, name="new")

    assert not board.allows("sick", 101.0)
    assert len(board.recent(300.0, within_seconds=1e9, most=1000)) == 2


def test_in_a_crowd_those_used_last_are_remembered(board):
    for number in range(100):
        call(board, 100.0 + number, name=f"{number}")

    remembered = board.recent(200.0, within_seconds=1e9, most=1000)

    assert len(remembered) <= 20
    assert "99" in remembered
    assert list(board.recent(200.0, within_seconds=1e9, most=1)) == ["99"]
    assert set(board.recent(200.0, within_seconds=3, most=1000)) == {"97", "98", "99"}
