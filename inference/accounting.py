"""What an answer cost, what it would have cost, and what was saved."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from acron_site.lib.money import ZERO
from analytics.events import CostStatus, TokenCounts
from inference import pricing
from inference.catalog import Catalog, Model
from inference.domain import Cost, RoutingMode, Usage
from inference.fallback_price import NONE, FallbackPrice

Alert = Callable[[str, str], None]  # takes a model's name and which of its prices is missing


@dataclass(frozen=True, slots=True)
class Bill:
    """The money side of one row of the ledger. Amounts are None where a price is unknown.

    The baseline is the same tokens at today's standard prices without the provider's prompt cache, so
    `baseline_usd == cost.amount + saved_usd`. What the prompt cache saved is a part of `saved_usd`, never on top
    of it, and below zero where writing to it did not pay.
    """

    cost: Cost
    baseline_model: str
    baseline_usd: Decimal | None
    saved_usd: Decimal | None
    prompt_cache_saved_usd: Decimal | None = None
    fallback_usd: Decimal | None = None  # what a budget is charged when the cost is not known

    @property
    def charged_usd(self) -> Decimal | None:
        """What counts against a budget; None: as much as was held for the call."""
        return self.fallback_usd if self.cost.amount is None else self.cost.amount


FREE = pricing.free()
NOTHING_USED = Bill(FREE, "", None, None)  # of a call that the provider refused


class Accountant:
    """Prices usage against the catalogue.

    `baseline_model` names what automatic choices are compared with; where the catalogue does not have it, the dearest
    model that could have been chosen. `alert` is told of every usage that has no price.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        baseline_model: str = "",
        fallback: FallbackPrice = NONE,
        alert: Alert | None = None,
    ) -> None:
        self._catalog, self._fallback, self._alert = catalog, fallback, alert
        # what automatic choices are compared with; None where there is nothing to choose from
        self.baseline = catalog.find(baseline_model) if baseline_model in catalog.names else _dearest(catalog)

    def paid(self, model: Model, mode: RoutingMode, usage: Usage, *, answered: str = "") -> Bill:
        """The bill of a provider's answer; `answered` is the provider's name for the model whose prices hold."""
        return self._paid(self._catalog.answering(answered, asked=model), self.baseline_of(model, mode), usage)

    def side(self, asked: Model, name: str, usage: Usage) -> tuple[str, Bill]:
        """What another model used inside a call to `asked`: its name in the catalogue, and its bill.

        `name` is the provider's. A model that the catalogue does not know has no price.
        """
        model = self._catalog.named(asked.provider, name)
        if model is None:
            model = Model(name=name, provider=asked.provider, upstream_model=name)
        return model.name, self._paid(model, model, usage)

    def overhead(self, model: Model, usage: Usage) -> Bill:
        """The bill of a call that the gateway made for itself: it stands against no baseline."""
        return Bill(self._cost(model, usage), "", None, None, fallback_usd=self._fallback.cost(usage.tokens))

    def estimated(self, model: Model, usage: Usage, *, is_free: bool) -> Bill:
        """The bill that stands while a call is under way, and for good if nobody lives to settle it."""
        return self.of_test_key(model) if is_free else Bill(pricing.cost(usage, model.prices), "", None, None)

    def of_test_key(self, model: Model) -> Bill:
        """A test key's answers cost nothing and save nothing."""
        return Bill(FREE, model.name, ZERO, ZERO, ZERO)

    def hit(self, model: Model, mode: RoutingMode, usage: Usage) -> Bill:
        """The bill of an answer from the cache: it costs 0 and avoided today's price of the same tokens."""
        baseline = self.baseline_of(model, mode)
        amount = pricing.cost(plain(usage), baseline.prices).amount
        return Bill(FREE, baseline.name, amount, amount, ZERO)

    def baseline_of(self, model: Model, mode: RoutingMode) -> Model:
        """The model asked for; where ACRON chose, the baseline model."""
        if mode is RoutingMode.EXPLICIT or self.baseline is None:
            return model
        return self.baseline

    def _paid(self, priced: Model, baseline: Model, usage: Usage) -> Bill:
        cost = self._cost(priced, usage)
        uncached = without_prompt_cache(usage)
        dear = cost.amount if uncached is usage else pricing.cost(uncached, priced.prices).amount
        is_plain = baseline is priced and not (usage.service_tier or usage.speed or usage.geography)
        amount = dear if is_plain else pricing.cost(plain(usage), baseline.prices).amount
        return Bill(
            cost,
            baseline.name,
            amount,
            difference(amount, cost.amount),
            difference(dear, cost.amount),
            self._fallback.cost(usage.tokens),
        )

    def _cost(self, model: Model, usage: Usage) -> Cost:
        cost = pricing.cost(usage, model.prices)
        if cost.status is CostStatus.UNPRICED and self._alert is not None:
            self._alert(model.name, pricing.why_unpriced(usage, model.prices))
        return cost


def plain(usage: Usage) -> Usage:
    """The same tokens at standard conditions and without a prompt cache: what the baseline would be asked for."""
    return Usage(tokens=_uncached(usage.tokens))


def without_prompt_cache(usage: Usage) -> Usage:
    """The same under the same conditions, had the provider's prompt cache neither been read nor written."""
    tokens = _uncached(usage.tokens)
    return usage if tokens is usage.tokens else replace(usage, tokens=tokens)


def difference(whole: Decimal | None, part: Decimal | None) -> Decimal | None:
    return None if whole is None or part is None else whole - part


def _uncached(tokens: TokenCounts) -> TokenCounts:
    cached = tokens.cache_read + tokens.cache_write + tokens.cache_write_long
    if not cached:
        return tokens
    return replace(tokens, input=tokens.input + cached, cache_read=0, cache_write=0, cache_write_long=0)


def _dearest(catalog: Catalog) -> Model | None:
    """The dearest model that automatic routing may choose, by a thousand tokens in and out."""
    offers = (
        (pricing.estimate_cost(model, 1000, 1000), model)
        for model in catalog.chat_models()
        if model.is_available and model.automatic
    )
    priced = [(price, model) for price, model in offers if price is not None]
    return max(priced, key=lambda offer: offer[0])[1] if priced else None
