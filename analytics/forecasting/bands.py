"""How wide a forecast has to be: as wide as forecasts of the same distance were wrong."""

from dataclasses import dataclass

import numpy as np

from analytics.forecasting.rolling import Rolled
from analytics.forecasting.series import Numbers

LEVELS = (0.80, 0.95)
# fewer forecasts of about the same distance say nothing of how wrong the next will be
LEAST_COMPARED = 10
# distances up to this many times longer or shorter are taken for the same
_LIKE = 1.5


@dataclass(frozen=True, slots=True)
class Band:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How far off, as logarithms: in the middle, and between what at each of LEVELS."""

    middle: float
    lows: tuple[float, ...]
    highs: tuple[float, ...]


def spread(rolled: Rolled, method: int, *, ahead: int, known: int, total: bool = False) -> Spread | None:
    """Of a method's forecasts `ahead` steps on, those whose outcome was known with `known` steps; None: too few."""
    nearest, furthest = int(np.ceil(ahead / _LIKE)), int(ahead * _LIKE)
    off = (rolled.total_off if total else rolled.off)[method, :, nearest - 1 : furthest]
    past = rolled.targets[:, nearest - 1 : furthest] < known
    compared = off[past & ~np.isnan(off)]
    if compared.size < LEAST_COMPARED:
        return None
    return _spread(np.sort(compared))


def _spread(off: Numbers) -> Spread:
    pairs = [_conformal(off, level) for level in LEVELS]
    return Spread(float(np.median(off)), tuple(low for low, _ in pairs), tuple(high for _, high in pairs))


def _conformal(off: Numbers, level: float) -> tuple[float, float]:
    """The ranks that hold the next one with at least this probability (Vovk 2005), as far as there are so many.

    Each side is judged alone, for costs jump up further than they fall.
    """
    tail = (1 - level) / 2
    rank = min(off.size, int(np.ceil((off.size + 1) * (1 - tail))))
    return float(off[off.size - rank]), float(off[rank - 1])
