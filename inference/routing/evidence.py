"""Learns from an organization's own rows what the shipped weights do not know of its requests."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.routing import fitting
from inference.routing.difficulty import MIDDLE
from inference.routing.placing import DIMENSION, near
from inference.routing.policies import HIGHEST_QUALITY
from inference.routing.predictor import Head, OrganizationWeights, Own, Prior

Numbers = NDArray[np.float64]
# the strengths that are tried on rows held back; the strongest says nearly nothing beyond the intercepts
_STRENGTHS = (30.0, 100.0, 300.0, 1000.0, 10_000.0)
_INTERCEPT_RIDGE, _TASK_RIDGE = 1.0, 5.0
_HELD_BACK = 4  # each so-manieth request
# two draws of them: on the one strengths are tried, by the other people judge what came of it
_TO_TRY, _TO_JUDGE = 1, _HELD_BACK
_FEWEST_TO_TRY = 40
# the most asked models alone have weights of their own, so that an organization's stay small
_MOST_MODELS, _FEWEST_OWN_ROWS = 10, 60
_FEWEST_SEEN = 200
_DIGITS = 3
# what sets a model apart must be shown by more than what all share
_APART = 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """How good a model's answer to one request was: feedback, a shadow evaluation or an outcome."""

    signals: tuple[float, ...]
    vector: Sequence[float] | NDArray[np.floating[Any]] | None
    model: str
    quality: float  # of the model for this task in the catalogue, 0 to 5
    task_type: str
    score: float  # 0 to 1
    ceiling: float = HIGHEST_QUALITY  # the catalogue's quality, for this task, of what it was compared with
    is_measure: bool = False  # the others are compared with it: its score is 1 by definition


@dataclass(frozen=True, slots=True)
class _Table:
    rows: Numbers  # what is known of each request
    held: NDArray[np.bool_]  # is not fitted on when strengths are tried
    scores: Numbers
    offsets: Numbers  # the logits that are believed already
    above: Numbers  # each model's ability, less the middle one
    models: NDArray[np.str_]

    def only(self, chosen: NDArray[np.bool_]) -> "_Table":
        return _Table(*(getattr(self, part.name)[chosen] for part in fields(self)))


@dataclass(frozen=True, slots=True)
class _Fitted:
    shift: Numbers
    telling: Numbers
    models: Mapping[str, Numbers]

    def logits(self, table: _Table) -> Numbers:
        found = table.offsets + table.rows @ self.shift + table.above * (table.rows @ self.telling)
        for model, weights in self.models.items():
            mine = table.models == model
            found[mine] += table.rows[mine] @ weights
        return np.asarray(found)


def refit(prior: Prior, rows: Sequence[Evidence]) -> OrganizationWeights:
    """Pure, whatever the order of the rows; seconds for some thousand of them."""
    if not rows:
        return OrganizationWeights()
    models, known = _intercepts(prior, rows)
    standard = prior.scale.place(np.array([row.signals for row in rows]))
    abilities = np.array([prior.ability(row.quality) + models[row.model].intercept for row in rows])
    names = np.array([row.model for row in rows])
    held = np.array([_is_held_back(row, _TO_TRY) for row in rows])
    table = _Table(standard, held, np.array([row.score for row in rows]), known, abilities - MIDDLE, names)
    has_vector = np.array([row.vector is not None and len(row.vector) == DIMENSION for row in rows])
    seeing = None
    if has_vector.sum() >= _FEWEST_SEEN:
        vectors = np.array([row.vector for row, has in zip(rows, has_vector, strict=True) if has], dtype=np.float64)
        seen = table.only(has_vector)
        wide = np.hstack([seen.rows, near(vectors, prior.topics)])
        seeing = _head(_best(replace(seen, rows=wide)))
    return OrganizationWeights(models, _head(_best(table)), seeing)


def parted(rows: Sequence[Evidence]) -> tuple[list[Evidence], list[Evidence]]:
    """Those to learn from, and those that are held back to judge by."""
    held = [row for row in rows if _is_held_back(row, _TO_JUDGE)]
    return [row for row in rows if not _is_held_back(row, _TO_JUDGE)], held


