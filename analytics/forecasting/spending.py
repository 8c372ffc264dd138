"""What a month will have cost, and when a budget is used up."""

from dataclasses import dataclass
from datetime import datetime

from analytics.forecasting import outlook
from analytics.forecasting.bands import Band
from analytics.forecasting.methods import Method
from analytics.forecasting.outlook import Errors, NotEnough, Point
from analytics.forecasting.series import DAY, Series


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """An estimate: the ledger's exact amount so far and what is expected to come."""

    until: datetime
    spent: float
    expected: float
    band80: Band
    band95: Band
    method: Method
    errors: Errors | None  # of sums over so many steps


@dataclass(frozen=True, slots=True)
class RunsOut:
    """When a budget is used up. None: not before `until`; between `earliest` and `latest` in 80 of 100 cases."""

    expected: datetime | None
    earliest: datetime | None
    latest: datetime | None
    until: datetime
    method: Method | None  # None: it is used up already
    errors: Errors | None


def month_start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(moment: datetime) -> datetime:
    first = month_start(moment)
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def month_end(series: Series, *, spent: float) -> MonthEnd | NotEnough:
    """Of the month in which the series ends; `spent` is what was spent in it before that moment."""
    _check(series)
    until = next_month(series.end)
    found = outlook.forecast(series, horizon=(until - series.end) // series.step)
    if isinstance(found, NotEnough):
        return found
    rest = found.totals[-1]
    return MonthEnd(
        until,
        spent,
        spent + rest.expected,
        _raised(rest.band80, spent),
        _raised(rest.band95, spent),
        found.method,
        found.total_errors,
    )


def runs_out(series: Series, *, left: float, until: datetime) -> RunsOut | NotEnough:
    """When `left` of a budget is spent, looking no further than `until`, where it begins anew."""
    _check(series)
    if left <= 0:
        return RunsOut(series.end, series.end, series.end, until, None, None)
    horizon = (until - series.end) // series.step
    if horizon < 1:
        return RunsOut(None, None, None, until, None, None)
    found = outlook.forecast(series, horizon=horizon)
    if isinstance(found, NotEnough):
        return found
    expected = _reached([point.expected for point in found.totals], left, found.totals)
    earliest = _reached([point.band80.high for point in found.totals], left, found.totals)
    latest = _reached([point.band80.low for point in found.totals], left, found.totals)
    return RunsOut(expected, earliest, latest, until, found.method, found.total_errors)


def _check(series: Series) -> None:
    if series.step != DAY:
        raise ValueError("months and budgets are projected from days; sum the hours up")


def _reached(totals: list[float], left: float, points: tuple[Point, ...]) -> datetime | None:
    """The first step in which so much is spent."""
    return next((point.at for total, point in zip(totals, points, strict=True) if total >= left), None)


def _raised(band: Band, amount: float) -> Band:
    return Band(band.low + amount, band.high + amount)
