"""Intervals can be made again, and hold what they say."""

import numpy as np
import pytest

from inference.benchmark import intervals
from inference.benchmark.intervals import Bootstrap

VALUES = np.array([0.0, 1.0] * 50)


def test_the_same_seed_says_the_same():
    values = np.arange(50.0) ** 2

    assert Bootstrap(seed=7).mean(values) == Bootstrap(seed=7).mean(values)
    assert Bootstrap(seed=7).mean(values) != Bootstrap(seed=8).mean(values)


def test_a_share_of_a_hundred_is_as_wide_as_theory_says():
    found = Bootstrap(seed=1).mean(VALUES)

    assert found is not None
    # 1.96 * sqrt(0.25 / 100) = 0.098
    assert found.low == pytest.approx(0.5 - 0.098, abs=0.015)
    assert found.high == pytest.approx(0.5 + 0.098, abs=0.015)


def test_draws_are_paired():
    """A part that is always half of its whole has no spread, however much both vary."""
    wholes = np.arange(1.0, 50.0)

    found = Bootstrap(seed=1).ratio(wholes / 2, wholes)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


def test_one_request_has_no_interval():
    assert Bootstrap(seed=1).mean(VALUES[:1]) is None


def test_nothing_to_have_a_part_of_is_no_part():
    assert Bootstrap(seed=1).ratio(np.zeros(3), np.zeros(3)) == intervals.Interval(0.0, 0.0)
