"""What an answer cost, what it would have cost, and what was saved."""

from dataclasses import dataclass
from decimal import Decimal

from acron_site.lib.money import ZERO
from inference import pricing
from inference.catalog import Catalog, Model
from inference.domain import Cost, RoutingMode, Usage


@dataclass(frozen=True, slots=True)
class Bill:
    """The money side of one row of the ledger. Amounts are None where a price is unknown."""

    cost: Cost
    baseline_model: str
    baseline_usd: Decimal | None
    saved_usd: Decimal | None


FREE = pricing.free()
NOTHING_USED = Bill(FREE, "", None, None)  # of a call that the provider refused


class Accountant:
    """Prices usage against the catalogue.

    `baseline_model` names what automatic choices are compared with; where the catalogue does not have it, the dearest
    model that could have been chosen.
    """

    def __init__(self, catalog: Catalog, *, baseline_model: str = "") -> None:
        self._catalog = catalog
        self._baseline = catalog.find(baseline_model) if baseline_model in catalog.names else _dearest(catalog)

    def paid(self, model: Model, mode: RoutingMode, usage: Usage, *, answered: str = "") -> Bill:
        """The bill of a provider's answer; `answered` is the provider's name for the model whose prices hold."""
        priced, baseline = self._catalog.answering(answered, asked=model), self.baseline_of(model, mode)
        cost = pricing.cost(usage, priced.prices)
        is_plain = baseline is priced and not (usage.service_tier or usage.speed or usage.geography)
        amount = cost.amount if is_plain else pricing.cost(plain(usage), baseline.prices).amount
        return Bill(cost, baseline.name, amount, _difference(amount, cost.amount))

    def estimated(self, model: Model, usage: Usage, *, is_free: bool) -> Bill:
        """The bill that stands while a call is under way, and for good if nobody lives to settle it."""
        return self.of_test_key(model) if is_free else Bill(pricing.cost(usage, model.prices), "", None, None)

    def of_test_key(self, model: Model) -> Bill:
        """A test key's answers cost nothing and save nothing."""
        return Bill(FREE, model.name, ZERO, ZERO)

    def hit(self, model: Model, mode: RoutingMode, usage: Usage) -> Bill:
        """The bill of an answer from the cache: it costs 0 and avoided today's price of the same tokens."""
        baseline = self.baseline_of(model, mode)
        amount = pricing.cost(plain(usage), baseline.prices).amount
        return Bill(FREE, baseline.name, amount, amount)

    def baseline_of(self, model: Model, mode: RoutingMode) -> Model:
        """The model asked for; where ACRON chose, the baseline model."""
        if mode is RoutingMode.EXPLICIT or self._baseline is None:
            return model
        return self._baseline


def plain(usage: Usage) -> Usage:
    """The same tokens at standard conditions: what the baseline would be asked for."""
    return Usage(tokens=usage.tokens)


def _difference(baseline: Decimal | None, amount: Decimal | None) -> Decimal | None:
    return None if baseline is None or amount is None else baseline - amount


def _dearest(catalog: Catalog) -> Model | None:
    """The dearest model that automatic routing may choose, by a thousand tokens in and out."""
    offers = (
        (pricing.estimate_cost(model, 1000, 1000), model)
        for model in catalog.chat_models()
        if model.is_available and model.automatic
    )
    priced = [(price, model) for price, model in offers if price is not None]
    return max(priced, key=lambda offer: offer[0])[1] if priced else None
