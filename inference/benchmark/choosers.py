"""Ways to choose a model for a prompt, each with a setting between cheap and good, so that they can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Protocol

import numpy as np

from acron_site.lib.errors import NoModelsAvailableError
from inference.benchmark.intervals import Numbers
from inference.catalog import DEFAULT_TASK, Catalog, Model
from inference.domain import Ask, RoutingMode
from inference.prices import STANDARD, PriceSheet, Rates
from inference.routing.needs import estimate_tokens
from inference.routing.router import Router

_BEST = 5.0  # the catalogue's scale of quality
_MOST_THRESHOLDS = 40
# a task's own figure counts as much as the overall one once it stands on so many prompts
_PRIOR_PROMPTS = 20.0


@dataclass(frozen=True)
class Question:
    prompt: str
    task: str

    @property
    def body(self) -> Mapping[str, object]:
        return {"messages": [{"role": "user", "content": self.prompt}]}

    @cached_property
    def tokens_input(self) -> int:
        return estimate_tokens(self.body)


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    input: Decimal
    output: Decimal

    def of(self, tokens_input: int, tokens_output: int) -> Decimal:
        return (tokens_input * self.input + tokens_output * self.output).scaleb(-6)


class Chooser(Protocol):
    """`thresholds` go from cheap to good."""

    name: str

    @property
    def thresholds(self) -> Sequence[float]: ...

    def choices(self, threshold: float, asked: Sequence[Question]) -> Sequence[str]:
        """The name of the model for each."""
        ...


class RouterChooser:
    """The product's router over the recorded models, their quality per task measured on prompts that are not judged."""

    name = "router, quality by task"

    def __init__(
        self,
        seen: Sequence[Question],
        scores: Numbers,
        models: Sequence[str],
        *,
        strong: str,
        prices: Mapping[str, Price],
    ) -> None:
        self._strong = strong
        qualities = _qualities([question.task for question in seen], scores)
        self._catalog = Catalog(
            _model(name, prices[name], {task: float(found[place]) for task, found in qualities.items()})
            for place, name in enumerate(models)
        )
        levels = np.unique(np.concatenate(list(qualities.values())))
        shares = np.linspace(0, 1, min(len(levels), _MOST_THRESHOLDS))
        self.thresholds: Sequence[float] = np.quantile(levels, shares).tolist()

    def choices(self, threshold: float, asked: Sequence[Question]) -> Sequence[str]:
        router = Router(self._catalog, default_quality_threshold=threshold)
        return [self._choice(router, question) for question in asked]

    def _choice(self, router: Router, question: Question) -> str:
        ask = Ask("", "", RoutingMode.AUTOPILOT, "auto", question.body, task_type=question.task)
        try:
            return router.route(ask).model.name
        except NoModelsAvailableError:
            return self._strong


def _qualities(tasks: Sequence[str], scores: Numbers) -> Mapping[str, Numbers]:
    """By task, on the catalogue's scale; tasks with few prompts lean on all of them."""
    overall = scores.mean(axis=0)
    found = {DEFAULT_TASK: overall * _BEST}
    names = np.array(tasks)
    for task in dict.fromkeys(tasks):
        of_task = scores[names == task]
        found[task] = (of_task.sum(axis=0) + _PRIOR_PROMPTS * overall) / (len(of_task) + _PRIOR_PROMPTS) * _BEST
    return found


def _model(name: str, price: Price, quality: Mapping[str, float]) -> Model:
    rates = Rates(input=price.input.scaleb(-6), output=price.output.scaleb(-6))
    return Model(
        name=name, provider="recorded", upstream_model=name, prices=PriceSheet(rates={STANDARD: rates}), quality=quality
    )
