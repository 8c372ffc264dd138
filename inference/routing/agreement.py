"""What a cascade by agreement would have cost on recorded answers: two cheap models agree, else the strong one."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from inference.routing.recorded import RecordedSet

_FEWEST_MODELS = 3  # two cheap ones and a strong one


@dataclass(frozen=True, slots=True)
class Cascaded:
    first: str
    second: str
    strong: str
    agreed: float  # share of requests that the strong model is spared
    quality: float  # of the strong model's
    cost: float  # of the strong model's


def best(recorded: RecordedSet, *, quality: float) -> Cascaded | None:
    """The cheapest pair that keeps this share of the strongest model's quality; None where no pair does."""
    found = [each for each in _all(recorded) if each.quality >= quality]
    return min(found, key=lambda each: each.cost, default=None)


def _all(recorded: RecordedSet) -> list[Cascaded]:
    models = [name for name in recorded.models if all(name in row.answers for row in recorded.rows)]
    if len(models) < _FEWEST_MODELS:
        return []
    scores, costs = recorded.scores(models), recorded.costs(models)
    answers = np.array([[row.answers[name] for name in models] for row in recorded.rows])
    strong = int(scores.mean(axis=0).argmax())
    found = []
    for first, second in combinations([place for place in range(len(models)) if place != strong], 2):
        agree = answers[:, first] == answers[:, second]
        spent = costs[:, first] + costs[:, second] + np.where(agree, 0, costs[:, strong])
        kept = np.where(agree, scores[:, first], scores[:, strong])
        found.append(
            Cascaded(
                models[first],
                models[second],
                models[strong],
                float(agree.mean()),
                float(kept.mean() / scores[:, strong].mean()),
                float(spent.mean() / costs[:, strong].mean()),
            )
        )
    return found
