"""A change of cost taken apart into price, volume, mix, cache and length, to the last digit.

A segment is what has prices of its own: a model. It costs

    cost = requests x mix x paid x length x split x price, summed over its buckets

with `requests` those of all segments, `mix` the segment's share of them, `paid` the share of its requests that our
cache did not answer, `length` the tokens of a paid request on one side (prompt or answer), `split` the bucket's share
of that side (what the provider's cache read, say) and `price` what a token of the bucket cost. volume is the effect of
`requests`, cache that of `paid` and `split` together.

The effect of a factor is its Shapley value: the mean, over all orders in which the factors could have changed one
after the other, of what the cost changed by when it was its turn. No order is preferred and nothing is left over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, localcontext
from enum import StrEnum
from itertools import combinations
from math import factorial

from acron_site.lib.money import ZERO

# enough that rounding stays far below the last digit of any amount
_DIGITS = 60
_ONE = Decimal(1)
_FINEST = Decimal("1E-18")  # as the ledger's columns are


class Side(StrEnum):
    PROMPT = "prompt"
    ANSWER = "answer"


class Factor(StrEnum):
    PRICE = "price"
    VOLUME = "volume"
    MIX = "mix"
    CACHE = "cache"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens of one price and what they cost."""

    side: Side
    tokens: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Segment:
    """What one model had to do in a span of time; `paid` are the requests that our cache did not answer."""

    requests: int
    paid: int
    buckets: Mapping[str, Bucket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.paid <= self.requests:
            raise ValueError("of a segment's requests, between none and all are paid")
        if any(bucket.tokens < 0 or (bucket.cost_usd and not bucket.tokens) for bucket in self.buckets.values()):
            raise ValueError("a bucket that cost something has tokens; count calls as tokens where nothing else is")
        if not self.paid and any(bucket.tokens for bucket in self.buckets.values()):
            raise ValueError("tokens were used by a request that was paid; count it")

    @property
    def cost_usd(self) -> Decimal:
        return sum((bucket.cost_usd for bucket in self.buckets.values()), ZERO)


_NOTHING = Segment(0, 0)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """In USD; the five sum to the change exactly."""

    price: Decimal
    volume: Decimal
    mix: Decimal
    cache: Decimal
    length: Decimal

    @property
    def change(self) -> Decimal:
        with localcontext() as context:
            context.prec = _DIGITS
            return sum((getattr(self, each.name) for each in fields(self)), ZERO)


def decompose(before: Mapping[str, Segment], after: Mapping[str, Segment]) -> Decomposition:
    """Of two spans of time, by segment.

    A segment that was not used in one span has the other's lengths and prices there: it came or went with the mix.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        change = _cost(after) - _cost(before)
        rates = {name: _both_rates(before.get(name, _NOTHING), after.get(name, _NOTHING)) for name in {*before, *after}}
        costs = {moved: _cost_if(before, after, rates, moved) for moved in _subsets()}
        return _to_the_last_digit({factor: _shapley(factor, costs) for factor in Factor}, change)


def _cost(segments: Mapping[str, Segment]) -> Decimal:
    return sum((segment.cost_usd for segment in segments.values()), ZERO)


def _subsets() -> list[frozenset[Factor]]:
    return [frozenset(chosen) for count in range(len(Factor) + 1) for chosen in combinations(Factor, count)]


def _shapley(factor: Factor, costs: Mapping[frozenset[Factor], Decimal]) -> Decimal:
    effect = ZERO
    for moved, cost in costs.items():
        if factor not in moved:
            orders = factorial(len(moved)) * factorial(len(Factor) - len(moved) - 1)
            effect += orders * (costs[moved | {factor}] - cost)
    return effect / factorial(len(Factor))


def _to_the_last_digit(effects: Mapping[Factor, Decimal], change: Decimal) -> Decomposition:
    """Rounded; what rounding leaves over goes to the largest."""
    exponent = change.as_tuple().exponent
    step = min(_FINEST, _ONE.scaleb(exponent if isinstance(exponent, int) else 0))
    rounded = {factor: effect.quantize(step) for factor, effect in effects.items()}
    largest = max(rounded, key=lambda factor: abs(rounded[factor]))
    rounded[largest] += change - sum(rounded.values(), ZERO)
    return Decomposition(**{factor.value: effect for factor, effect in rounded.items()})


@dataclass(frozen=True, slots=True)
class _Rates:
    """What a segment's cost per request is a product of."""

    paid: Decimal
    lengths: Mapping[Side, Decimal]
    splits: Mapping[str, Decimal]
    prices: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class _BothRates:
    sides: Mapping[str, Side]  # of each bucket
    before: _Rates
    after: _Rates

    def per_request(self, moved: frozenset[Factor]) -> Decimal:
        cache = self.after if Factor.CACHE in moved else self.before
        length = self.after if Factor.LENGTH in moved else self.before
        price = self.after if Factor.PRICE in moved else self.before
        tokens = {name: length.lengths[side] * cache.splits[name] for name, side in self.sides.items()}
        return cache.paid * sum((count * price.prices[name] for name, count in tokens.items()), ZERO)


def _cost_if(
    before: Mapping[str, Segment],
    after: Mapping[str, Segment],
    rates: Mapping[str, _BothRates],
    moved: frozenset[Factor],
) -> Decimal:
    """What it would cost if only these factors had changed."""
    requests = _requests(after if Factor.VOLUME in moved else before)
    spans = (after, before) if Factor.MIX in moved else (before, after)
    # a span without requests has the other's mix: all that came or went is volume
    mix = next((span for span in spans if _requests(span)), {})
    return sum(
        (
            Decimal(segment.requests) * requests / _requests(mix) * rates[name].per_request(moved)
            for name, segment in mix.items()
        ),
        ZERO,
    )


def _requests(segments: Mapping[str, Segment]) -> int:
    return sum(segment.requests for segment in segments.values())


def _both_rates(before: Segment, after: Segment) -> _BothRates:
    sides = {name: bucket.side for segment in (before, after) for name, bucket in segment.buckets.items()}
    return _BothRates(sides, _rates(sides, before, after), _rates(sides, after, before))


def _rates(sides: Mapping[str, Side], ours: Segment, theirs: Segment) -> _Rates:
    return _Rates(
        _first(_ratio(segment.paid, segment.requests) for segment in (ours, theirs)),
        {side: _first(_ratio(_tokens(segment, side), segment.paid) for segment in (ours, theirs)) for side in Side},
        {name: _first(_split(segment, name, side) for segment in (ours, theirs)) for name, side in sides.items()},
        {name: _first(_price(segment, name) for segment in (ours, theirs)) for name in sides},
    )


def _first(found: Iterable[Decimal | None]) -> Decimal:
    """Ours if there is one, else theirs."""
    return next((each for each in found if each is not None), ZERO)


def _ratio(part: int | Decimal, whole: int) -> Decimal | None:
    return Decimal(part) / whole if whole else None


def _tokens(segment: Segment, side: Side) -> int:
    return sum(bucket.tokens for bucket in segment.buckets.values() if bucket.side is side)


def _split(segment: Segment, name: str, side: Side) -> Decimal | None:
    bucket = segment.buckets.get(name)
    return _ratio(bucket.tokens if bucket else 0, _tokens(segment, side))


def _price(segment: Segment, name: str) -> Decimal | None:
    bucket = segment.buckets.get(name)
    return _ratio(bucket.cost_usd, bucket.tokens) if bucket else None
