"""Where the difference to the baseline comes from, each dollar once: cache, routing, prompt cache, the rest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from decimal import Decimal

from acron_site.lib.money import ZERO
from analytics.events import EventKind, TokenCounts
from inference import accounting, pricing
from inference.benchmark.report import Step, Waterfall
from inference.catalog import Model
from inference.domain import Usage


@dataclass(frozen=True, slots=True)
class Savings:
    """baseline = paid + every saving, to the last digit. `rest`: service tiers, speeds, regions, own calls."""

    baseline: Decimal = ZERO
    exact: Decimal = ZERO
    semantic: Decimal = ZERO
    steps: Decimal = ZERO
    routing: Decimal = ZERO
    prompt_cache: Decimal = ZERO
    rest: Decimal = ZERO
    paid: Decimal = ZERO

    def __add__(self, other: "Savings") -> "Savings":
        return Savings(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def saved(self) -> Decimal:
        return self.baseline - self.paid


@dataclass(frozen=True, slots=True)
class Row:
    """What of a row of the ledger sets its price."""

    kind: EventKind
    tier: int
    usage: Usage
    model: Model | None  # None: the catalogue does not know it
    paid: Decimal | None = None  # what the ledger says; None: priced here


TIERS = {1: "exact", 2: "semantic", 3: "steps"}
_LABELS = {
    "exact": "exact cache (T1)",
    "semantic": "semantic cache (T2)",
    "steps": "step cache (T3)",
    "routing": "routing",
    "prompt_cache": "provider's prompt cache",
    "rest": "rest",
}


def of_row(row: Row, strong: Model) -> Savings | None:
    """None where a price is missing: what is not known adds to no sum."""
    baseline = pricing.cost(accounting.plain(row.usage), strong.prices).amount
    if row.kind is EventKind.OVERHEAD:
        paid = _paid(row)
        return None if paid is None else Savings(rest=-paid, paid=paid)
    if row.tier:
        return None if baseline is None else Savings(baseline=baseline, **{TIERS[row.tier]: baseline})
    return _of_call(row, baseline)


def total(found: Iterable[Savings | None]) -> Savings:
    return sum((each for each in found if each is not None), Savings())


def labelled(savings: Savings) -> Iterator[tuple[str, Decimal]]:
    """Each saving by its name for people, in the order of the waterfall."""
    for name, label in _LABELS.items():
        yield label, getattr(savings, name)


def waterfall(title: str, savings: Savings, *, baseline: str, paid: str) -> Waterfall:
    steps, at = [Step(baseline, ZERO, savings.baseline, is_total=True)], savings.baseline
    for label, amount in labelled(savings):
        if amount:
            steps.append(Step(label, at, at - amount))
            at -= amount
    return Waterfall(title, (*steps, Step(paid, ZERO, savings.paid, is_total=True)))


def _of_call(row: Row, baseline: Decimal | None) -> Savings | None:
    if row.model is None:
        return None
    here = row.model.prices
    paid = _paid(row)
    uncached = pricing.cost(accounting.without_prompt_cache(row.usage), here).amount
    ordinary = pricing.cost(accounting.plain(row.usage), here).amount
    if baseline is None or paid is None or uncached is None or ordinary is None:
        return None
    return Savings(
        baseline=baseline,
        routing=baseline - ordinary,
        prompt_cache=uncached - paid,
        rest=ordinary - uncached,
        paid=paid,
    )


def _paid(row: Row) -> Decimal | None:
    if row.paid is not None or row.model is None:
        return row.paid
    return ZERO if row.usage.tokens == TokenCounts() else pricing.cost(row.usage, row.model.prices).amount
