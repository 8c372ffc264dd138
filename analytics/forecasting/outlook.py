"""The forecast of a series with its bands, and its error in a rolling back-test."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from analytics.forecasting import bands
from analytics.forecasting.bands import Band, Spread
from analytics.forecasting.methods import METHODS, History, Method
from analytics.forecasting.rolling import Compared, Rolled, index_of, least_steps, method_at, most_steps
from analytics.forecasting.series import Numbers, Series

# a history with more gaps than this says too little of the days in between
_MOST_GAPS_SHARE = 0.4
# an error from fewer comparisons says more of chance than of the method
_LEAST_COMPARED = 20
# further ahead nobody plans by it
MOST_DAYS_AHEAD, MOST_HOURS_AHEAD = 92, 168


@dataclass(frozen=True, slots=True)
class NotEnough:
    """Instead of a guess: what is missing, in words for who asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class Errors:
    """What forecasts made in the past, with what was known then, came to.

    At each origin the method and the bands were chosen from the outcomes before it: nothing was fitted to what it
    is measured on. `mape` leaves out steps without spending; `mase` is the error in that of "last week again" at
    the very same points: below 1 is better.
    """

    compared: int
    mae: float
    mape: float | None
    wape: float | None  # of the total absolute error in the total that was spent
    mase: float | None
    coverage80: float
    coverage95: float


@dataclass(frozen=True, slots=True)
class Point:
    """What is expected of a step, or of all steps up to it."""

    at: datetime
    expected: float
    band80: Band
    band95: Band


@dataclass(frozen=True, slots=True)
class Forecast:
    """Single steps and the totals up to each, and how far off both were before."""

    method: Method
    step: timedelta
    steps: tuple[Point, ...]
    totals: tuple[Point, ...]
    errors: Errors | None  # None: too short for a back-test with bands
    total_errors: Errors | None


def forecast(series: Series, *, horizon: int) -> Forecast | NotEnough:
    """The next `horizon` steps, by the method that was least off before."""
    _check(series, horizon)
    series = series.last(most_steps(series.per_day))
    missing = _missing(series)
    if missing:
        return NotEnough(missing)
    rolled, known = Rolled.over(series, horizon), len(series.values)
    best = rolled.best(known=known)
    history = History(rolled.scale.logs(series.numbers()), series.per_day)
    said = rolled.scale.numbers(METHODS[method_at(best)](history, horizon))
    steps = _drawn(rolled, rolled.steps, said, method=best, known=known)
    totals = _drawn(rolled, rolled.totals, np.cumsum(said), method=best, known=known)
    reached = min(steps.reached, totals.reached)
    if reached < horizon:
        return NotEnough(_too_far(series, reached, horizon))
    errors = [_errors(rolled, part) for part in (rolled.steps, rolled.totals)]
    return Forecast(method_at(best), series.step, _points(series, steps), _points(series, totals), *errors)


def backtest(series: Series, *, horizon: int) -> Errors | NotEnough:
    """How forecasts of up to `horizon` steps would have done over the series."""
    _check(series, horizon)
    series = series.last(most_steps(series.per_day))
    missing = _missing(series)
    if missing:
        return NotEnough(missing)
    rolled = Rolled.over(series, horizon)
    return _errors(rolled, rolled.steps) or NotEnough(_too_far(series, 0, horizon))


def _check(series: Series, horizon: int) -> None:
    most = MOST_DAYS_AHEAD if series.per_day == 1 else MOST_HOURS_AHEAD
    if not 1 <= horizon <= most:
        raise ValueError(f"{horizon} is no number of {_unit(series)} from 1 to {most}")


def _missing(series: Series) -> str:
    """Why nothing can be said yet; "" if something can."""
    unit, least = _unit(series), least_steps(series.per_day)
    if len(series.values) <= least:
        return f"not enough data: {len(series.values)} {unit} are there, more than {least} are needed"
    if len(series.gaps) > _MOST_GAPS_SHARE * len(series.values):
        return f"not enough data: {len(series.gaps)} of {len(series.values)} {unit} are gaps"
    return ""


