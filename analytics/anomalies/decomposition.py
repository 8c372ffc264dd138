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

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum
from itertools import combinations
from math import factorial

from acron_site.lib.money import ZERO

# enough that rounding stays far below the last digit of any amount
_DIGITS = 60
_ONE = Decimal(1)


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
        return sum((getattr(self, each.name) for each in fields(self)), ZERO)


def decompose(before: Mapping[str, Segment], after: Mapping[str, Segment]) -> Decomposition:
    """Where a segment was not used at all, its lengths and prices are taken from the other span: it came with the mix."""
    change = _cost(after) - _cost(before)
    with localcontext() as context:
        context.prec = _DIGITS
        costs = {moved: _mixed(before, after, moved) for moved in _subsets()}
        effects = {factor: _shapley(factor, costs) for factor in Factor}
    return _to_the_last_digit(effects, change)


def _cost(segments: Mapping[str, Segment]) -> Decimal:
    return sum((segment.cost_usd for segment in segments.values()), ZERO)


def _subsets() -> list[frozenset[Factor]]:
    return [frozenset(chosen) for count in range(len(Factor) + 1) for chosen in combinations(Factor, count)]


def _shapley(factor: Factor, costs: Mapping[frozenset[Factor], Decimal]) -> Decimal:
    count, effect = len(Factor), ZERO
    for moved in costs:
        if factor not in moved:
            orders = factorial(len(moved)) * factorial(count - len(moved) - 1)
            effect += orders * (costs[moved | {factor}] - costs[moved])
    return effect / factorial(count)


def _mixed(before: Mapping[str, Segment], after: Mapping[str, Segment], moved: Set[Factor]) -> Decimal:
    """What it would cost if only these factors had changed."""
    requests = _requests(after if Factor.VOLUME in moved else before)
    shares = after if Factor.MIX in moved else before
    cost = ZERO
    for name in {*before, *after}:
        segment = shares.get(name)
        if segment is not None and segment.requests:
            ours, theirs = before.get(name, _NOTHING), after.get(name, _NOTHING)
            cost += _share(shares, segment) * requests * _per_request(ours, theirs, moved)
    return cost


_NOTHING = Segment(0, 0)


def _requests(segments: Mapping[str, Segment]) -> int:
    return sum(segment.requests for segment in segments.values())


def _share(segments: Mapping[str, Segment], segment: Segment) -> Decimal:
    return Decimal(segment.requests) / _requests(segments)


def _per_request(before: Segment, after: Segment, moved: Set[Factor]) -> Decimal:
    cached = _of(before, after, is_after=Factor.CACHE in moved)
    lengths = _of(before, after, is_after=Factor.LENGTH in moved)
    return _paid_share(cached) * sum(
        (
            _length(before, after, side, is_after=Factor.LENGTH in moved)
            * _split_price(before, after, side, moved)
            for side in Side
        ),
        ZERO,
    ) if lengths.requests or cached.requests else ZERO
