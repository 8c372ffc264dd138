"""Which deployment is chosen: by health, load, weight, and where a conversation was before."""

from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest

from inference.resilience.board import Board
from inference.resilience.breaker import Rules
from inference.resilience.choice import Load, choose
from inference.resilience.retries import Failure

NOW = 1000.0


@dataclass(frozen=True)
class Place:
    id: str
    weight: int = 1


A, B, C = Place("a", 1), Place("b", 2), Place("c", 5)


@pytest.fixture
def board():
    return Board(Rules(), random=lambda: 0.0)


def pick(board, places=(A, B, C), *, busy=None, affinity="", random=lambda: 0.5):
    return choose(places, board=board, now=NOW, busy=busy or {}, affinity=affinity, random=random)


def shut(board, place):
    for _ in range(5):
        board.report(board.enter(place.id, NOW), NOW, Failure.TRANSIENT)


def cool(board, place):
    board.report(board.enter(place.id, NOW), NOW, Failure.BUSY, retry_after=10)


@pytest.mark.parametrize("has_affinity", [True, False])
def test_idle_deployments_are_chosen_by_weight(board, has_affinity):
    chance = Random(5)

    chosen = Counter(
        pick(board, affinity=f"conversation {number}" if has_affinity else "", random=chance.random)[0]
        for number in range(10_000)
    )

    for place in (A, B, C):
        assert chosen[place] / 10_000 == pytest.approx(place.weight / 8, abs=0.02)


def test_the_least_busy_for_its_weight_comes_first(board):
    assert pick(board, busy={"a": 1, "b": 1, "c": 4}) == (B, C, A)


def test_healthy_before_cooling_before_shut_out(board):
    shut(board, A)
    cool(board, B)

    assert pick(board, busy={"c": 100}) == (C, B, A)


def test_a_cooling_deployment_is_used_when_there_is_no_other(board):
    cool(board, A)

    assert pick(board, (A,)) == (A,)
    assert board.enter("a", NOW) is not None


def test_a_conversation_stays_where_it_was(board):
    chosen = {pick(board, affinity="conversation", random=Random(seed).random)[0] for seed in range(50)}

    assert len(chosen) == 1


def test_a_deployment_that_drops_out_moves_only_its_own_conversations(board):
    before = {name: pick(board, affinity=name)[0] for name in map(str, range(2000))}

    after = {name: pick(board, (A, B), affinity=name)[0] for name in before}

    moved = [name for name in before if before[name] != after[name]]
    assert {before[name] for name in moved} == {C}
    assert all(before[name] != C or after[name] in (A, B) for name in before)


@pytest.mark.parametrize("trouble", [shut, cool])
def test_a_conversation_leaves_a_deployment_in_trouble_and_keeps_to_the_next(board, trouble):
    home = pick(board, affinity="conversation")[0]
    trouble(board, home)

    refuges = {pick(board, affinity="conversation", random=Random(seed).random)[0] for seed in range(50)}

    assert len(refuges) == 1
    assert home not in refuges


def test_a_conversation_leaves_a_crowded_deployment(board):
    places = (Place("a"), Place("b"))
    home, other = pick(board, places, affinity="conversation")

    assert pick(board, places, affinity="conversation", busy={home.id: 8, other.id: 3})[0] == home
    assert pick(board, places, affinity="conversation", busy={home.id: 9, other.id: 3})[0] == other


def test_with_everybody_in_trouble_all_are_still_named(board):
    for place in (A, B, C):
        shut(board, place)

    assert set(pick(board, affinity="conversation")) == {A, B, C}


def test_calls_under_way_are_counted():
    load = Load()

    with load.call("a"), load.call("a"):
        assert load.busy == {"a": 2}

    assert load.busy == {}
