"""Says whether an organization's evidence has earned that its requests are routed by it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.catalog import DEFAULT_TASK, Model
from inference.routing import evidence, fitting
from inference.routing.evidence import Evidence
from inference.routing.predictor import NOTHING_OWN, OrganizationWeights, Predictor, Prior

Numbers = NDArray[np.float64]
# with 100 rows the predictor was no better on public sets than the prior alone, with 500 it was (decision 0027)
FEWEST_ROWS = 300
# the share of so few rows is off by 0.05 to 0.09 by chance alone: below that nothing can be said of a model
FEWEST_HELD = 30
# a model that is taken for better than it is by more than this would be chosen where it is not good enough: 0.05 of a
# chance is a quarter of a point of quality where chances are near the usual threshold
FURTHEST_GAP = 0.05


@dataclass(frozen=True, slots=True)
class Figures:
    """On the rows that were held back.

    Loss: the log-loss of those that could have gone otherwise, which what others are compared with could not. Gap:
    between the mean predicted chance of a model and the share of its answers that were good; the widest of all models
    with FEWEST_HELD rows there.
    """

    rows: int
    prior_loss: float
    loss: float
    prior_gap: float
    gap: float


@dataclass(frozen=True, slots=True)
class Earned:
    """`why_not`: in words for people; "" where the weights are trusted. `figures`: None where nothing was tried."""

    rows: int
    weights: OrganizationWeights
    figures: Figures | None
    why_not: str

    @property
    def is_trusted(self) -> bool:
        return not self.why_not


def earned(prior: Prior, rows: Sequence[Evidence]) -> Earned:
    """Pure. Judged by weights that have not seen the rows held back; those that are given have seen all."""
    if len(rows) < FEWEST_ROWS:
        return Earned(len(rows), NOTHING_OWN, None, f"{len(rows)} of {FEWEST_ROWS} rows of evidence are there")
    learnt, held = evidence.parted(rows)
    counts = Counter(row.model for row in held)
    known = [name for name, count in counts.items() if count >= FEWEST_HELD]
    if not learnt or not known or all(row.is_measure for row in held):
        why_not = f"of no model {FEWEST_HELD} rows were held back to judge by: too many models, or too few requests"
        return Earned(len(rows), NOTHING_OWN, None, why_not)
    figures, gaps = _judged(prior, evidence.refit(prior, learnt), held, known)
    return Earned(len(rows), evidence.refit(prior, rows), figures, _why_not(figures, gaps))


def _judged(
    prior: Prior, own: OrganizationWeights, held: Sequence[Evidence], known: Sequence[str]
) -> tuple[Figures, Mapping[str, float]]:
    scores, names = np.array([row.score for row in held]), np.array([row.model for row in held])
    before, after = (_chances(Predictor(prior, each), held) for each in (NOTHING_OWN, own))
    prior_gaps, gaps = (
        {name: _gap(chances[names == name], scores[names == name]) for name in known} for chances in (before, after)
    )
    is_open = np.array([not row.is_measure for row in held])
    prior_loss, loss = (fitting.loss_of(chances[is_open], scores[is_open]) for chances in (before, after))
    return Figures(len(held), prior_loss, loss, max(prior_gaps.values()), max(gaps.values())), gaps


def _chances(predictor: Predictor, rows: Sequence[Evidence]) -> Numbers:
    """By the predictor that serves."""
    return np.array([_chance(predictor, row) for row in rows])


def _chance(predictor: Predictor, row: Evidence) -> float:
    asked = Model(row.model, "", row.model, quality={DEFAULT_TASK: row.quality})
    (found,) = predictor.predict(row.signals, row.vector, task_type=row.task_type, models=[asked])
    return found.chance


def _gap(chances: Numbers, scores: Numbers) -> float:
    return abs(float(chances.mean() - scores.mean()))


def _why_not(figures: Figures, gaps: Mapping[str, float]) -> str:
    if not figures.loss < figures.prior_loss:
        return "the rows held back are foretold no better than by the catalogue alone"
    if figures.gap > FURTHEST_GAP:
        model = max(gaps, key=lambda name: gaps[name])
        return (
            f"on the rows held back, the share of good answers of {model} is foretold {figures.gap:.3f} wrong, and "
            f"{FURTHEST_GAP:g} is the most"
        )
    return ""
