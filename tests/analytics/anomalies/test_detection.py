"""What is out of the ordinary is found, and what is ordinary is left in peace."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.anomalies import detection
from analytics.anomalies.detection import Direction, Finding
from analytics.forecasting import generated
from analytics.forecasting.outlook import NotEnough
from analytics.forecasting.series import DAY, Series


def ordinary(*, count: int = 90, seed: int = 7) -> Series:
    """A business with quiet weekends and noise of a seventh."""
    return generated.days("weekly", count=count, seed=seed)


def with_values(series: Series, changed: dict[int, float | None]) -> Series:
    return replace(series, values=tuple(changed.get(index, value) for index, value in enumerate(series.values)))


def times(series: Series, factor: float, *indices: int) -> Series:
    return with_values(series, {index: (series.values[index] or 0.0) * factor for index in indices})


def found(series: Series, direction: Direction = Direction.UP, *, least_effect: float = 1.0) -> tuple[Finding, ...]:
    findings = detection.detect(series, direction=direction, least_effect=least_effect)
    assert not isinstance(findings, NotEnough)
    return findings


def test_a_day_that_cost_four_times_as_much_is_found_with_what_was_expected():
    series = times(ordinary(), 4.0, 50)

    (finding,) = found(series)

    assert (finding.start, finding.end) == (series.at(50), series.at(51))
    assert finding.low < finding.expected < finding.high < finding.actual == series.values[50]
    assert finding.effect == finding.actual - finding.expected > 0


def test_neighbouring_days_are_one_finding_even_with_an_ordinary_one_between():
    series = times(ordinary(), 4.0, 50, 51, 53)

    (finding,) = found(series)

    assert (finding.start, finding.end) == (series.at(50), series.at(54))
    assert finding.actual == pytest.approx(sum(series.values[index] or 0.0 for index in (50, 51, 53)))


def test_an_alarm_looks_in_its_own_direction_only():
    series = times(ordinary(), 0.1, 50)

    assert found(series, Direction.UP) == ()
    assert [finding.score < 0 for finding in found(series, Direction.DOWN)] == [True]


def test_what_is_not_worth_the_money_does_not_alarm():
    series = times(ordinary(), 4.0, 50)

    assert found(series, least_effect=10_000.0) == ()


def test_a_quiet_sunday_is_as_ordinary_as_a_busy_tuesday():
    assert [found(ordinary(), direction) for direction in Direction] == [(), ()]


def test_a_sunday_like_a_tuesday_is_not_ordinary():
    sunday = 48
    series = with_values(ordinary(), {sunday: 140.0})

    assert [finding.start.strftime("%A") for finding in found(series)] == ["Sunday"]


def test_one_bad_day_does_not_hide_the_next():
    series = times(ordinary(), 8.0, 50, 57, 64)

    assert [finding.start for finding in found(series)] == [series.at(index) for index in (50, 57, 64)]


def test_what_stays_for_a_week_is_how_it_is_now():
    series = times(ordinary(), 5.0, *range(50, 90))

    findings = found(series)

    assert findings[0].start == series.at(50)
    assert findings[-1].end <= series.at(50 + 14)


def test_little_history_is_said_instead_of_guessed():
    said = detection.detect(ordinary(count=27), direction=Direction.UP, least_effect=1.0)

    assert said == NotEnough("not enough data: 27 days are known, 28 are needed")


def test_a_gap_is_neither_an_alarm_nor_a_zero():
    series = with_values(ordinary(), dict.fromkeys(range(40, 60), None))

    assert [found(series, direction) for direction in Direction] == [(), ()]


def test_after_a_gap_as_long_as_the_memory_nothing_is_judged_until_days_are_known_again():
    series = with_values(ordinary(count=160), {**dict.fromkeys(range(30, 100), None), 103: 5000.0, 150: 5000.0})

    assert [finding.start for finding in found(series)] == [series.at(150)]


def test_an_hour_is_judged_beside_the_same_hour():
    series = generated.hours(count=24 * 35, seed=3)
    night = 24 * 30 + 1
    noon_at_night = with_values(series, {night: series.values[24 * 29 + 12]})

    (finding,) = found(noon_at_night, least_effect=0.5)

    assert (finding.start, finding.end - finding.start) == (series.at(night), timedelta(hours=1))


@settings(max_examples=4, deadline=None)
@given(st.integers(30, 69))
def test_a_finding_does_not_change_with_what_comes_later(count):
    series = times(ordinary(count=70), 4.0, 40, 55)
    earlier = replace(series, values=series.values[:count])

    assert found(earlier) == tuple(each for each in found(series) if each.start < earlier.end)


VALUES = st.lists(st.none() | st.floats(-10, 1e12, allow_nan=False), min_size=25, max_size=45)


@settings(max_examples=15, deadline=None)
@given(VALUES, st.sampled_from(list(Direction)))
def test_whatever_the_numbers_are_a_finding_lies_outside_what_was_expected(values, direction):
    said = detection.detect(Series(generated.START, DAY, tuple(values)), direction=direction, least_effect=0.01)

    for finding in () if isinstance(said, NotEnough) else said:
        assert finding.start < finding.end
        assert (finding.effect > 0) == (direction is Direction.UP)
