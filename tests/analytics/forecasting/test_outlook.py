"""A forecast says what comes next, how sure it is and how far off it was before; or that it cannot tell."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.forecasting import generated, outlook
from analytics.forecasting.methods import Method
from analytics.forecasting.outlook import Errors, Forecast, NotEnough
from analytics.forecasting.series import DAY, HOUR, Series


def made(series: Series, *, horizon: int = 7) -> Forecast:
    found = outlook.forecast(series, horizon=horizon)
    assert isinstance(found, Forecast)
    return found


def measured(series: Series, *, horizon: int = 7) -> Errors:
    errors = outlook.backtest(series, horizon=horizon)
    assert isinstance(errors, Errors)
    return errors


def exact(values: Sequence[float | None]) -> Series:
    return Series(generated.START, DAY, tuple(values))


def test_a_week_that_repeats_goes_on():
    week = [100.0, 110.0, 120.0, 110.0, 100.0, 20.0, 10.0]

    found = made(exact(week * 8))

    assert [point.expected for point in found.steps] == pytest.approx(week, rel=0.02)
    assert [point.expected for point in found.totals] == pytest.approx([sum(week[: n + 1]) for n in range(7)], rel=0.02)
    assert [point.at for point in found.steps] == [generated.START + DAY * (56 + ahead) for ahead in range(7)]


def test_the_method_that_was_least_off_is_chosen_and_named():
    assert made(generated.days("weekly, growing", count=120, seed=2)).method is Method.TREND
    assert made(generated.days("weekly, doubles once", count=120, seed=2)).method is Method.LEVEL


def test_growth_is_followed_but_not_for_ever():
    series = generated.days("weekly, growing", count=120, seed=2)

    weeks = [sum(point.expected for point in made(series, horizon=28).steps[7 * n : 7 * n + 7]) for n in range(4)]

    assert weeks[0] < weeks[1] < weeks[2]
    assert weeks[3] / weeks[2] < weeks[1] / weeks[0]


def test_one_wild_day_moves_the_forecast_by_little():
    calm = generated.days("weekly", count=90, seed=6)
    wild = replace(calm, values=(*calm.values[:85], 5000.0, *calm.values[86:]))

    before, after = made(calm).totals[-1].expected, made(wild).totals[-1].expected

    assert after == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "not enough data: 0 days are there, more than 14 are needed"),
        ([5.0] * 14, "not enough data: 14 days are there, more than 14 are needed"),
        ([5.0] * 20, "not enough data: with 20 days known, forecasts can be judged for 0 days ahead, not for 7"),
        ([5.0, None] * 30, None),
        ([5.0, None, None] * 20, "not enough data: 40 of 60 days are gaps"),
    ],
)
def test_where_too_little_is_known_it_says_so_instead_of_guessing(values, said):
    found = outlook.forecast(exact(values), horizon=7)

    assert isinstance(found, NotEnough)
    assert said is None or found.reason == said


def test_further_ahead_needs_more_history():
    assert isinstance(outlook.forecast(generated.days("weekly", count=45, seed=1), horizon=14), Forecast)
    assert isinstance(outlook.forecast(generated.days("weekly", count=45, seed=1), horizon=31), NotEnough)


@pytest.mark.parametrize("values", [[5.0] * 9, [5.0] * 20, [None] * 6 + [5.0] * 9])
def test_a_back_test_of_too_little_says_so_too(values):
    assert isinstance(outlook.backtest(exact(values), horizon=7), NotEnough)


@pytest.mark.parametrize("horizon", [0, -1, 93])
def test_a_horizon_nobody_plans_by_is_refused(horizon):
    with pytest.raises(ValueError, match="from 1 to 92"):
        outlook.forecast(generated.days("weekly", count=45, seed=1), horizon=horizon)


def test_a_gap_is_not_taken_for_a_day_without_cost():
    series = generated.days("weekly", count=90, seed=6)
    gaps = {70, 75, 80, 84}
    holed = replace(series, values=tuple(None if i in gaps else value for i, value in enumerate(series.values)))

    assert made(holed).totals[-1].expected == pytest.approx(made(series).totals[-1].expected, rel=0.1)


@pytest.mark.parametrize("kind", ["weekly", "weekly, growing", "noise alone", "weekly, heavy tails"])
def test_bands_hold_what_they_promise_on_what_they_have_not_seen(kind):
    errors = measured(generated.days(kind, count=150, seed=11), horizon=14)

    assert 0.72 <= errors.coverage80 <= 0.96
    assert errors.coverage95 >= 0.90
    assert errors.compared > 300


def test_with_a_season_and_noise_it_is_better_than_last_week_again():
    assert (measured(generated.days("weekly", count=150, seed=11)).mase or 1) < 0.9


def test_hours_are_forecast_by_hour_and_weekday():
    series = generated.hours(count=24 * 35, seed=1)

    found = made(series, horizon=24)

    night, noon = found.steps[1].expected, found.steps[12].expected
    assert found.step == HOUR
    assert noon > 3 * night
    assert found.errors is not None
    assert (found.errors.mase or 1) < 0.95


def test_a_week_of_hours_is_enough_for_the_hours_of_tomorrow():
    found = made(generated.hours(count=24 * 7, seed=1), horizon=12)

    assert len(found.steps) == 12
    assert found.steps[8].expected > 2 * found.steps[0].expected


def test_where_nothing_is_spent_nothing_is_expected():
    found = made(exact([0.0] * 60))

    assert {(point.expected, point.band95.low, point.band95.high) for point in found.steps} == {(0.0, 0.0, 0.0)}
    assert found.errors is not None
    assert (found.errors.mape, found.errors.wape, found.errors.mase) == (None, None, None)


def test_the_errors_shown_are_those_of_the_back_test():
    series = generated.days("weekly", count=90, seed=6)

    assert made(series).errors == measured(series)


VALUES = st.lists(st.none() | st.floats(-5, 1e12, allow_nan=False), min_size=24, max_size=34)


@settings(max_examples=10, deadline=None)
@given(VALUES)
def test_whatever_the_numbers_are_bands_lie_in_each_other_and_above_nothing(values):
    found = outlook.forecast(exact(values), horizon=3)

    for point in () if isinstance(found, NotEnough) else (*found.steps, *found.totals):
        narrow, wide = point.band80, point.band95
        assert 0 <= wide.low <= narrow.low <= point.expected <= narrow.high <= wide.high
