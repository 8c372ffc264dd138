"""APGR, CPT and cost on orders whose figures are known."""

import numpy as np
import pytest

from inference.routing import measures

STRONG, WEAK = np.array([1.0, 1, 1, 1]), np.array([0.0, 0, 1, 1])


def test_an_order_that_knows_the_gains_recovers_them_with_half_of_the_calls() -> None:
    found = measures.ranking(np.array([4.0, 3, 2, 1]), STRONG, WEAK)

    assert (found.apgr, found.cpt_50, found.cpt_80) == (0.75, 0.25, 0.5)


def test_the_wrong_way_round_it_is_as_far_below_one_half() -> None:
    assert measures.ranking(np.array([1.0, 2, 3, 4]), STRONG, WEAK).apgr == 0.25


def test_an_order_that_tells_nothing_apart_is_worth_as_much_as_chance() -> None:
    found = measures.ranking(np.zeros(4), STRONG, WEAK)

    assert (found.apgr, found.cpt_50) == (0.5, 0.5)


def test_a_strong_model_that_hurts_some_requests_can_be_worth_more_than_always() -> None:
    found = measures.ranking(np.array([3.0, 2, 1]), np.array([1.0, 1, 0]), np.array([0.0, 0, 1]))

    assert found.apgr > 0.75


def test_the_interval_is_around_the_figure_and_the_same_each_time() -> None:
    order = np.random.default_rng(1).random(400)
    strong, weak = np.ones(400), (order < 0.6).astype(np.float64)

    found = measures.apgr_interval(order, strong, weak)

    assert found.low < measures.ranking(order, strong, weak).apgr < found.high
    assert found == measures.apgr_interval(order, strong, weak)


def test_who_knows_which_model_fails_keeps_the_quality_at_the_lowest_cost() -> None:
    scores = np.array([[1.0, 1], [1, 1], [1, 1], [1, 0]])
    costs = np.array([[10.0, 1]] * 4)

    assert measures.cost_at(1.0, scores, scores, costs) == pytest.approx((3 + 10) / 40)
    assert measures.mixed_cost_at(1.0, scores, costs) == 1.0
    assert measures.mixed_cost_at(0.75, scores, costs) == pytest.approx(0.1)


def test_a_prediction_that_never_keeps_the_quality_has_no_cost() -> None:
    scores = np.array([[1.0, 0], [1, 0]])

    assert measures.cost_at(0.9, 1 - scores, scores, np.array([[2.0, 1]] * 2)) is None


def test_reliability_sets_what_came_beside_what_was_predicted() -> None:
    bins = measures.reliability(np.array([0.05, 0.05, 0.95, 0.95]), np.array([0.0, 0, 1, 0]))

    assert [(each.actual, each.rows) for each in bins] == [(0.0, 2), (0.5, 2)]
    assert measures.calibration_error(bins) == pytest.approx(0.25)
