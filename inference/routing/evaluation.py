"""Measures the predictor on recorded scores, next to simpler routers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.catalog import Model
from inference.routing import evidence, fitting, measures, priors
from inference.routing.evidence import Evidence
from inference.routing.measures import Bin, Interval, Ranking
from inference.routing.placing import scale_of
from inference.routing.predictor import OrganizationWeights, Predictor, Prior
from inference.routing.recorded import RecordedSet

Numbers = NDArray[np.float64]
Vectors = Callable[[Sequence[str]], Numbers]
TASK = "general"
# the strong and the weak model of each set: RouteLLM's where the set has them
PAIRS = {
    "routellm_mmlu": ("gpt-4-1106-preview", "mixtral-8x7b"),
    "routellm_gsm8k": ("gpt-4-1106-preview", "mixtral-8x7b"),
    "mmlu_pro_from_mmlu": ("gemini-1.5-pro-002", "gemini-1.5-flash-002"),
    "llmrouter_9models": ("llama-3.1-nemotron-51b-instruct", "mistral-7b-instruct-v0.3"),
    "routerbench_part": ("gpt-4-1106-preview", "mistralai/mixtral-8x7b-chat"),
    "zeroeval_gsm": ("gpt-4o-2024-08-06", "gpt-3.5-turbo-0125"),
    "zeroeval_numersense_v2": ("gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18"),
}
_NEIGHBOURS = 40
_RIDGE, _SEEING_RIDGE = 100.0, 300.0
# a vector has the length 1, a number of it about 1/20: so they weigh in beside signals
_VECTOR_SCALE = 4.0
_MOST_ROWS = 12_000
_SHARES = (0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Placed:
    """Requests of a set with what is known of them; `vectors` is None where they are not asked for."""

    part: RecordedSet
    signals: Numbers
    vectors: Numbers | None


@dataclass(frozen=True, slots=True)
class Row:
    router: str
    ranking: Ranking
    interval: Interval


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the strongest model's cost, at least what keeps this share of its quality; None: not kept."""

    share: float
    predicted: float | None
    mixed: float


def placed(part: RecordedSet, vectors: Vectors | None) -> Placed:
    return Placed(part, priors.measured(part), vectors([row.text for row in part.rows]) if vectors else None)


def prior_without(tested: RecordedSet, sets: Sequence[RecordedSet], topics: Numbers) -> Prior:
    """Fitted on the other sets, without those of their prompts that stand in the tested one too."""
    others = [each.without(tested.keys) for each in sets if each.name != tested.name]
    return priors.fit([each for each in others if each.rows], topics)


def ranked(prior: Prior, learnt: Placed, tested: Placed, pair: tuple[str, str]) -> list[Row]:
    """Every router on the pair: baselines, the prior alone, the prior with this set's evidence."""
    scores = tested.part.scores(pair)
    orders = dict(_baselines(learnt, tested, pair))
    orders["prior, other sets alone"] = _gain(prior, OrganizationWeights(), tested, pair)
    blind = Placed(learnt.part, learnt.signals, None), Placed(tested.part, tested.signals, None)
    own = evidence.refit(prior, rows_of(blind[0], pair))
    orders["predictor, no vector"] = _gain(prior, own, blind[1], pair)
    if learnt.vectors is not None:
        own = evidence.refit(prior, rows_of(learnt, pair))
        orders["predictor"] = _gain(prior, own, tested, pair)
    return [
        Row(name, measures.ranking(order, *scores.T), measures.apgr_interval(order, *scores.T))
        for name, order in orders.items()
    ]


def rows_of(learnt: Placed, models: Sequence[str]) -> list[Evidence]:
    """What an organization would have been told: model by model, so that no prompt's rows stand together."""
    vectors = [None] * len(learnt.part.rows) if learnt.vectors is None else list(learnt.vectors)
    return [
        Evidence(tuple(signal), vector, name, priors.quality_of(name), TASK, row.scores[name])
        for name in models
        for row, signal, vector in zip(learnt.part.rows, learnt.signals.tolist(), vectors, strict=True)
    ]


def drawn(rows: Sequence[Evidence], count: int, *, seed: int) -> list[Evidence]:
    places = np.random.default_rng(seed).permutation(len(rows))[:count]
    return [rows[place] for place in places]


