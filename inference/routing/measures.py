"""How well an order of requests spares the strong model: APGR, CPT and the cost of a share of its quality."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_BINS = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """For one strong and one weak model; the names are RouteLLM's (arXiv 2406.18665)."""

    apgr: float  # area under "share of the gap recovered" against "share of strong calls"; random 0.5
    cpt_50: float  # the smallest share of strong calls that recovers half of the gap
    cpt_80: float


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    predicted: float
    actual: float
    rows: int


def ranking(order: Numbers, strong: Numbers, weak: Numbers) -> Ranking:
    """`order`: the higher, the sooner the strong model is asked."""
    recovered = _recovered(order, strong - weak)
    shares = np.linspace(0, 1, len(recovered))
    area = float(((recovered[1:] + recovered[:-1]) / 2).mean())
    return Ranking(area, _first(shares, recovered, 0.5), _first(shares, recovered, 0.8))


def apgr_interval(order: Numbers, strong: Numbers, weak: Numbers, *, rounds: int = 200) -> Interval:
    """95 % by the bootstrap over prompts; the same at every call."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(rounds):
        drawn = random.integers(0, len(order), len(order))
        if strong[drawn].sum() > weak[drawn].sum():
            found.append(ranking(order[drawn], strong[drawn], weak[drawn]).apgr)
    low, high = np.percentile(found, (2.5, 97.5))
    return Interval(float(low), float(high))


def cost_at(share: float, predicted: Numbers, scores: Numbers, costs: Numbers) -> float | None:
    """The least cost, of the strongest model's, that keeps this share of its quality.

    A column for each model. Each request goes to the model with the best predicted score less its cost at some rate;
    the rates run from "quality alone" to "cost alone". None where no rate keeps the quality.
    """
    strongest = int(scores.mean(axis=0).argmax())
    wanted, whole = share * scores[:, strongest].mean(), costs[:, strongest].mean()
    best: float | None = None
    for rate in (0.0, *np.geomspace(1e-3, 1e2, 120)):
        chosen = (predicted - rate * costs / whole).argmax(axis=1)[:, None]
        quality, cost = (np.take_along_axis(each, chosen, axis=1).mean() for each in (scores, costs))
        if quality >= wanted and (best is None or cost / whole < best):
            best = float(cost / whole)
    return best


def mixed_cost_at(share: float, scores: Numbers, costs: Numbers) -> float:
    """The same for the best pair of models that are mixed at random: what is had without any prediction."""
    quality, cost = scores.mean(axis=0), costs.mean(axis=0)
    strongest = int(quality.argmax())
    wanted = share * quality[strongest]
    best = 1.0
    for weak in range(len(quality)):
        if cost[weak] >= cost[strongest]:
            continue
        calls = 0.0 if quality[weak] >= wanted else (wanted - quality[weak]) / (quality[strongest] - quality[weak])
        best = min(best, float(calls + (1 - calls) * cost[weak] / cost[strongest]))
    return best


def reliability(predicted: Numbers, actual: Numbers) -> tuple[Bin, ...]:
    """In tenths of the predicted chance; empty ones are left out."""
    places = np.minimum((predicted * _BINS).astype(int), _BINS - 1)
    parts = [places == place for place in range(_BINS) if (places == place).any()]
    return tuple(Bin(float(predicted[part].mean()), float(actual[part].mean()), int(part.sum())) for part in parts)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """The mean distance of what was predicted from what came, weighted by rows."""
    rows = sum(each.rows for each in bins)
    return sum(abs(each.predicted - each.actual) * each.rows for each in bins) / rows


def _recovered(order: Numbers, gains: Numbers) -> Numbers:
    """The share of the gap that the first n strong calls recover, for each n; what is equal shares alike."""
    ranked = np.argsort(-order, kind="stable")
    values, gained = order[ranked], gains[ranked]
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    sums = np.append(0.0, np.cumsum(gained)[ends])
    calls = np.append(0, ends + 1)
    return np.asarray(np.interp(np.arange(len(values) + 1), calls, sums) / gains.sum())


def _first(shares: Numbers, recovered: Numbers, wanted: float) -> float:
    return float(shares[int((recovered >= wanted).argmax())])
