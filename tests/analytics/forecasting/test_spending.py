"""A month's end and the day a budget runs out are dates and sums with an interval."""

from datetime import UTC, datetime, timedelta

import pytest

from analytics.forecasting import generated, spending
from analytics.forecasting.outlook import NotEnough
from analytics.forecasting.series import DAY, Series
from analytics.forecasting.spending import MonthEnd, RunsOut

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def until(end: datetime, *, count: int = 100) -> Series:
    """A hundred days of 70 to 130 dollars, over and over, that end with `end`."""
    return Series(end - DAY * count, DAY, tuple(70.0 + 10 * (index * 5 % 7) for index in range(count)))


def test_a_months_end_is_what_was_spent_and_what_is_to_come():
    series = until(datetime(2026, 4, 17, tzinfo=UTC))

    found = spending.month_end(series, spent=1600.0)

    assert isinstance(found, MonthEnd)
    assert found.until == MAY
    assert found.expected == pytest.approx(1600 + 14 * 100, rel=0.02)
    assert 1600 < found.band95.low <= found.band80.low <= found.expected <= found.band80.high <= found.band95.high
    assert found.errors is not None


def test_on_the_first_of_a_month_the_whole_of_it_is_ahead():
    found = spending.month_end(until(MAY), spent=0.0)

    assert isinstance(found, MonthEnd)
    assert found.until == datetime(2026, 6, 1, tzinfo=UTC)
    assert found.expected == pytest.approx(3100, rel=0.02)


def test_december_is_followed_by_the_next_year():
    assert spending.next_month(datetime(2026, 12, 31, 23, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_budget_runs_out_on_a_day_between_two_days():
    series = generated.days("weekly", count=100, seed=3)

    found = spending.runs_out(series, left=900.0, until=series.end + timedelta(days=20))

    assert isinstance(found, RunsOut)
    assert found.expected is not None
    assert found.earliest is not None
    assert found.latest is not None
    assert series.end < found.earliest <= found.expected <= found.latest < found.until


def test_a_budget_that_is_large_enough_never_runs_out():
    series = until(datetime(2026, 4, 17, tzinfo=UTC))

    found = spending.runs_out(series, left=100_000.0, until=MAY)

    assert isinstance(found, RunsOut)
    assert (found.earliest, found.expected, found.latest, found.until) == (None, None, None, MAY)


def test_a_budget_may_run_out_without_its_being_expected():
    series = generated.days("weekly", count=100, seed=3)
    month = spending.month_end(series, spent=0.0)
    assert isinstance(month, MonthEnd)

    found = spending.runs_out(series, left=(month.expected + month.band80.high) / 2, until=month.until)

    assert isinstance(found, RunsOut)
    assert found.earliest is not None
    assert (found.expected, found.latest) == (None, None)


def test_a_budget_that_is_spent_has_run_out():
    series = until(datetime(2026, 4, 17, tzinfo=UTC))

    found = spending.runs_out(series, left=0.0, until=MAY)

    assert isinstance(found, RunsOut)
    assert found.expected == series.end


def test_a_young_organization_is_told_that_it_is_too_early():
    series = until(datetime(2026, 4, 17, tzinfo=UTC), count=10)

    assert isinstance(spending.month_end(series, spent=5.0), NotEnough)
    assert isinstance(spending.runs_out(series, left=5.0, until=MAY), NotEnough)


def test_hours_are_no_basis_for_a_month():
    with pytest.raises(ValueError, match="sum the hours up"):
        spending.month_end(generated.hours(count=200, seed=1), spent=0.0)
