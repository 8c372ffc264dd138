"""Fits what an installation starts with: how hard requests are, and what a model's quality is worth."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from inference.routing import difficulty, recorded, signals
from inference.routing.difficulty import Scored
from inference.routing.placing import scale_of, topics_of
from inference.routing.predictor import Prior, topics_as_text
from inference.routing.recorded import RecordedSet

Numbers = NDArray[np.float64]
# drawn hard to 0: what tells requests apart in one set often says the contrary in another
_STRENGTH = 1000.0
# the catalogue's rule of thumb (config/models.yaml): what an output price stands for, without the bonus for new models
_QUALITY_BY_PRICE = ((1, 3.0), (5, 3.5), (15, 4.0), (40, 4.3))
_BEST_BY_PRICE = 4.4
_LEAST_SLOPE = 0.5
_TOPICS = 64


def quality_of(model: str) -> float:
    """What the catalogue would say of it, by its price alone. Raises LookupError."""
    price = recorded.listed_price(model)[1]
    return next((quality for limit, quality in _QUALITY_BY_PRICE if price < limit), _BEST_BY_PRICE)


def measured(rows: RecordedSet) -> Numbers:
    return np.array([signals.measure(row.text) for row in rows.rows])


def fit(sets: Sequence[RecordedSet], topics: Numbers) -> Prior:
    measures = [measured(each) for each in sets]
    scale = scale_of(np.vstack(measures))
    scored = [Scored(scale.place(rows), each.scores(each.models)) for rows, each in zip(measures, sets, strict=True)]
    found = difficulty.fit(scored, ridges=np.full(len(signals.NAMES), _STRENGTH))
    qualities = np.array([quality_of(name) for each in sets for name in each.models])
    abilities = np.concatenate(found.abilities)
    slope = max(_LEAST_SLOPE, float(np.polyfit(qualities, abilities, 1)[0]))
    middle = float(qualities.mean() - abilities.mean() / slope)
    spread = float((abilities - slope * (qualities - middle)).std() / slope)
    hard, telling = (tuple(weights.round(4).tolist()) for weights in (found.hard, found.telling))
    return Prior(scale, hard, telling, round(slope, 4), round(middle, 4), topics, round(spread, 4))


def topics(sets: Sequence[RecordedSet], vectors: Callable[[Sequence[str]], Numbers]) -> Numbers:
    """From the rows that no figure is measured on."""
    tested = {row.key for each in sets for row in each.rows if row.is_test}
    texts = [row.text for each in sets for row in each.rows if row.key not in tested]
    return topics_of(vectors(texts), _TOPICS)


def as_json(prior: Prior) -> str:
    """What `predictor.shipped` reads."""
    return json.dumps({**asdict(prior), "topics": topics_as_text(prior.topics)}, indent=1) + "\n"
