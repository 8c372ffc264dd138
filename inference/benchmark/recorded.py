"""Recorded answers of several models to the same prompts: what routing would have made of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from acron_site.lib.errors import InvalidRequestError
from inference.benchmark import named
from inference.benchmark.choosers import Chooser, Price, Question, RouterChooser
from inference.benchmark.intervals import Bootstrap, Interval, Numbers
from inference.catalog import Catalog
from inference.prices import STANDARD

TARGETS = (0.99, 0.95, 0.90)
_TYPICAL_TOKENS_OUTPUT = 200
_CHARACTERS_PER_TOKEN = 4
_FEWEST = 20
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Recording:
    """`scores`: 0 to 1 by model; `costs` where the file says them; `lengths` of answers in characters, if known."""

    question: Question
    scores: Mapping[str, float]
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of a chooser, compared with the strong model on the same prompts."""

    threshold: float
    cost: float  # as a share of the strong model's
    quality: float  # as a share of the strong model's
    strong_calls: float  # the share of calls that went to the strong model


@dataclass(frozen=True, slots=True)
class Held:
    """A setting chosen on one half of the prompts to keep `target`, and what it did on the other half."""

    target: float
    point: Point | None  # None: no setting kept the target on the first half
    cost: Interval | None = None
    quality: Interval | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """All points are of the half that nothing was chosen on."""

    models: Sequence[str]
    strong: str
    chooser: str
    prompts: int
    fitted_on: int
    curve: Sequence[Point]
    alone: Mapping[str, Point]
    best_possible: Point
    held: Sequence[Held]
    apgr: float | None  # for a pair only
    assumed: Sequence[str]


def read(lines: Iterable[bytes], models: Sequence[str] = ()) -> Iterator[Recording]:
    """One from each line that has a score of every model. Raises InvalidRequestError that numbers the line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _recording(orjson.loads(line), models)
        except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation):
            wanted = f" with a score of {', '.join(models)}" if models else ""
            raise InvalidRequestError(
                f"line {number} is no recording{wanted}: it must be a JSON object with prompt and scores, a number "
                "from 0 to 1 for each model"
            ) from None


def study(
    rows: Sequence[Recording], catalog: Catalog, *, strong: str, prices: Mapping[str, Price], boot: Bootstrap
) -> Study:
    """Raises InvalidRequestError that says what is missing."""
    models = _models(rows, strong)
    order = np.random.default_rng(boot.seed).permutation(len(rows))
    tables = _Tables.of(rows, models, {name: _price(name, catalog, prices, rows) for name in models})
    fit, rest = np.array_split(order, 2)
    best = models.index(strong) if strong else int(np.argmax(tables.scores[fit].mean(axis=0)))
    chooser = RouterChooser(
        [rows[place].question for place in fit], tables.scores[fit], models, strong=models[best], prices=tables.prices
    )
    return _Trial(rows, tables, best).study(chooser, fit, rest, boot)


@dataclass(frozen=True, slots=True)
class _Tables:
    """A row for each prompt, a column for each model."""

    models: Sequence[str]
    scores: Numbers
    costs: Numbers  # USD
    prices: Mapping[str, Price]
    assumed: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[Recording], models: Sequence[str], prices: Mapping[str, Price]) -> "_Tables":
        scores = np.array([[row.scores[model] for model in models] for row in rows])
        costs = np.array([[_cost(row, model, prices[model]) for model in models] for row in rows])
        said = all(model in row.costs for row in rows for model in models)
        assumed = (
            []
            if said
            else [
                (
                    f"Costs: a token for {_CHARACTERS_PER_TOKEN} characters, and {_TYPICAL_TOKENS_OUTPUT} tokens for "
                    "an answer whose length was not recorded."
                )
            ]
        )
        return cls(models, scores, costs, prices, assumed)


class _Trial:
    def __init__(self, rows: Sequence[Recording], tables: _Tables, strong: int) -> None:
        self._rows, self._tables, self._strong = rows, tables, strong

    def study(self, chooser: Chooser, fit: NDArray[np.intp], rest: NDArray[np.intp], boot: Bootstrap) -> Study:
        models = self._tables.models
        settings = chooser.thresholds
        fitted = [self._point(each, self._choices(chooser, each, fit), fit) for each in settings]
        curve = [self._point(each, self._choices(chooser, each, rest), rest) for each in settings]
        alone = {name: self._point(0.0, np.full(len(rest), place), rest) for place, name in enumerate(models)}
        return Study(
            models=models,
            strong=models[self._strong],
            chooser=chooser.name,
            prompts=len(rest),
            fitted_on=len(fit),
            curve=curve,
            alone=alone,
            best_possible=self._point(0.0, self._best_possible(rest), rest),
            held=[self._held(target, chooser, fitted, rest, boot) for target in TARGETS],
            apgr=self._apgr(curve, alone) if len(models) == _PAIR else None,  # it is defined for one
            assumed=self._tables.assumed,
        )

    def _choices(self, chooser: Chooser, threshold: float, places: NDArray[np.intp]) -> NDArray[np.intp]:
        numbers = {name: number for number, name in enumerate(self._tables.models)}
        asked = [self._rows[place].question for place in places]
        return np.array([numbers[name] for name in chooser.choices(threshold, asked)], np.intp)

    def _point(self, threshold: float, chosen: NDArray[np.intp], places: NDArray[np.intp]) -> Point:
        cost, quality, strong_cost, strong_quality = (each.sum() for each in self._measured(chosen, places))
        return Point(
            threshold,
            float(cost / strong_cost) if strong_cost else 0.0,
            float(quality / strong_quality) if strong_quality else 0.0,
            float((chosen == self._strong).mean()),
        )

    def _measured(self, chosen: NDArray[np.intp], places: NDArray[np.intp]) -> tuple[Numbers, ...]:
        costs, scores = self._tables.costs[places], self._tables.scores[places]
        each = np.arange(len(places))
        return costs[each, chosen], scores[each, chosen], costs[:, self._strong], scores[:, self._strong]

    def _held(
        self, target: float, chooser: Chooser, fitted: Sequence[Point], rest: NDArray[np.intp], boot: Bootstrap
    ) -> Held:
        keeping = [each for each in fitted if each.quality >= target]
        if not keeping:
            return Held(target, None)
        setting = min(keeping, key=lambda each: each.cost).threshold
        chosen = self._choices(chooser, setting, rest)
        cost, quality, strong_cost, strong_quality = self._measured(chosen, rest)
        return Held(
            target,
            self._point(setting, chosen, rest),
            cost=boot.ratio(cost, strong_cost),
            quality=boot.ratio(quality, strong_quality),
        )

    def _best_possible(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Of the models that do best on a prompt, the cheapest: who knows the answers can do no better."""
        scores, costs = self._tables.scores[places], self._tables.costs[places]
        is_best = scores >= scores.max(axis=1, keepdims=True)
        chosen: NDArray[np.intp] = np.where(is_best, costs, np.inf).argmin(axis=1)
        return chosen

    def _apgr(self, curve: Sequence[Point], alone: Mapping[str, Point]) -> float | None:
        """The area under the share of the gap between the two that is recovered, by the share of strong calls."""
        weak = next(point for name, point in alone.items() if name != self._tables.models[self._strong])
        gap = 1.0 - weak.quality
        if gap <= 0:
            return None
        found = sorted(
            {(0.0, 0.0), (1.0, 1.0), *((each.strong_calls, (each.quality - weak.quality) / gap) for each in curve)}
        )
        shares, recovered = np.array(found).T
        return float(np.trapezoid(recovered, shares))


