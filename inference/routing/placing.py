"""Turns signals and a vector into the numbers that weights are for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
DIMENSION = 384
# of a Gaussian kernel over unit vectors, drawn rather than kept: nearness without anybody's vectors (Rahimi and Recht,
# "Random features for large-scale kernel machines", 2007)
_DRAWN, _SHARPNESS, _SEED = 512, 3.0, 20_07
# what lies further out says nothing that was seen
_FURTHEST = 3.0
# vectors are short beside signals: 384 numbers share the length 1
_LINEAR_SCALE, _DRAWN_SCALE = 4.0, 4.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The mean and spread of each signal where the weights were fitted."""

    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def standard(self, signals: Sequence[float]) -> tuple[float, ...]:
        return tuple(
            max(-_FURTHEST, min(_FURTHEST, (signal - mean) / spread))
            for signal, mean, spread in zip(signals, self.means, self.spreads, strict=True)
        )


def scale_of(rows: Numbers) -> Scale:
    spreads = np.maximum(rows.std(axis=0), 0.05)  # a signal that hardly ever shows must not shout when it does
    return Scale(tuple(rows.mean(axis=0).round(4).tolist()), tuple(spreads.round(4).tolist()))


def spread_out(vectors: Numbers) -> Numbers:
    """A row of each vector: itself, then what it is near to."""
    directions, phases = _drawn()
    near = np.cos(vectors @ directions + phases) * (_DRAWN_SCALE * (2 / _DRAWN) ** 0.5)
    return np.concatenate([vectors * _LINEAR_SCALE, near], axis=-1)


@cache
def _drawn() -> tuple[Numbers, Numbers]:
    # RandomState: its stream is frozen, so that weights fit the same directions with any later numpy
    random = np.random.RandomState(_SEED)
    directions = random.standard_normal((DIMENSION, _DRAWN)) * (2 * _SHARPNESS) ** 0.5
    return directions, random.uniform(0, 2 * np.pi, _DRAWN)
