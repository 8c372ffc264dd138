"""What each method would have said in the past, knowing only what was known then."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from analytics.forecasting.methods import METHODS, History, Method
from analytics.forecasting.series import Numbers, Scale, Series

# two weeks of days, four days of hours: less shows no season
LEAST_DAYS, LEAST_HOURS = 14, 96
# of older steps nothing is learned any more
MOST_DAYS, MOST_HOURS = 366, 24 * 7 * 8
MOST_ORIGINS = 60
_WARM_UP_DAYS = 28
# so many known values in a history, or it says nothing
_LEAST_KNOWN_SHARE = 0.6
_ORDER = tuple(METHODS)


def least_steps(per_day: int) -> int:
    return LEAST_DAYS if per_day == 1 else LEAST_HOURS


def most_steps(per_day: int) -> int:
    return MOST_DAYS if per_day == 1 else MOST_HOURS


@dataclass(frozen=True, slots=True)
class Rolled:
    """Forecasts of the past: one a method, an origin and a step ahead; NaN where nothing can be compared.

    `off` is what happened less what was said, as logarithms; `total_off` is the same of the sum up to that step.
    """

    scale: Scale
    origins: NDArray[np.intp]  # how many steps were known
    said: Numbers
    happened: Numbers
    off: Numbers
    total_off: Numbers

    @classmethod
    def over(cls, series: Series, horizon: int) -> Self:
        numbers = series.numbers()
        scale = Scale.of(numbers[~np.isnan(numbers)])
        origins = _origins(numbers, series.per_day)
        logs = scale.logs(numbers)
        said = np.full((len(_ORDER), origins.size, horizon), np.nan)
        for place, origin in enumerate(origins):
            history = History(logs[:origin], series.per_day)
            for index, method in enumerate(_ORDER):
                said[index, place] = scale.numbers(METHODS[method](history, horizon))
        happened = _following(numbers, origins, horizon)
        return cls(scale, origins, said, happened, *_off(said, happened, scale))

    @property
    def targets(self) -> NDArray[np.intp]:
        """For each origin and step ahead, which step of the series is meant."""
        found: NDArray[np.intp] = self.origins[:, None] + np.arange(self.happened.shape[1])
        return found

    def best(self, *, known: int) -> int:
        """The method that was least off in what had happened when `known` steps were known; the first if none had."""
        past = (self.targets < known) & ~np.isnan(self.happened)
        if not past.any():
            return 0
        return int(np.argmin(np.abs(self.off[:, past]).mean(axis=1)))


def method_at(index: int) -> Method:
    return _ORDER[index]


def index_of(method: Method) -> int:
    return _ORDER.index(method)


def _origins(numbers: Numbers, per_day: int) -> NDArray[np.intp]:
    """Spread evenly over the later half, or all but four weeks, and only where enough was known by then.

    What was said before weekends could be known tells nothing of what is said now.
    """
    first = max(least_steps(per_day), min(numbers.size // 2, _WARM_UP_DAYS * per_day))
    counts = np.cumsum(~np.isnan(numbers))
    possible = np.arange(first, numbers.size)
    possible = possible[counts[possible - 1] >= _LEAST_KNOWN_SHARE * possible]
    if possible.size > MOST_ORIGINS:
        possible = possible[np.linspace(0, possible.size - 1, MOST_ORIGINS).astype(np.intp)]
    return possible


def _following(numbers: Numbers, origins: NDArray[np.intp], horizon: int) -> Numbers:
    longer = np.concatenate([numbers, np.full(horizon, np.nan)])
    found: Numbers = longer[origins[:, None] + np.arange(horizon)]
    return found


def _off(said: Numbers, happened: Numbers, scale: Scale) -> tuple[Numbers, Numbers]:
    off = scale.logs(happened) - scale.logs(said)
    unknown = np.isnan(happened)
    reached = np.cumsum(~unknown, axis=1)
    # a sum with a gap is compared with what was said of the known steps, not of all
    spent = np.cumsum(np.where(unknown, 0.0, happened), axis=1)
    expected = np.cumsum(np.where(unknown, 0.0, said), axis=2)
    total_off = scale.logs(spent) - scale.logs(expected)
    ends = np.isnan(happened) | (reached < _LEAST_KNOWN_SHARE * np.arange(1, happened.shape[1] + 1))
    return off, np.where(ends, np.nan, total_off)
