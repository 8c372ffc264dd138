"""Puts signals and vectors on the scales that weights are for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
DIMENSION = 384
# what lies further out says nothing that was seen
_FURTHEST = 3.0
_LEAST_SPREAD = 0.05  # a signal that hardly ever shows must not shout when it does
# how sharply the nearest topics stand out, and what makes a topic weigh about as much as a signal
_SHARPNESS, _TOPIC_SCALE = 20.0, 8.0
_USUAL_DISTANCE = 1.2
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """The mean and spread of each signal where the weights were fitted."""

    means: tuple[float, ...]
    spreads: tuple[float, ...]

    def place(self, signals: Sequence[float] | Numbers) -> Numbers:
        """Of one request, or a row for each."""
        standard = (np.asarray(signals) - self.means) / self.spreads
        return np.asarray(np.clip(standard, -_FURTHEST, _FURTHEST))


def near(vectors: Numbers, topics: Numbers) -> Numbers:
    """How near to each topic, less what a vector near to none has: for one vector, or a row for each.

    A topic is a centre of many public texts' vectors. What is learnt of topics is a few numbers, and nobody's vector.
    """
    likeness = _SHARPNESS * (vectors @ topics.T)
    shares = np.exp(likeness - likeness.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return np.asarray((shares - 1 / len(topics)) * _TOPIC_SCALE)


def topics_of(vectors: Numbers, count: int) -> Numbers:
    """Centres of unit vectors, by k-means on the sphere; the same at every call."""
    random = np.random.default_rng(5)
    centres = vectors[random.choice(len(vectors), count, replace=False)]
    for _ in range(_ROUNDS):
        nearest = (vectors @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, vectors)
        sums += 1e-3 * centres  # one that nothing is near to stays where it is
        centres = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(centres)


def scale_of(rows: Numbers) -> Scale:
    spreads = np.maximum(rows.std(axis=0), _LEAST_SPREAD)
    return Scale(tuple(rows.mean(axis=0).round(4).tolist()), tuple(spreads.round(4).tolist()))


def trust(standard: Numbers) -> Numbers:
    """From 1 for what is like that which was seen, towards 0 for what is not."""
    distance = np.sqrt((standard**2).mean(axis=-1))
    return np.asarray(1 / (1 + np.maximum(0, distance - _USUAL_DISTANCE) ** 2 * 4))