def _is_held_back(row: Evidence, draw: int) -> bool:
    """All rows of a request are on one side: what other models made of it would give away how hard it is."""
    return hash(row.signals) // draw % _HELD_BACK == 0


def _intercepts(prior: Prior, rows: Sequence[Evidence]) -> tuple[dict[str, Own], Numbers]:
    """How much better or worse each model is than its catalogue says, and the logits with that."""
    standard = prior.scale.place(np.array([row.signals for row in rows]))
    abilities = np.array([[prior.ability(row.quality)] for row in rows])
    offsets = np.array([prior.logits(each, own)[0] for each, own in zip(standard, abilities, strict=True)])
    counts = Counter(row.model for row in rows)
    columns: list[tuple[str, str | None]] = [(name, None) for name in counts]
    columns += list(dict.fromkeys((row.model, row.task_type) for row in rows))
    places = {column: place for place, column in enumerate(columns)}
    marks = np.zeros((len(rows), len(columns)))
    for number, row in enumerate(rows):
        marks[number, places[row.model, None]] = marks[number, places[row.model, row.task_type]] = 1
    ridges = np.array([_INTERCEPT_RIDGE if task is None else _TASK_RIDGE for _, task in columns])
    scores = np.array([row.score for row in rows])
    found = fitting.fit(marks, scores, ridges=ridges, offset=offsets, weights=np.ones(len(rows))).round(_DIGITS)
    models = {name: Own(counts[name], float(found[places[name, None]]), {}) for name in counts}
    for (name, task), place in places.items():
        if task is not None:
            models[name] = replace(models[name], tasks={**models[name].tasks, task: float(found[place])})
    ceilings = _ceilings(rows)
    models = {name: replace(own, ceilings=ceilings[name]) for name, own in models.items()}
    return models, offsets + marks @ found


def _ceilings(rows: Sequence[Evidence]) -> Mapping[str, Mapping[str, float]]:
    """Task by task, the mean quality of what each model was compared with."""
    met = defaultdict[str, defaultdict[str, list[float]]](lambda: defaultdict(list))
    for row in rows:
        met[row.model][row.task_type].append(row.ceiling)
    return {model: {task: round(fmean(seen), _DIGITS) for task, seen in tasks.items()} for model, tasks in met.items()}


def _best(table: _Table) -> _Fitted:
    """Of the strengths, the one that foretells best what was held back; then fitted on everything."""
    if len(table.held) < _FEWEST_TO_TRY or not 0 < table.held.sum() < len(table.held):
        return _fitted(table, _STRENGTHS[-1])
    learnt, kept = table.only(~table.held), table.only(table.held)
    losses = {
        strength: fitting.log_loss(_fitted(learnt, strength).logits(kept), kept.scores) for strength in _STRENGTHS
    }
    return _fitted(table, min(losses, key=losses.__getitem__))


def _fitted(table: _Table, strength: float) -> _Fitted:
    """What is so for all models first, then what sets each apart from that."""
    width = table.rows.shape[1]
    both = np.hstack([table.rows, table.rows * table.above[:, None]])
    ones = np.ones(len(table.scores))
    found = fitting.fit(both, table.scores, ridges=np.full(2 * width, strength), offset=table.offsets, weights=ones)
    shared = _Fitted(found[:width], found[width:], {})
    logits = shared.logits(table)
    apart = {}
    for name, count in Counter(table.models.tolist()).most_common(_MOST_MODELS):
        if count >= _FEWEST_OWN_ROWS:
            mine = table.models == name
            apart[name] = fitting.fit(
                table.rows[mine],
                table.scores[mine],
                ridges=np.full(width, strength * _APART),
                offset=logits[mine],
                weights=ones[mine],
            )
    return replace(shared, models=apart)


def _head(found: _Fitted) -> Head:
    return Head(_short(found.shift), _short(found.telling), {name: _short(own) for name, own in found.models.items()})


def _short(weights: Numbers) -> tuple[float, ...]:
    return tuple(weights.round(_DIGITS).tolist())
