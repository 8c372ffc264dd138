"""The models that may be chosen, with their prices, and which of them could serve a request at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from inference import pricing
from inference.catalog import Catalog, Model
from inference.domain import Format
from inference.routing.cascading import Priced
from inference.routing.grading import Limits
from inference.routing.needs import Needs

# prices are compared as whole numbers: exact, and much quicker than Decimal
_PARTS_PER_DOLLAR = 10**15
# the dialect whose own a format is
_NATIVE = {Format.MESSAGES: "anthropic", Format.RESPONSES: "openai"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A model with its price in 10^-15 USD per token."""

    model: Model
    input_price: int
    output_price: int

    def estimate(self, needs: Needs) -> int:
        return needs.input_tokens * self.input_price + needs.output_tokens * self.output_price

    def estimate_usd(self, needs: Needs) -> Decimal:
        return Decimal(self.estimate(needs)) / _PARTS_PER_DOLLAR

    def is_over(self, budget_usd: Decimal | None, needs: Needs) -> bool:
        return budget_usd is not None and self.estimate(needs) > budget_usd * _PARTS_PER_DOLLAR

    def priced(self, needs: Needs, limits: Limits) -> Priced:
        model, latency_ms = self.model, limits.typical.latency_ms(self.model)
        return Priced(model, self.estimate(needs), model.quality_for(limits.task_type), latency_ms)


def offers(catalog: Catalog) -> Iterator[Offer]:
    for model in catalog.chat_models():
        if model.is_available and model.automatic and (offer := offer_of(model)) is not None:
            yield offer


def offer_of(model: Model) -> Offer | None:
    """None where a price is not known."""
    prices = [pricing.estimate_cost(model, 1, 0), pricing.estimate_cost(model, 0, 1)]
    if None in prices:
        return None
    return Offer(model, *(int(price * _PARTS_PER_DOLLAR) for price in prices if price is not None))


def cheapest(able: Iterable[Offer], needs: Needs, wanted: Format) -> Offer | None:
    """Of those that fit."""
    best: Offer | None = None
    for offer in able:
        if fits(offer.model, needs, wanted) and (best is None or offer.estimate(needs) < best.estimate(needs)):
            best = offer
    return best


def fits(model: Model, needs: Needs, wanted: Format) -> bool:
    is_spoken = not needs.is_native_only or _speaks(model, wanted)
    return is_spoken and _has_room(model, needs) and needs.capabilities <= model.capabilities


def misfit(model: Model, needs: Needs, wanted: Format) -> str:
    """Why it does not fit, in words; "" where it does."""
    if missing := needs.capabilities - model.capabilities:
        return f"cannot do {', '.join(sorted(missing))}"
    if needs.is_native_only and not _speaks(model, wanted):
        return "its provider does not speak this format itself, and the request needs that"
    if not _has_room(model, needs):
        return f"{needs.input_tokens} input tokens do not fit its context"
    return ""


def _has_room(model: Model, needs: Needs) -> bool:
    return not model.context_window or needs.input_tokens < model.context_window


def _speaks(model: Model, wanted: Format) -> bool:
    """Whether the format is its provider's own, so that nothing is lost in translation."""
    return _NATIVE.get(wanted, model.answered_by) == model.answered_by
