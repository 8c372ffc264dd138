"""Learns from an organization's own rows what the shipped weights do not know of its requests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.routing import fitting
from inference.routing.placing import DIMENSION
from inference.routing.predictor import OrganizationWeights, Own, Prior

Numbers = NDArray[np.float64]
# the strengths that are tried on rows held back; the strongest says nearly nothing beyond the intercepts
_STRENGTHS = (30.0, 100.0, 300.0, 1000.0, 10_000.0)
_INTERCEPT_RIDGE, _TASK_RIDGE = 1.0, 5.0
_HELD_BACK = 4  # each so-manieth row
_FEWEST_TO_TRY = 40
# the most asked models alone have weights of their own, so that an organization's stay small
_MOST_MODELS, _FEWEST_OWN_ROWS = 10, 60
_FEWEST_SEEN = 200
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """How good a model's answer to one request was: feedback, a shadow evaluation or an outcome."""

    signals: tuple[float, ...]
    vector: Sequence[float] | None
    model: str
    quality: float  # of the model for this task in the catalogue, 0 to 5
    task_type: str
    score: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class _Table:
    rows: Numbers
    scores: Numbers
    offsets: Numbers  # the logits that the prior gives
    models: Sequence[str]
    tasks: Sequence[str]

    def only(self, chosen: NDArray[np.bool_]) -> "_Table":
        kept = np.flatnonzero(chosen)
        models, tasks = [self.models[place] for place in kept], [self.tasks[place] for place in kept]
        return _Table(self.rows[kept], self.scores[kept], self.offsets[kept], models, tasks)


@dataclass(frozen=True, slots=True)
class _Head:
    intercepts: Mapping[str, float]
    tasks: Mapping[tuple[str, str], float]
    shift: Numbers
    deviations: Mapping[str, Numbers]

    def logits(self, table: _Table) -> Numbers:
        known = np.array(
            [
                self.intercepts.get(model, 0.0) + self.tasks.get((model, task), 0.0)
                for model, task in zip(table.models, table.tasks, strict=True)
            ]
        )
        found = table.offsets + known + table.rows @ self.shift
        for model, weights in self.deviations.items():
            mine = np.array([name == model for name in table.models])
            found[mine] += table.rows[mine] @ weights
        return np.asarray(found)


def refit(prior: Prior, rows: Sequence[Evidence]) -> OrganizationWeights:
    """Pure; seconds for some thousand rows. The order of the rows matters only for which are held back."""
    if not rows:
        return OrganizationWeights()
    plain = _best(_table(prior, rows, is_seeing=False))
    seen = [row for row in rows if row.vector is not None and len(row.vector) == DIMENSION]
    seeing = _best(_table(prior, seen, is_seeing=True), known=plain) if len(seen) >= _FEWEST_SEEN else None
    return _weights(plain, seeing, Counter(row.model for row in rows))


def _table(prior: Prior, rows: Sequence[Evidence], *, is_seeing: bool) -> _Table:
    signals = np.array([row.signals for row in rows])
    standard = prior.scale.place_all(signals)
    abilities = np.array([[prior.ability(row.quality)] for row in rows])
    offsets = np.array([prior.logits(each, own)[0] for each, own in zip(standard, abilities, strict=True)])
    vectors = np.array([row.vector for row in rows], dtype=np.float64) if is_seeing else None
    return _Table(
        prior.scale.place_all(signals, vectors),
        np.array([row.score for row in rows]),
        offsets,
        [row.model for row in rows],
        [row.task_type for row in rows],
    )


def _best(table: _Table, *, known: _Head | None = None) -> _Head:
    """Of the strengths, the one that foretells best what was held back; then fitted on everything."""
    places = np.arange(len(table.scores))
    held = places % _HELD_BACK == 0
    if len(places) < _FEWEST_TO_TRY:
        return _fitted(table, _STRENGTHS[-1], known)
    learnt, kept = table.only(~held), table.only(held)
    losses = {
        strength: fitting.log_loss(_fitted(learnt, strength, known).logits(kept), kept.scores)
        for strength in _STRENGTHS
    }
    return _fitted(table, min(losses, key=losses.__getitem__), known)


def _fitted(table: _Table, strength: float, known: _Head | None) -> _Head:
    """Intercepts and a shift for all models, then what sets each model apart from that.

    With `known` intercepts stay as they are, so that both heads say the same of a model.
    """
    names = sorted(set(table.models))
    pairs = sorted(set(zip(table.models, table.tasks, strict=True)))
    marks = np.array([[model == name for name in names] for model in table.models], dtype=np.float64)
    told = list(zip(table.models, table.tasks, strict=True))
    task_marks = np.array([[each == pair for pair in pairs] for each in told], dtype=np.float64)
    ridges = np.concatenate(
        [
            np.full(len(names), _INTERCEPT_RIDGE),
            np.full(len(pairs), _TASK_RIDGE),
            np.full(table.rows.shape[1], strength),
        ]
    )
    ones = np.ones(len(table.scores))
    if known is not None:
        offset = _Head(known.intercepts, known.tasks, np.zeros(table.rows.shape[1]), {}).logits(table)
        shift = fitting.fit(table.rows, table.scores, ridges=ridges[-table.rows.shape[1] :], offset=offset, weights=ones)
        head = _Head(known.intercepts, known.tasks, shift, {})
    else:
        design = np.hstack([marks, task_marks, table.rows])
        found = fitting.fit(design, table.scores, ridges=ridges, offset=table.offsets, weights=ones)
        count, tasks = len(names), len(pairs)
        head = _Head(
            dict(zip(names, found[:count].tolist(), strict=True)),
            dict(zip(pairs, found[count : count + tasks].tolist(), strict=True)),
            found[count + tasks :],
            {},
        )
    return _Head(head.intercepts, head.tasks, head.shift, _deviations(table, head, strength))


def _deviations(table: _Table, head: _Head, strength: float) -> dict[str, Numbers]:
    logits = head.logits(table)
    found = {}
    for name, rows in Counter(table.models).most_common(_MOST_MODELS):
        if rows >= _FEWEST_OWN_ROWS:
            mine = np.array([model == name for model in table.models])
            found[name] = fitting.fit(
                table.rows[mine],
                table.scores[mine],
                ridges=np.full(table.rows.shape[1], strength),
                offset=logits[mine],
                weights=np.ones(rows),
            )
    return found


def _weights(plain: _Head, seeing: _Head | None, counts: Mapping[str, int]) -> OrganizationWeights:
    return OrganizationWeights(
        shift=_short(plain.shift),
        seeing=_short(seeing.shift) if seeing else (),
        models={
            name: Own(
                rows=counts[name],
                intercept=round(intercept, _DIGITS),
                tasks={task: round(value, _DIGITS) for (model, task), value in plain.tasks.items() if model == name},
                weights=_short(plain.deviations.get(name)),
                seeing=_short(seeing.deviations.get(name)) if seeing else (),
            )
            for name, intercept in plain.intercepts.items()
        },
    )


def _short(weights: Numbers | None) -> tuple[float, ...]:
    return () if weights is None else tuple(weights.round(_DIGITS).tolist())
