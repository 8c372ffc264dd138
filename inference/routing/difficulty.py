"""How hard requests are and how much they tell models apart, as all recorded models of all sets show together.

An item response model: chance = logistic(ability - hard . row + (ability - middle) * telling . row).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.routing.fitting import chance

Numbers = NDArray[np.float64]
MIDDLE = 0.6  # about the mean of all recorded abilities
_STEPS = 7
_SMALL = 1e-3  # far below what is shipped
_LEAST_CURVATURE = 0.02
# an ability is drawn a little towards 0: a model that solves all of a set is not infinitely able
_ABILITY_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Scored:
    """One set: a row of numbers for each request, and a column of scores for each model."""

    rows: Numbers
    scores: Numbers


@dataclass(frozen=True, slots=True)
class Difficulty:
    hard: Numbers
    telling: Numbers
    abilities: tuple[Numbers, ...]  # for each set, one for each model

    def logits(self, rows: Numbers, abilities: Numbers) -> Numbers:
        """A column for each ability."""
        return abilities * (1 + (rows @ self.telling)[:, None]) - (rows @ (self.hard + MIDDLE * self.telling))[:, None]


def fit(sets: Sequence[Scored], *, ridges: Numbers) -> Difficulty:
    """Newton's method in turn for abilities and weights. Each request counts once, however many models it has."""
    width = len(ridges)
    both = np.concatenate([ridges, ridges])
    found = Difficulty(np.zeros(width), np.zeros(width), tuple(_logit(each.scores.mean(axis=0)) for each in sets))
    for _ in range(_STEPS):
        abilities = tuple(map(_better, sets, [found] * len(sets), found.abilities))
        found = Difficulty(found.hard, found.telling, abilities)
        parts = [_newton(each, found, own) for each, own in zip(sets, abilities, strict=True)]
        weights = np.concatenate([found.hard, found.telling])
        slope = sum((part[0] for part in parts), -both * weights)
        step = np.linalg.solve(sum((part[1] for part in parts), np.diag(both)), slope)
        weights = weights + step
        found = Difficulty(weights[:width], weights[width:], abilities)
        if np.abs(step).max() < _SMALL:
            break
    return found


def _better(each: Scored, found: Difficulty, abilities: Numbers) -> Numbers:
    predicted = chance(found.logits(each.rows, abilities))
    curved = np.maximum(predicted * (1 - predicted), _LEAST_CURVATURE)
    slope = (each.scores - predicted).sum(axis=0) - _ABILITY_RIDGE * abilities
    return np.asarray(abilities + slope / (curved.sum(axis=0) + _ABILITY_RIDGE))


def _newton(each: Scored, found: Difficulty, abilities: Numbers) -> tuple[Numbers, Numbers]:
    """Slope and curvature for hard, then telling."""
    predicted = chance(found.logits(each.rows, abilities))
    wrong, curved = each.scores - predicted, np.maximum(predicted * (1 - predicted), _LEAST_CURVATURE)
    above = abilities - MIDDLE
    slope = np.concatenate([-each.rows.T @ wrong.mean(axis=1), each.rows.T @ (wrong * above).mean(axis=1)])
    plain, crossed, squared = (_gram(each.rows, (curved * above**power).mean(axis=1)) for power in range(3))
    return slope, np.block([[plain, -crossed], [-crossed, squared]])


def _gram(rows: Numbers, weights: Numbers) -> Numbers:
    return np.asarray((rows * weights[:, None]).T @ rows)


def _logit(shares: Numbers) -> Numbers:
    inside = np.clip(shares, 0.02, 0.98)
    return np.asarray(np.log(inside / (1 - inside)))
