"""A series names its gaps and refuses what it cannot be."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.forecasting.series import DAY, HOUR, Scale, Series

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_day_nobody_told_of_is_a_gap_and_not_a_zero():
    known = {MONDAY: 5.0, MONDAY + 2 * DAY: 0.0}

    series = Series.between(MONDAY, MONDAY + 3 * DAY, step=DAY, known=known)

    assert series.values == (5.0, None, 0.0)
    assert (series.gaps, series.known, series.end) == ((MONDAY + DAY,), 2, MONDAY + 3 * DAY)


def test_its_last_values_begin_later():
    series = Series(MONDAY, HOUR, (1.0, 2.0, 3.0))

    assert series.last(2) == Series(MONDAY + HOUR, HOUR, (2.0, 3.0))
    assert series.last(9) == series


@pytest.mark.parametrize(
    ("start", "step", "values", "said"),
    [
        (datetime.fromisoformat("2026-01-05"), DAY, (), "UTC"),
        (datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=2))), DAY, (), "UTC"),
        (MONDAY, timedelta(minutes=5), (), "hour or a day"),
        (MONDAY, DAY, (math.nan,), "None"),
        (MONDAY, DAY, (math.inf,), "None"),
    ],
)
def test_what_is_no_series_is_refused(start, step, values, said):
    with pytest.raises(ValueError, match=said):
        Series(start, step, values)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50))
def test_the_scale_leads_back_to_the_numbers(values):
    numbers = np.array(values)
    scale = Scale.of(numbers)

    assert np.allclose(scale.numbers(scale.logs(numbers)), numbers, rtol=1e-6, atol=1e-6 * scale.unit)
