"""Every dollar between the strong model and the bill has one name, and the names add up."""

from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.events import EventKind, TokenCounts
from inference.benchmark import savings
from inference.benchmark.savings import Row, Savings
from inference.catalog import Model
from inference.domain import Usage
from inference.prices import UNPRICED, PriceSheet, Rates

STRONG = Model("strong", "p", "strong", prices=PriceSheet({"standard": Rates(input=Decimal(4), output=Decimal(8))}))
CHEAP_RATES = Rates(input=Decimal(1), cache_read=Decimal("0.25"), cache_write=Decimal("1.25"), output=Decimal(2))
CHEAP = Model(
    "cheap",
    "p",
    "cheap",
    prices=PriceSheet({"standard": CHEAP_RATES, "batch": Rates(Decimal("0.5"), output=Decimal(1))}),
)
UNKNOWN = Model("unknown", "p", "unknown", prices=UNPRICED)


def row(tokens: TokenCounts, *, tier: int = 0, model: Model | None = CHEAP, **changes) -> Row:
    usage = Usage(tokens=tokens, service_tier=changes.pop("service_tier", ""))
    values = {"kind": EventKind.ANSWER, "tier": tier, "usage": usage, "model": model}
    return Row(**{**values, **changes})


def names(found: Savings | None) -> dict[str, Decimal]:
    assert found is not None
    return {each.name: getattr(found, each.name) for each in fields(found) if getattr(found, each.name)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (row(TokenCounts(input=10, output=5)), {"baseline": 80, "routing": 60, "paid": 20}),
        (row(TokenCounts(input=10, output=5), tier=1), {"baseline": 80, "exact": 80}),
        (row(TokenCounts(input=10, output=5), tier=2), {"baseline": 80, "semantic": 80}),
        (row(TokenCounts(input=10, output=5), tier=3), {"baseline": 80, "steps": 80}),
        (row(TokenCounts(cache_read=8)), {"baseline": 32, "routing": 24, "prompt_cache": 6, "paid": 2}),
        (row(TokenCounts(cache_write=8)), {"baseline": 32, "routing": 24, "prompt_cache": -2, "paid": 10}),
        (row(TokenCounts(input=10), service_tier="batch"), {"baseline": 40, "routing": 30, "rest": 5, "paid": 5}),
        (row(TokenCounts(input=10), kind=EventKind.OVERHEAD), {"rest": -10, "paid": 10}),
    ],
)
def test_a_saving_has_the_name_of_what_made_it(given, expected):
    assert names(savings.of_row(given, STRONG)) == expected


@pytest.mark.parametrize("model", [None, UNKNOWN])
def test_what_has_no_price_adds_to_no_sum(model):
    assert savings.of_row(row(TokenCounts(input=10), model=model), STRONG) is None


counts = st.builds(TokenCounts, *(st.integers(0, 10**6) for _ in range(4)), output=st.integers(0, 10**6))


@given(st.lists(st.tuples(counts, st.sampled_from([0, 1, 2, 3]), st.sampled_from(["", "batch"])), max_size=8))
def test_the_savings_add_up_to_the_last_digit(calls):
    total = savings.total(savings.of_row(row(tokens, tier=tier, service_tier=on), STRONG) for tokens, tier, on in calls)

    assert total.baseline - sum((amount for _, amount in savings.labelled(total)), Decimal(0)) == total.paid


def test_the_waterfall_ends_where_the_bill_is():
    total = savings.total([savings.of_row(row(TokenCounts(input=10), tier=tier), STRONG) for tier in (0, 1)])

    plot = savings.waterfall("", total, baseline="all", paid="paid")

    assert [step.label for step in plot.steps] == ["all", "exact cache (T1)", "routing", "paid"]
    assert plot.steps[-2].end == plot.steps[-1].end == total.paid
