"""Confidence intervals by bootstrap: requests are drawn again, each with all that was measured of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

DRAWS = 2000
LEVEL = 0.95
_NO_SPREAD = 1e-12
_CELLS_AT_ONCE = 4_000_000  # bounds the memory of a large workload


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


class Bootstrap:
    """The same seed draws the same requests for every figure, so that figures of one report are paired."""

    def __init__(self, *, seed: int, draws: int = DRAWS) -> None:
        self.seed, self.draws = seed, draws

    def mean(self, values: Numbers) -> Interval | None:
        return self.of(lambda drawn: values[drawn].mean(axis=1), len(values))

    def ratio(self, parts: Numbers, wholes: Numbers) -> Interval | None:
        """Of two sums over the same requests."""
        return self.of(lambda drawn: _ratios(parts[drawn].sum(axis=1), wholes[drawn].sum(axis=1)), len(parts))

    def quantile(self, values: Numbers, share: float) -> Interval | None:
        return self.of(lambda drawn: np.quantile(values[drawn], share, axis=1), len(values))

    def of(self, figure: Callable[[NDArray[np.intp]], Numbers], count: int) -> Interval | None:
        """Percentiles of what `figure` makes of draws, rows of indices; None where nothing varies."""
        if count <= 1:  # one request has no spread
            return None
        found = np.concatenate([figure(drawn) for drawn in self._drawn(count)])
        if np.ptp(found) < _NO_SPREAD:
            return None  # what was the same in every draw says nothing of chance
        low, high = np.nanquantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(float(low), float(high))

    def _drawn(self, count: int) -> Iterator[NDArray[np.intp]]:
        random = np.random.default_rng(self.seed)
        at_once = max(1, _CELLS_AT_ONCE // count)
        for begun in range(0, self.draws, at_once):
            yield random.integers(0, count, size=(min(at_once, self.draws - begun), count))


def _ratios(parts: Numbers, wholes: Numbers) -> Numbers:
    """0 where there is nothing to have a part of."""
    return np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes != 0)
