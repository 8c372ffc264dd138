"""What an organization's evidence adds: figures after more and more rows of a workload nobody has seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference.routing import evaluation, evidence, fitting, measures
from inference.routing.evaluation import Placed
from inference.routing.predictor import Prior

COUNTS = (0, 100, 500, 2000)
_SEEDS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Point:
    """Means over some draws of so many rows; each row is one answer of one model."""

    rows: int
    apgr: float
    log_loss: float
    calibration_error: float
    cost_at_95: float | None
    cost_at_99: float | None


def curve(prior: Prior, learnt: Placed, tested: Placed, pair: tuple[str, str]) -> Iterator[Point]:
    """Rows are drawn from the answers of all models of the set, as feedback would come."""
    models = tested.part.models
    told = evaluation.rows_of(learnt, models)
    for count in COUNTS:
        seeds = _SEEDS if count else _SEEDS[:1]
        points = [_point(prior, evaluation.drawn(told, count, seed=seed), tested, pair=pair) for seed in seeds]
        yield Point(
            count,
            *(float(np.mean([getattr(point, name) for point in points])) for name in _MEANS),
            *(_mean_known([getattr(point, name) for point in points]) for name in _COSTS),
        )


_MEANS = ("apgr", "log_loss", "calibration_error")
_COSTS = ("cost_at_95", "cost_at_99")


def _point(prior: Prior, rows: Sequence[evidence.Evidence], tested: Placed, *, pair: tuple[str, str]) -> Point:
    models = tested.part.models
    predicted = evaluation.chances(prior, evidence.refit(prior, rows), tested, models)
    scores = tested.part.scores(models)
    strong, weak = (models.index(name) for name in pair)
    costs = evaluation.costs_of(predicted, tested, models)
    inside = np.clip(predicted, 1e-6, 1 - 1e-6)
    return Point(
        len(rows),
        measures.ranking(predicted[:, strong] - predicted[:, weak], scores[:, strong], scores[:, weak]).apgr,
        fitting.log_loss(np.log(inside / (1 - inside)).ravel(), scores.ravel()),
        measures.calibration_error(measures.reliability(predicted.ravel(), scores.ravel())),
        costs[0].predicted,
        costs[1].predicted,
    )


def _mean_known(found: Sequence[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return float(np.mean(known)) if len(known) == len(found) else None
