"""Says of each model how likely its answer to a request is good enough."""

import base64
import hashlib
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
from inference.routing.placing import DIMENSION, Scale, near, trust

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
    topics: Numbers  # a row of DIMENSION for each
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
class Head:
    """Weights of signals, or of signals and topics."""

    shift: tuple[float, ...] = ()  # for every model alike
    telling: tuple[float, ...] = ()  # for a model, times its ability
    models: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # what sets one apart beyond that


@dataclass(frozen=True, slots=True)
class Own:
    """What an organization's rows say of one model whatever the request is."""

    rows: int
    intercept: float
    tasks: Mapping[str, float] = field(default_factory=dict)
    # of 0 to 5, by task: how good what it was compared with is by the catalogue; beyond that nothing was seen
    ceilings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrganizationWeights:
    """Numbers alone, under 50 kB: neither texts nor vectors can be read out of them."""

    models: Mapping[str, Own] = field(default_factory=dict)
    blind: Head = Head()
    seeing: Head | None = None  # None: too few rows had a vector


NOTHING_OWN = OrganizationWeights()


class Predictor:
    """Pure: the same request and weights give the same figures in every worker."""

    def __init__(self, prior: Prior, own: OrganizationWeights = NOTHING_OWN) -> None:
        self._prior = prior
        self._own = own
        self._blind = _Ready(own.blind)
        self._seeing = _Ready(own.seeing) if own.seeing else None

    def predict(
        self,
        signals: Sequence[float] | Numbers,
        vector: Sequence[float] | NDArray[np.floating[Any]] | None,
        *,
        task_type: str,
        models: Sequence[Model],
    ) -> tuple[Predicted, ...]:
        """In the order of `models`. A vector of another embedder is left aside."""
        standard = self._prior.scale.place(signals)
        abilities = np.array([self._prior.ability(model.quality_for(task_type)) for model in models])
        logits = self._prior.logits(standard, abilities)
        intercepts, known = self._known(models, task_type)
        logits += known
        if self._seeing is not None and vector is not None and len(vector) == DIMENSION:
            seen = np.concatenate([standard, near(np.asarray(vector, dtype=np.float64), self._prior.topics)])
            logits += self._seeing.logits(seen, abilities + intercepts, models)
        else:
            logits += self._blind.logits(standard, abilities + intercepts, models)
        return tuple(map(self._predicted, models, logits.tolist()))

    def knows(self, model: Model) -> bool:
        """Whether an organization's own rows say at least as much of it as the catalogue does."""
        return self._own.models.get(model.name, _UNKNOWN).rows >= _ROWS_LIKE_THE_CATALOGUE

    def ceiling(self, model: Model, task_type: str) -> float:
        """The most that its rows can say for it: to be as good as what it was compared with."""
        own = self._own.models.get(model.name, _UNKNOWN)
        return max(model.quality_for(task_type), own.ceilings.get(task_type, 0.0))

    def _known(self, models: Sequence[Model], task_type: str) -> tuple[Numbers, Numbers]:
        found = [self._own.models.get(model.name, _UNKNOWN) for model in models]
        intercepts = np.array([own.intercept for own in found])
        return intercepts, intercepts + [own.tasks.get(task_type, 0.0) for own in found]

    def _predicted(self, model: Model, logit: float) -> Predicted:
        logit = max(-_FURTHEST_LOGIT, min(_FURTHEST_LOGIT, logit))
        rows = self._own.models.get(model.name, _UNKNOWN).rows
        spread = self._prior.spread / math.sqrt(1 + rows / _ROWS_LIKE_THE_CATALOGUE)
        return Predicted(model.name, 1 / (1 + math.exp(-logit)), self._prior.quality(logit), spread)


class _Ready:
    """A head whose numbers are arrays already."""

    def __init__(self, head: Head) -> None:
        self._both = np.array([head.shift, head.telling])
        self._models = {name: np.asarray(weights) for name, weights in head.models.items()}

    def logits(self, row: Numbers, abilities: Numbers, models: Sequence[Model]) -> Numbers:
        if not self._both.size:
            return np.zeros(len(models))
        shift, telling = self._both @ row
        apart = [float(row @ self._models[model.name]) if model.name in self._models else 0.0 for model in models]
        return np.asarray(shift + (abilities - MIDDLE) * telling + apart)


_UNKNOWN = Own(0, 0.0)


@cache
def shipped() -> Prior:
    """With the weights that `fit_routing` wrote."""
    return _prior(json.loads(WEIGHTS.read_text()))


@cache
def shipped_version() -> str:
    """Of the shipped weights: an organization's own mean something beside the ones that they were fitted on alone."""
    return hashlib.blake2b(WEIGHTS.read_bytes(), digest_size=8).hexdigest()


def topics_as_text(topics: Numbers) -> str:
    return base64.b64encode(topics.astype("<f2").tobytes()).decode()


def _prior(read: Mapping[str, Any]) -> Prior:
    topics = np.frombuffer(base64.b64decode(read["topics"]), dtype="<f2").astype(np.float64)
    return Prior(
        scale=Scale(tuple(read["scale"]["means"]), tuple(read["scale"]["spreads"])),
        hard=tuple(read["hard"]),
        telling=tuple(read["telling"]),
        slope=read["slope"],
        middle_quality=read["middle_quality"],
        topics=topics.reshape(-1, DIMENSION),
        spread=read["spread"],
    )
