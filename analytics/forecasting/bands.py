"""How wide a forecast has to be: as wide as forecasts of the same distance were wrong."""

from dataclasses import dataclass

import numpy as np

from analytics.forecasting.rolling import Compared, Rolled
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
    """Between what forecasts were off, as logarithms, at each of LEVELS."""

    lows: tuple[float, ...]
    highs: tuple[float, ...]


def spread(rolled: Rolled, part: Compared, method: int, *, ahead: int, known: int) -> Spread | None:
    """Of a method's forecasts about `ahead` steps on whose outcome was known with `known` steps; None: too few."""
    nearest, furthest = int(np.ceil(ahead / _LIKE)), int(ahead * _LIKE)
    off = part.off[method, :, nearest - 1 : furthest]
    compared = (rolled.targets[:, nearest - 1 : furthest] < known) & ~np.isnan(off)
    origins = int(compared.any(axis=1).sum())
    if origins < LEAST_COMPARED:
        return None
    return _spread(off[compared], origins)


def _spread(off: Numbers, origins: int) -> Spread:
    """Between what the next one lies with at least this probability, as far as there are so many (Vovk 2005).

    Those of one origin are off together, so they count as one. Each side is judged alone, for costs jump up
    further than they fall.
    """
    shares = [min(1.0, (origins + 1) / origins * (1 + level) / 2) for level in LEVELS]
    found = np.quantile(off, [*(1 - share for share in shares), *shares]).tolist()
    return Spread(tuple(found[: len(LEVELS)]), tuple(found[len(LEVELS) :]))
