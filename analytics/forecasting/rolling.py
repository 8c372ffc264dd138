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
class Compared:
    """What each method said, from each origin, for each step ahead, with what happened; NaN: not known.

    `off` is what happened less what was said, as logarithms.
    """

    said: Numbers
    happened: Numbers
    off: Numbers


@dataclass(frozen=True, slots=True)
class Rolled:
    """Forecasts of the past: of single `steps`, and of `totals`, which are the sums up to a step."""

    scale: Scale
    origins: NDArray[np.intp]  # how many steps were known
    steps: Compared
    totals: Compared

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
        steps = Compared(said, happened, scale.logs(happened) - scale.logs(said))
        return cls(scale, origins, steps, _totals(steps, scale))

    @property
    def targets(self) -> NDArray[np.intp]:
        """For each origin and step ahead, which step of the series is meant."""
        found: NDArray[np.intp] = self.origins[:, None] + np.arange(self.steps.happened.shape[1])
        return found

    def best(self, *, known: int) -> int:
        """The method that was least off in what had happened when `known` steps were known; the first if none had."""
        past = (self.targets < known) & ~np.isnan(self.steps.happened)
        if not past.any():
            return 0
        return int(np.argmin(np.abs(self.steps.off[:, past]).mean(axis=1)))


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


def _totals(steps: Compared, scale: Scale) -> Compared:
    """A sum with a gap is compared with what was said of the known steps, not of all."""
    unknown = np.isnan(steps.happened)
    known_share = np.cumsum(~unknown, axis=1) / np.arange(1, unknown.shape[1] + 1)
    said = np.cumsum(np.where(unknown, 0.0, steps.said), axis=2)
    happened = np.cumsum(np.where(unknown, 0.0, steps.happened), axis=1)
    happened[unknown | (known_share < _LEAST_KNOWN_SHARE)] = np.nan
    return Compared(said, happened, scale.logs(happened) - scale.logs(said))
