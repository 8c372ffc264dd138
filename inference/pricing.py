"""Usage and price sheets make money: exact, per bucket, never guessed."""

from collections.abc import Iterator
from decimal import Decimal

from acron_site.lib.money import ZERO
from analytics.events import CostStatus, TokenCounts
from inference.catalog import Model
from inference.domain import Cost, Usage
from inference.prices import BUCKETS, STANDARD, PriceSheet

_ONE = Decimal(1)
_NOTHING = TokenCounts()


def cost(usage: Usage, prices: PriceSheet) -> Cost:
    """What `usage` costs; without an amount when a price is not known (`why_unpriced` says which)."""
    breakdown: dict[str, Decimal] = {}
    for bucket, amount in _amounts(usage, prices):
        if amount is None:
            return Cost(amount=None, status=CostStatus.UNPRICED, price_version=prices.version)
        breakdown[bucket] = amount
    status = CostStatus.ESTIMATED if usage.is_estimate else CostStatus.PRICED
    if not breakdown:
        status = CostStatus.FREE
    return Cost(amount=sum(breakdown.values(), ZERO), status=status, breakdown=breakdown, price_version=prices.version)


def free() -> Cost:
    """What an answer from our own cache costs."""
    return Cost(amount=ZERO, status=CostStatus.FREE)


def estimate_cost(model: Model, input_tokens: int, output_tokens: int) -> Decimal | None:
    """The price of a request of that size at standard conditions; None when it is not known."""
    return cost(Usage(tokens=TokenCounts(input=input_tokens, output=output_tokens)), model.prices).amount


def why_unpriced(usage: Usage, prices: PriceSheet) -> str:
    """For the operator: which price is missing; "" when none is."""
    missing = [bucket for bucket, amount in _amounts(usage, prices) if amount is None]
    if not missing:
        return ""
    conditions = [usage.service_tier or STANDARD, *([f"speed {usage.speed}"] if usage.speed else [])]
    return f"no price for {', '.join(missing)} ({', '.join(conditions)}): add it to the models file"


def _amounts(usage: Usage, prices: PriceSheet) -> Iterator[tuple[str, Decimal | None]]:
    """Each used bucket with its price, None where it is unknown.

    In the order of accounting rule 17: the tier's rates, then speed, then geography, then tools per call.
    """
    tokens = usage.tokens
    rates = prices.rates_for(usage.service_tier, tokens.total_input)
    multiplier = _multiplier(usage, prices)
    for bucket in BUCKETS:
        if count := getattr(tokens, bucket):
            rate = getattr(rates, bucket)
            yield bucket, None if rate is None or multiplier is None else count * rate * multiplier
    if tokens.web_searches:
        rate = prices.per_call.get("web_search")
        yield "web_searches", None if rate is None else tokens.web_searches * rate
    if usage.flag and tokens == _NOTHING:
        yield "usage", None  # a report without a usable figure is no proof that nothing was used


def _multiplier(usage: Usage, prices: PriceSheet) -> Decimal | None:
    """None for a speed without a published price. A geography without one costs nothing more."""
    speed = prices.speeds.get(usage.speed) if usage.speed else _ONE
    return None if speed is None else speed * prices.geographies.get(usage.geography, _ONE)