def _models(rows: Sequence[Recording], strong: str) -> Sequence[str]:
    if len(rows) < _FEWEST:
        raise InvalidRequestError(f"{len(rows)} recordings prove nothing; at least {_FEWEST} are needed")
    models = [name for name in rows[0].scores if all(name in row.scores for row in rows)]
    if len(models) < _PAIR:
        raise InvalidRequestError("the recordings have fewer than two models in common; name two or more with --models")
    if strong and strong not in models:
        raise InvalidRequestError(f"no recording of {strong} in every line; --strong may be {', '.join(models)}")
    return models


def _recording(row: Any, models: Sequence[str]) -> Recording:
    scores = {str(name): float(score) for name, score in row["scores"].items()}
    if not scores or not all(0 <= score <= 1 for score in scores.values()):
        raise ValueError
    if models:
        scores = {name: scores[name] for name in models}
    costs = {str(name): Decimal(str(cost)) for name, cost in (row.get("cost_usd") or row.get("cost") or {}).items()}
    if not all(cost.is_finite() and cost >= 0 for cost in costs.values()):
        raise ValueError
    lengths = {str(name): int(length) for name, length in (row.get("out_chars") or {}).items()}
    return Recording(Question(str(row["prompt"]), str(row.get("domain") or "general")), scores, costs, lengths)


def _price(name: str, catalog: Catalog, given: Mapping[str, Price], rows: Sequence[Recording]) -> Price:
    """As said on the command line, else as recorded, else as the models file has it."""
    if name in given:
        return given[name]
    if all(name in row.costs for row in rows):
        tokens = sum(row.question.tokens_input for row in rows)
        return Price(sum((row.costs[name] for row in rows), Decimal(0)) / tokens * 1_000_000, Decimal(0))
    model = named.find(name, catalog)
    rates = model.prices.rates_for(STANDARD, 0) if model else None
    if rates is None or rates.input is None or rates.output is None:
        raise InvalidRequestError(f"no price for {name}: say --price {name}=IN/OUT, or leave it out with --models")
    return Price(rates.input.scaleb(6), rates.output.scaleb(6))


def _cost(row: Recording, model: str, price: Price) -> float:
    if model in row.costs:
        return float(row.costs[model])
    length = row.lengths.get(model)
    output = _TYPICAL_TOKENS_OUTPUT if length is None else max(1, length // _CHARACTERS_PER_TOKEN)
    return float(price.of(row.question.tokens_input, output))
