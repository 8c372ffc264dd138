"""Fits the weights of the pair verifier; what comes of it is `weights.json`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEPS = 2000
_RATE = 0.05
# a weight must earn its place: fitted weights have to hold on texts of another kind
_RIDGE = 0.002


@dataclass(frozen=True, slots=True)
class Fitted:
    bias: float
    weights: tuple[float, ...]


def fit(
    rows: NDArray[np.float64], labels: NDArray[np.bool_], *, floors: NDArray[np.float64], ceilings: NDArray[np.float64]
) -> Fitted:
    """Logistic regression whose weights stay between floors and ceilings: the score must not turn around."""
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
        weights = np.clip(weights, floors * spread, ceilings * spread)
    plain = weights / spread
    return Fitted(round(float(bias - (plain * mean).sum()), 4), tuple(round(float(weight), 4) for weight in plain))
