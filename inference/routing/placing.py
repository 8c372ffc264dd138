"""Puts signals and vectors on the scale that weights are for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
DIMENSION = 384
# what lies further out says nothing that was seen
_FURTHEST = 3.0
_LEAST_SPREAD = 0.05  # a signal that hardly ever shows must not shout when it does
# a vector has the length 1, a number of it about 1/20: so they weigh in beside signals
_VECTOR_SCALE = 4.0
_USUAL_DISTANCE = 1.2


@dataclass(frozen=True, slots=True)
class Scale:
    """The mean and spread of each signal where the weights were fitted."""

    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def place(self, signals: Sequence[float], vector: Sequence[float] | Numbers | None = None) -> Numbers:
        standard = (np.asarray(signals) - self.means) / self.spreads
        standard = np.clip(standard, -_FURTHEST, _FURTHEST)
        return standard if vector is None else np.concatenate([standard, np.asarray(vector) * _VECTOR_SCALE])

    def place_all(self, signals: Numbers, vectors: Numbers | None = None) -> Numbers:
        standard = np.clip((signals - self.means) / self.spreads, -_FURTHEST, _FURTHEST)
        return standard if vectors is None else np.hstack([standard, vectors * _VECTOR_SCALE])


def scale_of(rows: Numbers) -> Scale:
    spreads = np.maximum(rows.std(axis=0), _LEAST_SPREAD)
    return Scale(tuple(rows.mean(axis=0).round(4).tolist()), tuple(spreads.round(4).tolist()))


def trust(standard: Numbers) -> Numbers:
    """From 1 for what is like that which was seen, towards 0 for what is not."""
    distance = np.sqrt((standard**2).mean(axis=-1))
    return np.asarray(1 / (1 + np.maximum(0, distance - _USUAL_DISTANCE) ** 2 * 4))
