"""Says of each model how likely its answer to a request is good enough."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.catalog import Model
from inference.routing.difficulty import MIDDLE
from inference.routing.placing import DIMENSION, Scale, trust

Numbers = NDArray[np.float64]
WEIGHTS = Path(__file__).with_name("weights") / "prior.json"
_BEST_QUALITY = 5.0
_FURTHEST_LOGIT = 30.0
# so many rows of an organization say as much about a model as the catalogue does
_ROWS_LIKE_THE_CATALOGUE = 30


@dataclass(frozen=True, slots=True)
class Predicted:
    """`quality` is on the catalogue's scale of 0 to 5; `spread` is the doubt about it on the same scale."""

    model: str
    chance: float  # of an answer that is good enough
    quality: float
    spread: float


@dataclass(frozen=True, slots=True)
class Prior:
    """Fitted on public sets; what an installation starts with."""

    scale: Scale
    hard: tuple[float, ...]  # one for each signal
    telling: tuple[float, ...]
    slope: float  # ability = slope * (quality - middle_quality)
    middle_quality: float
    spread: float  # of a model's true ability around what its quality in the catalogue says

    def ability(self, quality: float) -> float:
        return self.slope * (quality - self.middle_quality)

    def quality(self, logit: float) -> float:
        return max(0.0, min(_BEST_QUALITY, self.middle_quality + logit / self.slope))

    def logits(self, standard: Numbers, abilities: Numbers) -> Numbers:
        """A row for each request (or one alone), a column for each ability."""
        trusted = trust(standard)
        hard = np.asarray(standard @ np.asarray(self.hard) * trusted)
        telling = np.asarray(standard @ np.asarray(self.telling) * trusted)
        return np.asarray(abilities - hard[..., None] + (abilities - MIDDLE) * telling[..., None])


@dataclass(frozen=True, slots=True)
class Own:
    """What an organization's rows say of one model beyond the prior."""

    rows: int
    intercept: float
    tasks: Mapping[str, float] = field(default_factory=dict)
    weights: tuple[float, ...] = ()  # of signals
    seeing: tuple[float, ...] = ()  # of signals and vector; (): too few rows had one


@dataclass(frozen=True, slots=True)
class OrganizationWeights:
    """Numbers alone, under 50 kB: neither texts nor vectors can be read out of them."""

    shift: tuple[float, ...] = ()  # of signals, for every model
    seeing: tuple[float, ...] = ()  # of signals and vector
    models: Mapping[str, Own] = field(default_factory=dict)


NOTHING_OWN = OrganizationWeights()


class Predictor:
    """Pure: the same request and weights give the same figures in every worker."""

    def __init__(self, prior: Prior, own: OrganizationWeights = NOTHING_OWN) -> None:
        self._prior = prior
        self._own = own
        self._shift, self._seeing = np.asarray(own.shift), np.asarray(own.seeing)
        self._weights = {name: np.asarray(each.weights) for name, each in own.models.items()}
        self._sights = {name: np.asarray(each.seeing) for name, each in own.models.items()}

    def predict(
        self,
        signals: Sequence[float],
        vector: Sequence[float] | Numbers | None,
        *,
        task_type: str,
        models: Sequence[Model],
    ) -> tuple[Predicted, ...]:
        """In the order of `models`. A vector of another embedder is left aside."""
        standard = self._prior.scale.place(signals)
        abilities = np.array([self._prior.ability(model.quality_for(task_type)) for model in models])
        logits = self._prior.logits(standard, abilities).tolist()
        sight = None if vector is None or len(vector) != DIMENSION else self._prior.scale.place(signals, vector)
        shift = self._shifted(standard, sight)
        return tuple(
            self._predicted(model.name, logit + shift + self._of_model(model.name, task_type, standard, sight=sight))
            for model, logit in zip(models, logits, strict=True)
        )

    def _shifted(self, standard: Numbers, sight: Numbers | None) -> float:
        if sight is not None and len(self._seeing):
            return float(sight @ self._seeing)
        return float(standard @ self._shift) if len(self._shift) else 0.0

    def _of_model(self, name: str, task_type: str, standard: Numbers, *, sight: Numbers | None) -> float:
        own = self._own.models.get(name)
        if own is None:
            return 0.0
        known = own.intercept + own.tasks.get(task_type, 0.0)
        if sight is not None and own.seeing:
            return known + float(sight @ self._sights[name])
        return known + (float(standard @ self._weights[name]) if own.weights else 0.0)

    def _predicted(self, name: str, logit: float) -> Predicted:
        logit = max(-_FURTHEST_LOGIT, min(_FURTHEST_LOGIT, logit))
        own = self._own.models.get(name)
        spread = self._prior.spread / math.sqrt(1 + (own.rows if own else 0) / _ROWS_LIKE_THE_CATALOGUE)
        return Predicted(name, 1 / (1 + math.exp(-logit)), self._prior.quality(logit), spread)


@cache
def shipped() -> Prior:
    """With the weights that `fit_routing` wrote."""
    return _prior(json.loads(WEIGHTS.read_text()))


def _prior(read: Mapping[str, Any]) -> Prior:
    scale = Scale(tuple(read["scale"]["means"]), tuple(read["scale"]["spreads"]))
    rest = {name: value for name, value in read.items() if name not in ("scale", "hard", "telling")}
    return Prior(scale, tuple(read["hard"]), tuple(read["telling"]), **rest)
