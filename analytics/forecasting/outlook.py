"""The forecast of a series with its bands, and its error in a rolling back-test."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from analytics.forecasting import bands
from analytics.forecasting.bands import Band, Spread
from analytics.forecasting.methods import METHODS, History, Method
from analytics.forecasting.rolling import Rolled, index_of, least_steps, method_at, most_steps
from analytics.forecasting.series import Numbers, Series

# a history with more gaps than this says too little of the days in between
_MOST_GAPS_SHARE = 0.4


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
    at: datetime
    expected: float
    band80: Band
    band95: Band


@dataclass(frozen=True, slots=True)
class Forecast:
    method: Method
    points: tuple[Point, ...]
    totals: tuple[Point, ...]  # of all steps up to this one
    errors: Errors | None  # None: too short for a back-test with bands


def forecast(series: Series, *, horizon: int) -> Forecast | NotEnough:
    """The next `horizon` steps, by the method that was least off before."""
    series = series.last(most_steps(series.per_day))
    missing = _missing(series)
    if missing:
        return NotEnough(missing)
    rolled = Rolled.over(series, horizon)
    best, known = rolled.best(known=len(series.values)), len(series.values)
    spreads = [_spreads(rolled, best, horizon=horizon, known=known, total=total) for total in (False, True)]
    if any(len(found) < horizon for found in spreads):
        return NotEnough(_too_far(series, min(map(len, spreads)), horizon))
    logs = rolled.scale.logs(series.numbers())
    said = rolled.scale.numbers(METHODS[method_at(best)](History(logs, series.per_day), horizon))
    return Forecast(
        method_at(best),
        _points(series, rolled, said, spreads[0]),
        _points(series, rolled, np.cumsum(said), spreads[1]),
        _errors(series, rolled),
    )


def backtest(series: Series, *, horizon: int) -> Errors | NotEnough:
    """How forecasts of up to `horizon` steps would have done over the series."""
    series = series.last(most_steps(series.per_day))
    missing = _missing(series)
    if missing:
        return NotEnough(missing)
    return _errors(series, Rolled.over(series, horizon)) or NotEnough(_too_far(series, 0, horizon))


def _missing(series: Series) -> str:
    """Why nothing can be said yet; "" if something can."""
    unit, least = ("days" if series.per_day == 1 else "hours"), least_steps(series.per_day)
    if len(series.values) <= least:
        return f"not enough data: {len(series.values)} {unit} are there, more than {least} are needed"
    if len(series.gaps) > _MOST_GAPS_SHARE * len(series.values):
        return f"not enough data: {len(series.gaps)} of {len(series.values)} {unit} are gaps"
    return ""


def _too_far(series: Series, reached: int, horizon: int) -> str:
    unit = "days" if series.per_day == 1 else "hours"
    return (
        f"not enough data: {series.known} {unit} are known, which tells how wrong forecasts are for "
        f"{reached} {unit} ahead, not for {horizon}"
    )


def _spreads(rolled: Rolled, method: int, *, horizon: int, known: int, total: bool) -> list[Spread]:
    """For each step ahead, up to the first that cannot be judged."""
    found: list[Spread] = []
    for ahead in range(1, horizon + 1):
        one = bands.spread(rolled, method, ahead=ahead, known=known, total=total)
        if one is None:
            return found
        found.append(one)
    return found


def _points(series: Series, rolled: Rolled, said: Numbers, spreads: list[Spread]) -> tuple[Point, ...]:
    middle = _moved(rolled, said, [each.middle for each in spreads])
    lows = [_moved(rolled, said, [each.lows[level] for each in spreads]) for level in range(len(bands.LEVELS))]
    highs = [_moved(rolled, said, [each.highs[level] for each in spreads]) for level in range(len(bands.LEVELS))]
    steps = len(series.values)
    return tuple(
        Point(
            series.at(steps + place),
            float(middle[place]),
            Band(float(lows[0][place]), float(highs[0][place])),
            Band(float(lows[1][place]), float(highs[1][place])),
        )
        for place in range(len(spreads))
    )


def _moved(rolled: Rolled, said: Numbers, logs: list[float]) -> Numbers:
    return rolled.scale.numbers(rolled.scale.logs(said) + np.array(logs))


def _errors(series: Series, rolled: Rolled) -> Errors | None:
    """Origin by origin, as if it were today."""
    horizon = rolled.happened.shape[1]
    parts: list[Numbers] = []
    for place, origin in enumerate(rolled.origins):
        best = rolled.best(known=int(origin))
        spreads = _spreads(rolled, best, horizon=horizon, known=int(origin), total=False)
        count = min(len(spreads), len(series.values) - int(origin))
        if count:
            parts.append(_compared(rolled, best, place, spreads[:count]))
    found = np.concatenate(parts, axis=1) if parts else np.empty((5, 0))
    found = found[:, ~np.isnan(found[0])]
    return _summed_up(found) if found.shape[1] else None


def _compared(rolled: Rolled, method: int, place: int, spreads: list[Spread]) -> Numbers:
    """Rows: what happened, how far off it was, how far off last week was, whether each band held it."""
    count = len(spreads)
    happened, said = rolled.happened[place, :count], rolled.said[method, place, :count]
    again = rolled.said[index_of(Method.AGAIN), place, :count]
    expected = _moved(rolled, said, [each.middle for each in spreads])
    held = [
        (happened >= _moved(rolled, said, [each.lows[level] for each in spreads]))
        & (happened <= _moved(rolled, said, [each.highs[level] for each in spreads]))
        for level in range(len(bands.LEVELS))
    ]
    return np.array([happened, np.abs(happened - expected), np.abs(happened - again), *held], dtype=np.float64)


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
