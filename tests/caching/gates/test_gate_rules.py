"""What moves a gate, told without a database."""

import math
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from caching import gate_rules
from caching.calibration import Finding
from caching.gate_rules import COOL_DOWN, Evidence, GateState, Standing, TierPolicy
from caching.policies import Semantic
from caching.protocols import Namespace
from tests.caching.gates.kit import NOW, check, key_of

AUTO = TierPolicy()
LATER = NOW + timedelta(minutes=5)


def good(count: int, score: float = 0.95) -> list[Finding]:
    return [Finding(score, True)] * count


def bad(count: int, score: float = 0.95) -> list[Finding]:
    return [Finding(score, False)] * count


def serving(findings: list[Finding]) -> Standing:
    standing = decide(gate_rules.beginning(AUTO, NOW), Evidence(recent=findings))
    assert standing.state is GateState.SERVING
    return standing


def decide(standing: Standing, evidence: Evidence, policy: TierPolicy = AUTO, now=LATER) -> Standing:
    return gate_rules.decide(standing, evidence, policy=policy, now=now)


def test_a_gate_learns_until_there_is_a_proof_and_says_how_much_is_missing():
    new = gate_rules.beginning(AUTO, NOW)

    some = decide(new, Evidence(recent=good(200)))
    enough = decide(some, Evidence(recent=good(299)))

    assert "299 more" in new.reason
    assert (some.state, some.threshold, some.proof.needed) == (GateState.SHADOW, None, 99)
    assert "99 more" in some.reason
    assert (enough.state, enough.threshold, enough.since) == (GateState.SERVING, 0.95, LATER)
    assert "0 of 299" in enough.reason


def test_the_same_evidence_moves_a_gate_once():
    once = serving(good(400))

    again = decide(once, Evidence(recent=good(400), served=good(400)), now=LATER + timedelta(hours=1))

    assert (again.state, again.threshold, again.since) == (once.state, once.threshold, once.since)


def test_hits_are_checked_more_rarely_where_there_is_more_evidence():
    assert serving(good(299)).sample_rate == pytest.approx(0.05)
    assert serving(good(600)).sample_rate == pytest.approx(0.05 * 299 / 600)
    assert serving(good(3_000)).sample_rate == pytest.approx(0.01)


def test_a_broken_bound_raises_the_threshold_at_once():
    gate = serving(good(400, 0.90))
    found = good(400, 0.97) + good(100, 0.91) + bad(10, 0.91)

    raised = decide(gate, Evidence(recent=found, served=found))

    assert (raised.state, raised.threshold) == (GateState.SERVING, 0.97)
    assert "raised to" in raised.reason


def test_a_gate_that_is_right_often_enough_but_no_longer_proves_it_goes_back_to_learning_and_keeps_its_evidence():
    gate = serving(good(299))
    found = good(300) + bad(1)

    unproven = decide(gate, Evidence(recent=found, served=found))

    assert (unproven.state, unproven.threshold, unproven.fresh_after) == (GateState.SHADOW, None, None)


def test_a_gate_that_is_wrong_too_often_is_switched_off_and_begins_anew_after_a_while():
    gate = serving(good(400))
    found = good(400) + bad(20)

    off = decide(gate, Evidence(recent=found, served=found))
    still = decide(off, Evidence(recent=good(3_000)), now=LATER + COOL_DOWN - timedelta(seconds=1))
    anew = decide(off, Evidence(recent=good(3_000)), now=LATER + COOL_DOWN)

    assert (off.state, off.threshold, off.off_until) == (GateState.OFF, None, LATER + COOL_DOWN)
    assert still == off
    assert (anew.state, anew.fresh_after) == (GateState.SHADOW, LATER + COOL_DOWN)


def test_evidence_that_has_grown_old_closes_a_gate_without_blaming_it():
    gate = serving(good(400))

    aged = decide(gate, Evidence(recent=good(3), served=good(3)))

    assert aged.state is GateState.SHADOW


def test_a_threshold_is_lowered_only_with_something_to_spare():
    gate = serving(good(400, 0.97))
    hits = good(400, 0.97)
    barely, clearly = hits + good(75, 0.9) + bad(1, 0.9), hits + good(200, 0.9)

    assert decide(gate, Evidence(recent=barely, served=hits)).threshold == 0.97
    assert decide(gate, Evidence(recent=clearly, served=hits)).threshold == 0.9


def test_a_threshold_is_not_lowered_by_a_hair():
    gate = serving(good(400, 0.97))
    hits = good(400, 0.97)

    assert decide(gate, Evidence(recent=hits + good(400, 0.966), served=hits)).threshold == 0.97


def test_a_complaint_raises_the_threshold_above_its_score():
    gate = serving(good(400, 0.9))
    found = good(400, 0.97) + good(600, 0.9) + bad(1, 0.92)

    warned = decide(gate, Evidence(recent=found, served=found, bound_to=0.92))

    assert (warned.state, warned.threshold) == (GateState.SERVING, 0.97)


def test_a_complaint_closes_a_gate_that_has_no_proof_above_it():
    gate = serving(good(400, 0.9))
    found = good(400, 0.9) + bad(1, 0.99)

    warned = decide(gate, Evidence(recent=found, served=found, bound_to=0.99))
    later = decide(warned, Evidence(recent=found, bound_to=0.99))

    assert warned.state is GateState.SHADOW
    assert later.state is GateState.SHADOW


def test_a_complaint_below_the_threshold_changes_nothing():
    gate = serving(good(400, 0.97))
    hits = good(400, 0.97)

    assert decide(gate, Evidence(recent=[*hits, *bad(1, 0.6)], served=hits, bound_to=0.6)).threshold == 0.97


@pytest.mark.parametrize(
    ("policy", "state", "threshold"),
    [
        (TierPolicy(Semantic.OFF), GateState.OFF, math.inf),
        (TierPolicy(Semantic.SHADOW), GateState.SHADOW, math.inf),
        (TierPolicy(Semantic.MANUAL, manual_threshold=0.8), GateState.SERVING, 0.8),
        (TierPolicy(Semantic.MANUAL), GateState.SERVING, 0.95),
        (TierPolicy(Semantic.AUTO), GateState.SERVING, 0.95),
        (TierPolicy(Semantic.AUTO, tolerance=0.02), GateState.SERVING, 0.95),
        (TierPolicy(Semantic.AUTO, tolerance=0.005), GateState.SHADOW, math.inf),
    ],
)
def test_the_policy_has_the_last_word(policy, state, threshold):
    gate = gate_rules.gate(serving(good(400)), policy)

    assert (gate.state, gate.threshold) == (state, threshold)
    assert gate.reason


def test_nothing_can_be_served_where_nothing_is_known():
    gate = gate_rules.gate(None, AUTO)

    assert (gate.state, gate.threshold, gate.sample_rate) == (GateState.SHADOW, math.inf, 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": math.nan},
        {"score": 1.5},
        {"similarity": math.inf},
        {"sample_rate": 0.0},
        {"task_type": "a\x00b"},
        {"task_type": "x" * 65},
        {"method": "\ud800"},
        {"request_id": "x" * 129},
    ],
)
def test_a_check_that_no_database_would_take_is_known_as_such(wrong):
    sound = check(Namespace(UUID(int=0xADA)))

    assert sound.is_sound
    assert not replace(sound, **wrong).is_sound


def test_gates_of_other_spaces_and_versions_are_others():
    key = key_of(Namespace(UUID(int=0xADA)))

    assert len({key, replace(key, space="b"), replace(key, likeness_version="2"), replace(key, task_type="")}) == 4
