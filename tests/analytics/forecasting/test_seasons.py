"""Seasons are believed as far as the numbers prove them."""

import numpy as np
import pytest

from analytics.forecasting import seasons

WEEK = np.array([1.0, 1.0, 1.0, 1.0, 1.0, -2.0, -3.0])


def test_a_week_that_repeats_is_learned_whole():
    learned = seasons.profile(np.tile(WEEK, 8), 1)

    assert learned == pytest.approx(WEEK - np.median(WEEK), abs=1e-6)


def test_it_begins_with_the_step_after_the_last():
    learned = seasons.profile(np.tile(WEEK, 8)[:-2], 1)

    assert np.argmin(learned) == 1


def test_noise_is_not_taken_for_a_season():
    noise = np.random.default_rng(4).normal(0, 1, 7 * 20)

    assert np.abs(seasons.profile(noise, 1)).max() < 0.3


def test_of_one_week_nothing_is_learned():
    assert not seasons.profile(WEEK, 1).any()


def test_one_wild_day_does_not_make_a_season():
    logs = np.tile(WEEK, 8)
    logs[10] = 50.0

    assert seasons.profile(logs, 1) == pytest.approx(WEEK - 1.0, abs=1e-6)


def test_hours_and_weekdays_are_learned_together():
    hours = np.sin(np.arange(24))
    logs = np.tile(np.repeat(WEEK, 24) + np.tile(hours, 7), 5)

    learned = seasons.profile(logs, 24)

    assert np.ptp(learned - logs[: 7 * 24]) < 0.05


def test_gaps_are_left_out():
    logs = np.tile(WEEK, 8)
    logs[[3, 11, 40]] = np.nan

    assert seasons.profile(logs, 1) == pytest.approx(WEEK - 1.0, abs=1e-6)
    assert seasons.profile(np.full(30, np.nan), 1) == pytest.approx(np.zeros(7))
