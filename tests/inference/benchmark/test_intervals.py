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
    """A part that is nearly half of its whole has little spread, however much both vary."""
    wholes = np.arange(1.0, 50.0)

    found = Bootstrap(seed=1).ratio(wholes / 2 + np.tile([0, 0.01], 25)[:49], wholes)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5, 0.5), abs=0.001)


def test_one_request_has_no_interval():
    assert Bootstrap(seed=1).mean(VALUES[:1]) is None


def test_nothing_to_have_a_part_of_is_no_part():
    found = Bootstrap(seed=1).ratio(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 2.0]))

    assert found == intervals.Interval(0.0, 0.5)


def test_what_never_varied_has_no_interval():
    """That no request of a hundred was wrong does not prove that none ever is."""
    assert Bootstrap(seed=1).mean(np.zeros(100)) is None
