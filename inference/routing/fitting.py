"""Logistic regression with unequal ridges around what was believed before."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_STEPS = 8
_LEAST_CURVATURE = 0.02
_PARTS = (1.0, 0.5, 0.25, 0.1, 0.01)
_SMALL = 1e-4  # far below what is kept


def chance(logits: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))


def fit(rows: Numbers, scores: Numbers, *, ridges: Numbers, offset: Numbers, weights: Numbers) -> Numbers:
    """By Newton's method. `scores` may be shares; `offset` is the logit that no evidence leaves as it is."""

    def lost(tried: Numbers) -> float:
        logits = rows @ tried + offset
        return float((weights * (np.logaddexp(0, logits) - scores * logits)).sum() + (ridges * tried**2).sum() / 2)

    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        predicted = chance(rows @ found + offset)
        slope = rows.T @ (weights * (scores - predicted)) - ridges * found
        curved = weights * np.maximum(predicted * (1 - predicted), _LEAST_CURVATURE)
        step = np.linalg.solve((rows * curved[:, None]).T @ rows + np.diag(ridges), slope)
        # a whole step can overshoot where what was believed is far from what came
        part = next((part for part in _PARTS if lost(found + part * step) < lost(found)), 0.0)
        found = found + part * step
        if part * np.abs(step).max() < _SMALL:
            break
    return found


def log_loss(logits: Numbers, scores: Numbers) -> float:
    return loss_of(chance(logits), scores)


def loss_of(chances: Numbers, scores: Numbers) -> float:
    predicted = np.clip(chances, 1e-6, 1 - 1e-6)
    return float(-(scores * np.log(predicted) + (1 - scores) * np.log(1 - predicted)).mean())
