"""What is proven is true: the bound against published values, and the choice against worlds whose truth is known."""

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caching import calibration
from caching.calibration import Finding, calibrate, checks_needed, upper_bound

TOLERANCE = 0.01
SIMULATIONS = 200


# from tables of exact binomial limits, and from the closed forms for none and for all
@pytest.mark.parametrize(
    ("wrong", "checked", "confidence", "bound"),
    [
        (0, 299, 0.95, 0.009969),
        (0, 298, 0.95, 0.010002),
        (0, 59, 0.95, 0.049508),
        (0, 100, 0.95, 0.029513),
        (1, 473, 0.95, 0.009990),
        (3, 100, 0.95, 0.075711),
        (1, 10, 0.95, 0.394163),
        (5, 10, 0.975, 0.812914),
        (1, 20, 0.975, 0.248733),
        (10, 100, 0.975, 0.176223),
        (19, 20, 0.95, 0.997439),
        (20, 20, 0.95, 1.0),
        (0, 0, 0.95, 1.0),
    ],
)
def test_the_bound_is_that_of_the_tables(wrong, checked, confidence, bound):
    assert upper_bound(wrong, checked, confidence) == pytest.approx(bound, abs=1e-6)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
@settings(max_examples=60, deadline=None)
def test_at_the_bound_so_few_wrong_ones_are_just_as_unlikely_as_was_allowed(counts):
    wrong, checked = counts
    rate = upper_bound(wrong, checked)

    chance = sum(
        math.exp(math.log(math.comb(checked, k)) + k * math.log(rate) + (checked - k) * math.log1p(-rate))
        for k in range(wrong + 1)
    )

    assert chance == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize(("tolerance", "needed"), [(0.01, 299), (0.02, 149), (0.05, 59), (0.2, 14)])
def test_a_proof_takes_so_many_checks_without_a_mistake(tolerance, needed):
    assert checks_needed(tolerance) == needed
    assert upper_bound(0, needed) <= tolerance < upper_bound(0, needed - 1)


def test_too_little_evidence_proves_nothing_and_says_how_much_is_missing():
    nothing = calibrate([], TOLERANCE)
    some = calibrate([Finding(0.9, True)] * 298, TOLERANCE)
    enough = calibrate([Finding(0.9, True)] * 299, TOLERANCE)

    assert (nothing.threshold, nothing.needed, nothing.upper_bound) == (None, 299, 1.0)
    assert (some.threshold, some.needed) == (None, 1)
    assert (enough.threshold, enough.needed, enough.checked, enough.wrong) == (0.9, 0, 299, 0)


def test_checks_with_the_same_score_stand_or_fall_together():
    findings = [Finding(0.9, True)] * 299 + [Finding(0.9, False)]

    assert calibrate(findings, TOLERANCE).threshold is None


def test_the_threshold_stays_above_where_mistakes_begin():
    findings = [Finding(0.8 + i / 10_000, True) for i in range(1_000)]
    findings += [Finding(0.7 + i / 10_000, i % 3 > 0) for i in range(1_000)]

    found = calibrate(findings, TOLERANCE)

    assert found.threshold is not None
    assert 0.79 < found.threshold <= 0.85
    assert found.upper_bound <= TOLERANCE


def test_one_mistake_at_the_very_top_does_not_end_it_for_good():
    findings = [Finding(1.0, False)] + [Finding(0.9 + i / 100_000, True) for i in range(2_000)]

    found = calibrate(findings, TOLERANCE)

    assert found.threshold is not None
    assert found.wrong == 1


def test_what_is_still_needed_is_what_it_takes():
    findings = [Finding(0.9, True)] * 200 + [Finding(0.8, False)] * 50

    needed = calibrate(findings, TOLERANCE).needed

    assert calibrate([*findings, *[Finding(1.0, True)] * (needed - 1)], TOLERANCE).threshold is None
    assert calibrate([*findings, *[Finding(1.0, True)] * needed], TOLERANCE).threshold is not None


def test_the_order_of_the_checks_does_not_matter():
    chance = random.Random(1)
    findings = [Finding(score := chance.random(), chance.random() < 0.97 + score / 30) for _ in range(1_500)]

    assert calibrate(findings, TOLERANCE) == calibrate(findings[::-1], TOLERANCE)


# the truth: how likely an answer is wrong at a score
WORLDS: dict[str, Callable[[float], float]] = {
    "just beyond the tolerance everywhere": lambda score: 0.0101,
    "beyond it everywhere": lambda score: 0.03,
    "good only near the top": lambda score: 0.2 * (1 - score) ** 2,
    "good down to an edge": lambda score: 0.0 if score > 0.7 else 0.5,
    "just beyond it above an edge": lambda score: 0.0101 if score > 0.5 else 0.3,
    "never quite good": lambda score: 0.003 + 0.5 * (1 - score) ** 3,
}


@pytest.mark.parametrize("checked", [400, 1_000])
@pytest.mark.parametrize("name", WORLDS)
def test_more_than_the_tolerance_is_wrong_in_no_more_worlds_than_allowed(name, checked):
    chance = random.Random(f"{name} {checked}")
    truth = WORLDS[name]

    too_loose = sum(
        threshold is not None and _wrong_above(threshold, truth) > TOLERANCE
        for threshold in (_chosen(truth, checked, chance) for _ in range(SIMULATIONS))
    )

    # 5 %, and what chance may add to so few simulations
    assert too_loose <= 0.05 * SIMULATIONS + 3 * math.sqrt(0.05 * 0.95 * SIMULATIONS)


def test_looking_again_and_again_seldom_proves_what_is_clearly_untrue():
    chance = random.Random(11)
    lives, proven = 100, 0
    for _ in range(lives):
        findings = [Finding(chance.random(), chance.random() >= 1.5 * TOLERANCE) for _ in range(1_500)]
        looks = (300, 375, 470, 590, 730, 920, 1_150, 1_500)
        proven += any(calibrate(findings[:checked], TOLERANCE).threshold is not None for checked in looks)

    assert proven <= 0.06 * lives


def test_where_neighbours_are_good_a_threshold_is_found():
    chance = random.Random(7)
    found = [_chosen(WORLDS["good down to an edge"], 2_000, chance) for _ in range(20)]

    assert all(threshold is not None and 0.69 < threshold < 0.8 for threshold in found)


def test_a_sequence_begins_with_just_enough_and_goes_down_step_by_step():
    ranked = [Finding(1 - i / 1_000, True) for i in range(1_000)]

    steps = [candidate.checked for candidate in calibration._candidates(ranked, 299)]

    assert (steps[0], steps[-1]) == (299, 1_000)
    assert all(before < after <= before * 1.1 + 1 for before, after in pairwise(steps))


def _chosen(truth: Callable[[float], float], checked: int, chance: random.Random) -> float | None:
    scores = [chance.random() for _ in range(checked)]
    return calibrate([Finding(score, chance.random() >= truth(score)) for score in scores], TOLERANCE).threshold


def _wrong_above(threshold: float, truth: Callable[[float], float]) -> float:
    steps = 200
    return sum(truth(threshold + (1 - threshold) * (step + 0.5) / steps) for step in range(steps)) / steps
