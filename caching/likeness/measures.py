"""How well scores tell those that may share an answer from those that may not."""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


def roc_auc(scores: Scores, labels: Labels) -> float:
    """The chance that a true pair scores above a false one; a tie counts half."""
    if labels.all() or not labels.any():
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    true = int(labels.sum())
    return float((ranks[labels].sum() - true * (true + 1) / 2) / (true * (len(labels) - true)))


def recall_at(scores: Scores, labels: Labels, *, false_share: float) -> float:
    """The share of true pairs above the lowest threshold that lets through at most this share of the false ones."""
    false = np.sort(scores[~labels])[::-1]
    if not len(false) or not labels.any():
        return float("nan")
    # the first that may not pass: ties with it stay out too
    limit = false[int(false_share * len(false))] if int(false_share * len(false)) < len(false) else -np.inf
    return float((scores[labels] > limit).mean())
