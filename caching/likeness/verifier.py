"""How likely it is that two questions share an answer, from what they share and their vectors' cosine."""

import json
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from caching.likeness import features
from caching.likeness.reading import Reading

WEIGHTS = Path(__file__).with_name("weights.json")
# where a straight line through the cosine bends
KNEES = (0.0, 0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Verifier:
    bias: float
    knee_weights: tuple[float, ...]  # none below 0: a higher cosine never lowers the score
    weights: tuple[float, ...]  # one for each of features.NAMES

    def score(self, asked: Reading, kept: Reading, similarity: float) -> float:
        return self.score_of(features.measure(asked, kept), similarity)

    def score_of(self, measured: Sequence[float], similarity: float) -> float:
        terms = (*map(operator.mul, self.knee_weights, bends(similarity)), *map(operator.mul, self.weights, measured))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, self.bias + math.fsum(terms)))))


def bends(similarity: float) -> tuple[float, ...]:
    return tuple(max(0.0, similarity - knee) for knee in KNEES)


def shipped() -> Verifier:
    """With the weights that `evaluate_semantic_cache --fit` wrote."""
    read = json.loads(WEIGHTS.read_text())
    return Verifier(read["bias"], tuple(read["knee_weights"]), tuple(read["weights"]))
