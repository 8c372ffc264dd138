"""The few methods that are tried on a series."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analytics.forecasting import seasons
from analytics.forecasting.series import Numbers


class Method(StrEnum):
    """Their names are shown beside a forecast."""

    AGAIN = "last week again"
    LEVEL = "recent level with seasons"
    TREND = "damped trend with seasons"


@dataclass(frozen=True, slots=True)
class History:
    """What is known so far, as logarithms; NaN in the gaps."""

    logs: Numbers
    per_day: int


Predict = Callable[[History, int], Numbers]

# of a step's weight, half is left after so many days
_LEVEL_HALF_LIFE, _TREND_HALF_LIFE = 4.0, 14.0
# each day ahead, this much of the day before's growth is still believed
_DAMPING = 0.95
# growth a day (as a logarithm) that is nothing unusual; more needs evidence
_USUAL_GROWTH = 0.02
# in standard deviations: beyond it a step weighs the less the further it is off (Huber 1964)
_HUBER = 1.345
_DEVIATION = 1.4826
_ROUNDS, _REWEIGHTINGS = 2, 4
_TINY = 1e-9


def again(history: History, horizon: int) -> Numbers:
    """The latest known value of the same day and hour; of the same hour while there is no week yet."""
    week = seasons.WEEK * history.per_day
    width = week if history.logs.size >= week + history.per_day else history.per_day
    missing = -history.logs.size % width
    rows = np.concatenate([np.full(missing, np.nan), history.logs]).reshape(-1, width)
    latest = np.full(width, np.nanmedian(history.logs))
    for row in rows:
        latest = np.where(np.isnan(row), latest, row)
    return np.resize(latest, horizon)


def level(history: History, horizon: int) -> Numbers:
    """Goes on as of late, with the week's and the day's ups and downs."""
    return _line_with_seasons(history, horizon, half_life=_LEVEL_HALF_LIFE, usual_growth=_TINY)


def trend(history: History, horizon: int) -> Numbers:
    """Grows or shrinks as of late, less with each day ahead."""
    return _line_with_seasons(history, horizon, half_life=_TREND_HALF_LIFE, usual_growth=_USUAL_GROWTH)


METHODS: Mapping[Method, Predict] = {Method.TREND: trend, Method.LEVEL: level, Method.AGAIN: again}


def _line_with_seasons(history: History, horizon: int, *, half_life: float, usual_growth: float) -> Numbers:
    logs, size = history.logs, history.logs.size
    days = np.arange(1 - size, 1) / history.per_day
    weights = np.where(np.isnan(logs), 0.0, 0.5 ** (-days / half_life))
    season = np.zeros(seasons.WEEK * history.per_day)
    for _ in range(_ROUNDS):
        now, growth = _robust_line(logs - seasons.backwards(season, size), days, weights, usual_growth=usual_growth)
        season = seasons.profile(logs - now - growth * days, history.per_day)
    now, growth = _robust_line(logs - seasons.backwards(season, size), days, weights, usual_growth=usual_growth)
    ahead = np.arange(1, horizon + 1) / history.per_day
    # the sum of a geometric series, so that hours and days grow alike
    believed = _DAMPING * (1 - _DAMPING**ahead) / (1 - _DAMPING)
    return np.asarray(now + growth * believed + np.resize(season, horizon), dtype=np.float64)


def _robust_line(logs: Numbers, days: Numbers, weights: Numbers, *, usual_growth: float) -> tuple[float, float]:
    """Where the line is now and what it grows by a day, by weighted least squares with Huber's weights."""
    known = np.nan_to_num(logs)
    now, growth, trusted = float(np.median(logs[weights > 0])), 0.0, weights
    for _ in range(_REWEIGHTINGS):
        off = np.abs(known - now - growth * days)
        spread = _DEVIATION * _weighted_median(off, weights) + _TINY
        trusted = weights * np.minimum(1.0, _HUBER * spread / np.maximum(off, _TINY))
        now, growth = _line(known, days, trusted, ridge=(spread / usual_growth) ** 2)
    return now, growth


def _line(logs: Numbers, days: Numbers, weights: Numbers, *, ridge: float) -> tuple[float, float]:
    total = weights.sum()
    centre, mean = (weights @ days) / total, (weights @ logs) / total
    apart = days - centre
    growth = (weights @ (apart * (logs - mean))) / (weights @ apart**2 + ridge)
    return float(mean - growth * centre), float(growth)


def _weighted_median(values: Numbers, weights: Numbers) -> float:
    order = np.argsort(values)
    shares = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(shares, shares[-1] / 2)])
