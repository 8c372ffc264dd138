"""Fits the weights of the pair verifier; what comes of it is `weights.json`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caching.likeness import features
from caching.likeness.reading import Reading

_STEPS = 2000
_RATE = 0.05
# a weight must earn its place: fitted weights have to hold on texts of another kind
_RIDGE = 0.002


@dataclass(frozen=True, slots=True)
class Fitted:
    bias: float
    weights: tuple[float, ...]


def rarities(readings: Iterable[Reading]) -> bytes:
    """For each bucket of words how rare they are, 255 for what was never seen."""
    counts: Counter[int] = Counter()
    total = 0
    for reading in readings:
        total += 1
        counts.update({features.bucket(word) for word in features.content(reading)})
    highest = np.log(total + 1)
    return bytes(int(255 * np.log((total + 1) / (counts[place] + 1)) / highest) for place in range(features.BUCKETS))


def fit(rows: NDArray[np.float64], labels: NDArray[np.bool_], *, signs: NDArray[np.int8]) -> Fitted:
    """Logistic regression; a weight with a sign of 1 stays above 0, one of -1 below: the score must not turn around."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = (rows - mean) / spread
    weights, bias = np.zeros(rows.shape[1]), 0.0
    first, second = np.zeros(rows.shape[1] + 1), np.zeros(rows.shape[1] + 1)
    for step in range(1, _STEPS + 1):
        wrong = 1 / (1 + np.exp(-(scaled @ weights + bias))) - labels
        slope = np.append(scaled.T @ wrong / len(rows) + _RIDGE * weights, wrong.mean())
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        move = _RATE * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        weights, bias = weights - move[:-1], bias - float(move[-1])
        weights = np.where(signs > 0, np.maximum(weights, 0), np.where(signs < 0, np.minimum(weights, 0), weights))
    plain = weights / spread
    return Fitted(round(float(bias - (plain * mean).sum()), 4), tuple(round(float(weight), 4) for weight in plain))
