"""Past rows of the ledger under another policy: other models, another threshold, other prices."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from zlib import crc32

import numpy as np

from acron_site.lib.errors import NoModelsAvailableError
from acron_site.lib.money import ZERO
from analytics.events import EventKind, TokenCounts
from inference import accounting, pricing
from inference.benchmark.intervals import Numbers
from inference.catalog import Catalog, Model
from inference.domain import Ask, RoutingMode, Usage
from inference.prices import PriceSheet
from inference.routing.router import Router

# requests are gathered in so many pots for the bootstrap, so that a long history takes no more memory than a short one
POTS = 1000
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the ledger, as far as its price and its model matter."""

    request_id: str
    kind: EventKind
    mode: str
    tier: int
    model: str
    task: str
    usage: Usage
    paid: Decimal | None  # adjusted; None: no price is known


@dataclass(frozen=True, slots=True)
class Policy:
    """`before` has the models as they are priced today; `after` those that may be chosen, at the prices to be tried."""

    before: Catalog
    after: Catalog
    quality_threshold: float
    moves_explicit: bool = False


@dataclass
class Findings:
    """Adds up row by row. `repriced`: the same models at the prices to be tried."""

    rows: int = 0
    hits: int = 0
    unpriced: int = 0
    kept: int = 0  # calls that stay where they were
    nowhere: int = 0  # calls for which the policy has no model; they stay too
    paid: Decimal = ZERO
    repriced: Decimal = ZERO
    cost: Decimal = ZERO
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved_usd: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    by_task: defaultdict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(lambda: [ZERO, ZERO]))
    pots: Numbers = field(default_factory=lambda: np.zeros((POTS, 2)))

    def add(self, call: Call, paid: Decimal, repriced: Decimal, cost: Decimal) -> None:
        self.paid, self.repriced, self.cost = self.paid + paid, self.repriced + repriced, self.cost + cost
        sums = self.by_task[call.task]
        sums[0], sums[1] = sums[0] + paid, sums[1] + cost
        self.pots[crc32(call.request_id.encode()) % POTS] += (float(paid), float(cost))


def tried(calls: Iterable[Call], policy: Policy) -> Findings:
    backtest = _Backtest(policy)
    for call in calls:
        backtest.take(call)
    return backtest.found


class _Backtest:
    def __init__(self, policy: Policy) -> None:
        self._policy, self.found = policy, Findings()
        self._router = Router(policy.after, default_quality_threshold=policy.quality_threshold)
        self._choice = lru_cache(4096)(self._chosen)

    def take(self, call: Call) -> None:
        self.found.rows += 1
        if call.tier:
            self.found.hits += 1
            return
        if call.paid is None:
            self.found.unpriced += 1
            return
        repriced = self._repriced(call)
        if repriced is None:
            self.found.unpriced += 1
            return
        cost = self._rerouted(call) if self._may_move(call) else None
        self.found.kept += cost is None
        self.found.add(call, call.paid, repriced, repriced if cost is None else cost)

    def _may_move(self, call: Call) -> bool:
        is_answer = call.kind is EventKind.ANSWER and call.usage.tokens != TokenCounts()
        return is_answer and (self._policy.moves_explicit or call.mode != RoutingMode.EXPLICIT)

    def _repriced(self, call: Call) -> Decimal | None:
        """As the ledger has it, unless the prices to be tried differ from today's."""
        sheets = [_sheet(call.model, catalog) for catalog in (self._policy.before, self._policy.after)]
        if sheets[1] is None or (sheets[0] is not None and sheets[0].version == sheets[1].version) or not call.paid:
            return call.paid
        return pricing.cost(call.usage, sheets[1]).amount

    def _rerouted(self, call: Call) -> Decimal | None:
        """None where it stays with its model."""
        chosen = self._choice(call.task, call.usage.tokens.total_input)
        if chosen is None:
            self.found.nowhere += 1
            return None
        if chosen.name == call.model:
            return None
        # another model has nothing in its prompt cache, and other service tiers
        cost = pricing.cost(accounting.plain(call.usage), chosen.prices).amount
        if cost is not None:
            move = (call.model, chosen.name)
            self.found.moved[move] += 1
            self.found.moved_usd[move] += (call.paid or ZERO) - cost
        return cost

    def _chosen(self, task: str, tokens_input: int) -> Model | None:
        body = {"messages": [{"role": "user", "content": " " * (tokens_input * _CHARACTERS_PER_TOKEN)}]}
        ask = Ask("", "", RoutingMode.AUTOPILOT, "auto", body, task_type=task)
        try:
            return self._router.route(ask).model
        except NoModelsAvailableError:
            return None


def narrowed(catalog: Catalog, names: Iterable[str]) -> Catalog:
    """The same with these models alone to choose from; the others keep their prices. Raises UnknownModelError."""
    chosen = {catalog.find(name).name for name in names}
    if not chosen:
        return catalog
    return Catalog(replace(model, automatic=model.name in chosen) for model in catalog.models)


def at_prices_of(catalog: Catalog, priced: Catalog) -> Catalog:
    """The same models at another file's prices, where it has them."""
    sheets = {model.name: model.prices for model in priced.models if model.prices.version}
    return Catalog(replace(model, prices=sheets.get(model.name, model.prices)) for model in catalog.models)


def _sheet(name: str, catalog: Catalog) -> PriceSheet | None:
    return catalog.find(name).prices if name in catalog.names else None