def _too_far(series: Series, reached: int, horizon: int) -> str:
    unit = _unit(series)
    return (
        f"not enough data: with {series.known} {unit} known, forecasts can be judged "
        f"for {reached} {unit} ahead, not for {horizon}"
    )


def _unit(series: Series) -> str:
    return "days" if series.per_day == 1 else "hours"


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A forecast as far as bands can be drawn around it."""

    expected: Numbers
    lows: tuple[Numbers, ...]  # one for each of bands.LEVELS
    highs: tuple[Numbers, ...]

    @property
    def reached(self) -> int:
        return self.expected.size


def _drawn(rolled: Rolled, part: Compared, said: Numbers, *, method: int, known: int) -> _Drawn:
    spreads = _spreads(rolled, part, method, horizon=said.size, known=known)
    expected = said[: len(spreads)]
    logs = rolled.scale.logs(expected)
    lows = [[each.lows[level] for each in spreads] for level in range(len(bands.LEVELS))]
    highs = [[each.highs[level] for each in spreads] for level in range(len(bands.LEVELS))]
    return _Drawn(
        expected,
        tuple(np.minimum(expected, rolled.scale.numbers(logs + np.array(low))) for low in lows),
        tuple(np.maximum(expected, rolled.scale.numbers(logs + np.array(high))) for high in highs),
    )


def _spreads(rolled: Rolled, part: Compared, method: int, *, horizon: int, known: int) -> list[Spread]:
    """For each step ahead, up to the first that cannot be judged."""
    found: list[Spread] = []
    for ahead in range(1, horizon + 1):
        one = bands.spread(rolled, part, method, ahead=ahead, known=known)
        if one is None:
            return found
        found.append(one)
    return found


def _points(series: Series, drawn: _Drawn) -> tuple[Point, ...]:
    rows = zip(drawn.expected, *drawn.lows, *drawn.highs, strict=True)
    return tuple(
        Point(
            series.at(len(series.values) + ahead),
            float(expected),
            Band(float(low80), float(high80)),
            Band(float(low95), float(high95)),
        )
        for ahead, (expected, low80, low95, high80, high95) in enumerate(rows)
    )


def _errors(rolled: Rolled, part: Compared) -> Errors | None:
    """Origin by origin, as if it were today."""
    if not rolled.origins.size:
        return None
    found = np.concatenate([_compared(rolled, part, place) for place in range(rolled.origins.size)], axis=1)
    found = found[:, ~np.isnan(found[0])]
    return _summed_up(found) if found.shape[1] >= _LEAST_COMPARED else None


def _compared(rolled: Rolled, part: Compared, place: int) -> Numbers:
    """Rows: what happened, how far off it was, how far off last week was, whether each band held it."""
    known = int(rolled.origins[place])
    best = rolled.best(known=known)
    drawn = _drawn(rolled, part, part.said[best, place], method=best, known=known)
    happened = part.happened[place, : drawn.reached]
    again = part.said[index_of(Method.AGAIN), place, : drawn.reached]
    held = [(low <= happened) & (happened <= high) for low, high in zip(drawn.lows, drawn.highs, strict=True)]
    return np.array([happened, np.abs(happened - drawn.expected), np.abs(happened - again), *held], dtype=np.float64)


def _summed_up(found: Numbers) -> Errors:
    happened, off, again, held80, held95 = found
    spent = happened > 0
    return Errors(
        compared=happened.size,
        mae=float(off.mean()),
        mape=float((off[spent] / happened[spent]).mean()) if spent.any() else None,
        wape=float(off.sum() / happened.sum()) if happened.sum() > 0 else None,
        mase=float(off.mean() / again.mean()) if again.mean() > 0 else None,
        coverage80=float(held80.mean()),
        coverage95=float(held95.mean()),
    )