def chances(prior: Prior, own: OrganizationWeights, tested: Placed, models: Sequence[str]) -> Numbers:
    """A column for each model, by the predictor that serves."""
    asked = [Model(name, "recorded", name, quality={"default": priors.quality_of(name)}) for name in models]
    predictor = Predictor(prior, own)
    vectors = [None] * len(tested.part.rows) if tested.vectors is None else list(tested.vectors)
    return np.array(
        [
            [found.chance for found in predictor.predict(signal, vector, task_type=TASK, models=asked)]
            for signal, vector in zip(tested.signals, vectors, strict=True)
        ]
    )


def costs(prior: Prior, learnt: Placed, tested: Placed) -> list[Cost]:
    """Over all models of the set."""
    models = tested.part.models
    own = evidence.refit(prior, drawn(rows_of(learnt, models), _MOST_ROWS, seed=1))
    return costs_of(chances(prior, own, tested, models), tested, models)


def costs_of(predicted: Numbers, tested: Placed, models: Sequence[str]) -> list[Cost]:
    scores, spent = tested.part.scores(models), tested.part.costs(models)
    return [
        Cost(share, measures.cost_at(share, predicted, scores, spent), measures.mixed_cost_at(share, scores, spent))
        for share in _SHARES
    ]


def reliability(prior: Prior, learnt: Placed, tested: Placed, models: Sequence[str]) -> Mapping[str, tuple[Bin, ...]]:
    scores = tested.part.scores(models).ravel()
    own = evidence.refit(prior, drawn(rows_of(learnt, models), _MOST_ROWS, seed=1))
    return {
        "prior": measures.reliability(chances(prior, OrganizationWeights(), tested, models).ravel(), scores),
        "with evidence": measures.reliability(chances(prior, own, tested, models).ravel(), scores),
    }


def _gain(prior: Prior, own: OrganizationWeights, tested: Placed, pair: tuple[str, str]) -> Numbers:
    strong, weak = chances(prior, own, tested, pair).T
    return np.asarray(strong - weak)


def _baselines(learnt: Placed, tested: Placed, pair: tuple[str, str]) -> Mapping[str, Numbers]:
    strong, weak = learnt.part.scores(pair).T
    gains = strong - weak
    scale = scale_of(learnt.signals)
    rows, asked = scale.place(learnt.signals), scale.place(tested.signals)
    orders = {
        "random": np.random.default_rng(3).random(len(asked)),
        "length": tested.signals[:, 0],
        "logistic regression on signals": _logistic(rows, gains, asked),
        "ridge on gain, signals": _ridge(rows, gains, asked, _RIDGE),
    }
    if learnt.vectors is not None and tested.vectors is not None:
        orders["kNN-40"] = _nearest(learnt.vectors, gains, tested.vectors)
        wide = np.hstack([rows, learnt.vectors * _VECTOR_SCALE]), np.hstack([asked, tested.vectors * _VECTOR_SCALE])
        orders["ridge on gain, signals and vector"] = _ridge(wide[0], gains, wide[1], _SEEING_RIDGE)
    return orders


def _logistic(rows: Numbers, gains: Numbers, asked: Numbers) -> Numbers:
    design = np.hstack([rows, np.ones((len(rows), 1))])
    ridges = np.append(np.ones(rows.shape[1]), 0.01)
    none = np.zeros(len(rows))
    found = fitting.fit(design, (gains > 0).astype(np.float64), ridges=ridges, offset=none, weights=none + 1)
    return np.asarray(asked @ found[:-1])


def _ridge(rows: Numbers, gains: Numbers, asked: Numbers, strength: float) -> Numbers:
    found = np.linalg.solve(rows.T @ rows + strength * np.eye(rows.shape[1]), rows.T @ (gains - gains.mean()))
    return np.asarray(asked @ found)


def _nearest(known: Numbers, gains: Numbers, asked: Numbers) -> Numbers:
    near = asked @ known.T
    places = np.argpartition(-near, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    # ties are many: the nearer neighbours' likeness breaks them
    return np.asarray(gains[places].mean(axis=1) + 1e-6 * np.take_along_axis(near, places, axis=1).mean(axis=1))
