"""Measures cosine, guards and verifier on labelled pairs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from caching.likeness import features, fitting, guards, measures, reading, verifier
from caching.likeness.fitting import Fitted
from caching.likeness.labelled import Pair, PairSet

# from this cosine on a plain semantic cache would have served
_SERVED_FROM = 0.85
_HARD_FROM = 0.90
# farther pairs would never be looked at, so weights are not fitted on them
_FITTED_FROM = 0.80
_STRICT, _LOOSE = 0.01, 0.02
Scores = NDArray[np.float64]
Cosines = Callable[[Sequence[Pair]], Scores]


@dataclass(frozen=True, slots=True)
class Quality:
    roc_auc: float
    recall_at_1_percent: float
    recall_at_2_percent: float


@dataclass(frozen=True, slots=True)
class Figures:
    """For one set; shares are 0 to 1."""

    name: str
    is_fitted_on: bool
    true: int
    false: int
    cosine: Quality
    guarded: Quality  # cosine, 0 where a guard refuses
    verified: Quality  # the score of Likeness
    published: Quality | None  # another embedder's cosines, where the set has them
    true_vetoed_share: float  # of all that may share an answer
    true_hits_lost_share: float  # of those with a cosine of 0.85 or more
    hard_negatives: int  # false ones with a cosine of 0.90 or more
    hard_negatives_let_through: int  # by the guards


def figures(labelled: PairSet, cosines: Cosines, judge: verifier.Verifier) -> Figures:
    labels = np.array([pair.may_share for pair in labelled.pairs])
    plain = cosines(labelled.pairs)
    vetoed, scores = _judge(labelled.pairs, plain, judge)
    hits, hard = labels & (plain >= _SERVED_FROM), ~labels & (plain >= _HARD_FROM)
    return Figures(
        name=labelled.name,
        is_fitted_on=labelled.is_fitted_on,
        true=int(labels.sum()),
        false=int((~labels).sum()),
        cosine=_quality(plain, labels),
        guarded=_quality(np.where(vetoed, 0.0, plain), labels),
        verified=_quality(scores, labels),
        published=_published(labelled.pairs, labels),
        true_vetoed_share=_share(vetoed[labels]),
        true_hits_lost_share=_share(vetoed[hits]),
        hard_negatives=int(hard.sum()),
        hard_negatives_let_through=int((hard & ~vetoed).sum()),
    )


def fitted(labelled: PairSet, cosines: Cosines) -> verifier.Verifier:
    """A verifier from the pairs that no guard refuses."""
    readings = [(reading.read(pair.asked), reading.read(pair.kept)) for pair in labelled.pairs]
    plain = cosines(labelled.pairs)
    rows, labels = [], []
    for (asked, kept), pair, cosine in zip(readings, labelled.pairs, plain, strict=True):
        if cosine >= _FITTED_FROM and not guards.refusing(asked, kept):
            rows.append((*verifier.bends(float(cosine)), *features.measure(asked, kept)))
            labels.append(pair.may_share)
    rising = [0.0] * len(verifier.KNEES)
    floors, ceilings = np.array([*rising, *features.FLOORS]), np.array([*(np.inf for _ in rising), *features.CEILINGS])
    return _verifier(fitting.fit(np.array(rows), np.array(labels), floors=floors, ceilings=ceilings))


def as_json(judge: verifier.Verifier) -> str:
    """What `verifier.shipped` reads."""
    return json.dumps(asdict(judge), indent=1) + "\n"


def _verifier(found: Fitted) -> verifier.Verifier:
    bends = len(verifier.KNEES)
    return verifier.Verifier(found.bias, found.weights[:bends], found.weights[bends:])


def _judge(pairs: Sequence[Pair], plain: Scores, judge: verifier.Verifier) -> tuple[NDArray[np.bool_], Scores]:
    vetoed, scores = [], []
    for pair, cosine in zip(pairs, plain, strict=True):
        asked, kept = reading.read(pair.asked), reading.read(pair.kept)
        vetoed.append(bool(guards.refusing(asked, kept)))
        scores.append(0.0 if vetoed[-1] else judge.score(asked, kept, float(cosine)))
    return np.array(vetoed), np.array(scores)


def _published(pairs: Sequence[Pair], labels: NDArray[np.bool_]) -> Quality | None:
    given = [pair.published for pair in pairs if pair.published is not None]
    return _quality(np.array(given), labels) if len(given) == len(pairs) else None


def _quality(scores: Scores, labels: NDArray[np.bool_]) -> Quality:
    return Quality(
        measures.roc_auc(scores, labels),
        measures.recall_at(scores, labels, false_share=_STRICT),
        measures.recall_at(scores, labels, false_share=_LOOSE),
    )


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0
