"""Numbers in equal steps of time, with gaps that are named."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_STEPS = (HOUR, DAY)
_LEAST_UNIT = 1e-9
# e to this is still a number when it is multiplied by what is usual
_MOST_LOG = 80.0


@dataclass(frozen=True, slots=True)
class Series:
    """`values` from `start` on, one a step, in UTC. None: not known, which is something else than nothing spent."""

    start: datetime
    step: timedelta
    values: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0):
            raise ValueError("a series starts at a moment in UTC; convert it first")
        if self.step not in _STEPS:
            raise ValueError("a series goes in steps of an hour or a day; sum it up to one of them")
        if not all(value is None or math.isfinite(value) for value in self.values):
            raise ValueError("a series holds finite numbers; write None where a value is not known")

    @classmethod
    def between(cls, start: datetime, until: datetime, *, step: timedelta, known: Mapping[datetime, float]) -> Self:
        """All steps from `start` to before `until`; those that `known` does not hold are gaps."""
        count = max(0, (until - start) // step)
        return cls(start.astimezone(UTC), step, tuple(known.get(start + step * index) for index in range(count)))

    @property
    def per_day(self) -> int:
        return DAY // self.step

    @property
    def per_week(self) -> int:
        return 7 * self.per_day

    @property
    def end(self) -> datetime:
        """The first moment that it says nothing of."""
        return self.at(len(self.values))

    @property
    def known(self) -> int:
        return sum(value is not None for value in self.values)

    @property
    def gaps(self) -> tuple[datetime, ...]:
        return tuple(self.at(index) for index, value in enumerate(self.values) if value is None)

    def at(self, index: int) -> datetime:
        return self.start + self.step * index

    def last(self, count: int) -> Self:
        """Its last values only."""
        dropped = max(0, len(self.values) - count)
        return replace(self, start=self.at(dropped), values=self.values[dropped:])

    def numbers(self) -> Numbers:
        """With NaN in the gaps."""
        return np.array([math.nan if value is None else value for value in self.values], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Scale:
    """Logarithms, on which a tenth more is as far at night as at noon.

    `unit` is added to all, or nothing spent would be infinitely far from little.
    """

    unit: float

    @classmethod
    def of(cls, numbers: Numbers) -> Self:
        """A tenth of what is usual where something is spent."""
        spent = numbers[numbers > 0]
        return cls(max(_LEAST_UNIT, float(np.median(spent)) / 10) if spent.size else 1.0)

    def logs(self, numbers: Numbers) -> Numbers:
        found: Numbers = np.log1p(np.maximum(numbers, 0) / self.unit)
        return found

    def numbers(self, logs: Numbers) -> Numbers:
        """Never less than nothing."""
        found: Numbers = np.maximum(np.expm1(np.minimum(logs, _MOST_LOG)), 0) * self.unit
        return found
