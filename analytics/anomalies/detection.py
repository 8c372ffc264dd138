"""Steps of a series that are further from what was usual than steps usually are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

import numpy as np

from analytics.forecasting import methods, seasons
from analytics.forecasting.methods import History
from analytics.forecasting.outlook import NotEnough
from analytics.forecasting.series import Numbers, Scale, Series

# what is usual is learned from so many weeks; steps are judged after so many days, and may alarm after so many
_WEEKS, _LEARNING_DAYS, _LEAST_DAYS = 8, 14, 28
# standard deviations, measured robustly: of ordinary days one or two in a thousand are further off, and of hours,
# which are many, fewer
SENSITIVITY_DAYS, SENSITIVITY_HOURS = 3.0, 4.0
# what is usual, and how far steps are from it, is told by at least so many days
_LEAST_RESTS_DAYS = 10
# in logarithms: a series that was quiet for long does not alarm at a twentieth more
_LEAST_SPREAD = 0.06
_DEVIATION = 1.4826
# of normal noise, the mean of squares is this when none counts for more than the square of _HUBER
_HUBER, _OF_CLIPPED = 1.5, 0.7785
_ROUNDS = 12
# at 3 deviations Student's distribution is this much wider, for each freedom that it lacks
_FEW = 3.0
# what lasts for most of a week is how it is now
_NEW_LEVEL_SHARE = 0.5
# so many ordinary steps between two alarms do not end what happens
_BRIDGED = 1


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Finding:
    """Neighbouring steps that were out of the ordinary in one direction; amounts are sums of those."""

    start: datetime
    end: datetime  # the first moment after it
    direction: Direction
    actual: float
    expected: float
    low: float
    high: float
    score: float  # of its furthest step, in robust standard deviations

    @property
    def effect(self) -> float:
        return self.actual - self.expected


@dataclass(frozen=True, slots=True)
class _Judged:
    """One step beside what was expected of it from the steps before."""

    index: int
    actual: float
    expected: float
    low: float
    high: float
    score: float  # below 0: less than expected


def detect(
    series: Series, *, direction: Direction, least_effect: float, sensitivity: float | None = None
) -> tuple[Finding, ...] | NotEnough:
    """What was out of the ordinary by `sensitivity` deviations and by `least_effect`, in the series' own unit.

    Each step is judged from those before it only, so that a finding does not change with what comes later.
    """
    least = _LEAST_DAYS * series.per_day
    if series.known < least:
        unit = "days" if series.per_day == 1 else "hours"
        return NotEnough(f"not enough data: {series.known} {unit} are known, {least} are needed")
    sensitivity = sensitivity or (SENSITIVITY_DAYS if series.per_day == 1 else SENSITIVITY_HOURS)
    sign = 1 if direction is Direction.UP else -1
    alarms = [
        judged
        for judged in _judged(series, sensitivity)
        if judged.index >= least
        and sign * judged.score >= sensitivity
        and sign * (judged.actual - judged.expected) >= least_effect
    ]
    return tuple(_finding(series, run, direction) for run in _runs(alarms))


def _judged(series: Series, sensitivity: float) -> list[_Judged]:
    watch = _Watch.over(series, sensitivity)
    days = range(_LEARNING_DAYS * series.per_day, len(series.values), series.per_day)
    return [judged for day in days for judged in watch.day(day)]


@dataclass(slots=True)
class _Watch:
    """Goes through a series day by day, each judged by those before it.

    What alarmed is not learned from, or one bad day would hide the next; unless it stays.
    """

    numbers: Numbers
    per_day: int
    sensitivity: float
    scale: Scale
    logs: Numbers
    usual: Numbers  # the logarithms that are learned from
    rests: Numbers  # what they differed by from what was expected

    @classmethod
    def over(cls, series: Series, sensitivity: float) -> Self:
        numbers = series.numbers()
        learned = numbers[: _LEAST_DAYS * series.per_day]
        scale = Scale.of(learned[~np.isnan(learned)])
        logs = scale.logs(numbers)
        return cls(numbers, series.per_day, sensitivity, scale, logs, logs.copy(), np.full(numbers.size, np.nan))

    def day(self, first: int) -> Iterator[_Judged]:
        last = min(first + self.per_day, self.numbers.size)
        begun = max(0, first - _WEEKS * seasons.WEEK * self.per_day)
        expected = self._expected(self.usual[begun:first], last - first)
        width = self.sensitivity * _spread(self.rests[begun:first], least=_LEAST_RESTS_DAYS * self.per_day)
        self.rests[first:last] = self.logs[first:last] - expected
        for index in range(first, last):
            if not np.isnan(self.rests[index]):
                yield self._step(index, float(expected[index - first]), width)
        self._learn(expected, width, last)

    def _expected(self, usual: Numbers, count: int) -> Numbers:
        if np.sum(~np.isnan(usual)) < _LEAST_RESTS_DAYS * self.per_day:
            return np.full(count, np.nan)
        return methods.level(History(usual, self.per_day), count)

    def _step(self, index: int, expected: float, width: float) -> _Judged:
        middle, low, high = self.scale.numbers(np.array([expected, expected - width, expected + width])).tolist()
        score = self.rests[index] / width * self.sensitivity
        return _Judged(index, float(self.numbers[index]), middle, low, high, float(score))

    def _learn(self, expected: Numbers, width: float, last: int) -> None:
        first, week = last - expected.size, max(0, last - seasons.WEEK * self.per_day)
        # the width of today: that of single days hardly differs
        alarmed = np.abs(self.rests[week:last]) >= width
        today = alarmed[first - week :]
        self.usual[first:last] = np.where(today, expected, self.logs[first:last])
        if alarmed.mean() > _NEW_LEVEL_SHARE:
            self.usual[week:last] = self.logs[week:last]


def _spread(rests: Numbers, *, least: int) -> float:
    """A standard deviation in which what is far off counts as if it were less so (Huber's proposal 2, 1964).

    Wider where it is told by few, as Student's distribution is; without limit while too little is known: what
    cannot be judged does not alarm.
    """
    seen = np.abs(rests[~np.isnan(rests)])
    if seen.size < least:
        return np.inf
    spread = max(_LEAST_SPREAD, _DEVIATION * float(np.median(seen)))
    for _ in range(_ROUNDS):
        clipped = np.minimum(seen / spread, _HUBER)
        spread = max(_LEAST_SPREAD, spread * float(np.sqrt(np.mean(clipped**2) / _OF_CLIPPED)))
    return spread * (1 + _FEW / seen.size)


def _runs(alarms: Sequence[_Judged]) -> list[list[_Judged]]:
    """Those that belong to one event."""
    runs: list[list[_Judged]] = []
    for alarm in alarms:
        if runs and alarm.index - runs[-1][-1].index <= 1 + _BRIDGED:
            runs[-1].append(alarm)
        else:
            runs.append([alarm])
    return runs


def _finding(series: Series, run: Sequence[_Judged], direction: Direction) -> Finding:
    return Finding(
        start=series.at(run[0].index),
        end=series.at(run[-1].index + 1),
        direction=direction,
        actual=sum(each.actual for each in run),
        expected=sum(each.expected for each in run),
        low=sum(each.low for each in run),
        high=sum(each.high for each in run),
        score=max((each.score for each in run), key=abs),
    )
