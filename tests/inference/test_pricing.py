"""Usage times price sheet is money, to the last digit."""

import json
from dataclasses import astuple, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.events import CostStatus, TokenCounts
from inference import catalog, pricing, usage
from inference.catalog import Model
from inference.domain import Usage
from inference.prices import BUCKETS, PriceSheet, Rates

MODELS = Path(__file__).parents[2] / "config" / "models.yaml"
CATALOG = catalog.load(MODELS, {}, mock=False)
VECTORS = json.loads((Path(__file__).parent / "cost_vectors.json").read_text())

# every rate differs from every other, so that no bucket can be priced as its neighbour
RATES = Rates(
    input=Decimal("0.000002"),
    cache_read=Decimal("0.0000002"),
    cache_write=Decimal("0.0000025"),
    cache_write_long=Decimal("0.000004"),
    input_audio=Decimal("0.00003"),
    output=Decimal("0.00001"),
    output_audio=Decimal("0.00006"),
)
SHEET = PriceSheet(
    rates={"standard": RATES},
    long_rates={"standard": Rates(input=Decimal("0.000004"), output=Decimal("0.00002"))},
    long_context_tokens=100_000,
    speeds={"fast": Decimal(2)},
    geographies={"us": Decimal("1.1")},
    per_call={"web_search": Decimal("0.01")},
    as_of=date(2026, 11, 12),
    version="2026-11-12.test",
)


def used(**tokens: int) -> Usage:
    return Usage(tokens=TokenCounts(**tokens))


def amount(model: str, spent: Usage) -> Decimal | None:
    return pricing.cost(spent, CATALOG.find(model).prices).amount


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_worked_cases_are_reproduced_to_the_last_digit(vector):
    read = usage.from_openai if vector["provider"] == "openai" else usage.from_anthropic
    spent = read(vector["usage"])
    if tier := vector["opts"].get("tier"):
        spent = replace(spent, service_tier=tier)

    assert amount(vector["model"], spent) == Decimal(vector["expected_usd"])


@pytest.mark.parametrize(
    ("model", "spent", "expected"),
    [
        ("claude-sonnet-5-5", used(cache_write=1_000_000), "2.5"),
        ("claude-sonnet-5-5", used(cache_write_long=1_000_000), "4"),
        ("claude-haiku-5-5", used(input=100_001, output=1000), "0.0525005"),
        ("claude-haiku-5-5", used(input=50_000, cache_read=50_001, output=1000), "0.03000005"),
        ("claude-haiku-5-5", replace(used(cache_write_long=200_000), service_tier="batch"), "0.1"),
        ("claude-opus-5-5", replace(used(input=1000, output=500), service_tier="batch"), "0.007"),
        (
            "claude-opus-5-5",
            replace(used(output=1000, web_searches=3), geography="us", speed="fast"),
            "0.074",
        ),
        ("gpt-6.1-sol", used(cache_write=1_000_000 // 4, cache_write_long=20_000), "0.725"),
        ("gpt-6.1-sol", used(input=272_000), "0.544"),
        ("gpt-6.1-sol", used(input=272_001), "1.088004"),
        ("gpt-6.1-sol", replace(used(input=1000, output=1000), geography="eu"), "0.0132"),
        ("gpt-6-astra", replace(used(input=1000, output=1000), service_tier="ultrafast"), "0.36"),
        ("gpt-audio", used(input=1000, input_audio=1000, output=100, output_audio=100), "0.0419"),
        ("command-a-plus-05-2026", used(input=1000, output=1000), "0"),
    ],
)
def test_published_prices_apply(model, spent, expected):
    assert amount(model, spent) == Decimal(expected)


def test_long_context_prices_apply_to_the_whole_request_strictly_above_the_threshold():
    at_threshold = pricing.cost(used(input=60_000, cache_read=40_000, output=10), SHEET)
    above = pricing.cost(used(input=60_000, cache_read=40_001, output=10), SHEET)

    assert at_threshold.amount == Decimal("0.1281")
    assert above.breakdown["input"] == 60_000 * Decimal("0.000004")
    assert above.breakdown["output"] == 10 * Decimal("0.00002")


def test_speed_and_geography_multiply_tokens_but_not_calls():
    spent = replace(used(output=1000, web_searches=2), speed="fast", geography="us")

    assert pricing.cost(spent, SHEET).breakdown == {
        "output": Decimal("0.022"),
        "web_searches": Decimal("0.02"),
    }


def test_a_missing_cache_rate_is_the_input_rate():
    sheet = PriceSheet(rates={"standard": Rates(input=Decimal("0.000003"), output=Decimal("0.000015"))})

    cost = pricing.cost(used(input=1, cache_read=1, cache_write=1, cache_write_long=1), sheet)

    assert cost.amount == Decimal("0.000012")


def test_an_explicit_zero_is_a_price():
    sheet = PriceSheet(rates={"standard": Rates(input=Decimal("0.000003"), cache_read=Decimal(0), output=Decimal(0))})

    cost = pricing.cost(used(input=1, cache_read=1000, output=1000), sheet)

    assert (cost.amount, cost.status) == (Decimal("0.000003"), CostStatus.PRICED)


@pytest.mark.parametrize(
    ("sheet", "spent", "missing"),
    [
        (PriceSheet(), used(input=1), "input"),
        (PriceSheet(rates={"standard": Rates(input=Decimal(1))}), used(input=1, output=1), "output"),
        (
            PriceSheet(rates={"standard": Rates(output=Decimal(1))}),
            used(cache_read=1, output=1),
            "cache_read",
        ),
        (PriceSheet(rates={"standard": Rates(input=Decimal(1))}), used(input_audio=1), "input_audio"),
        (PriceSheet(rates={"standard": RATES}), used(web_searches=1), "web_searches"),
        (SHEET, replace(used(input=1), service_tier="platinum"), "input (platinum)"),
        (SHEET, replace(used(input=1), speed="ludicrous"), "input (standard, speed ludicrous)"),
        (SHEET, replace(used(input=200_000), service_tier="flex"), "input (flex)"),
        (SHEET, usage.from_openai(None), "usage"),
        (SHEET, usage.from_openai({"prompt_tokens": "many"}), "usage"),
    ],
)
def test_what_has_no_price_is_unpriced_and_says_which_price_is_missing(sheet, spent, missing):
    cost = pricing.cost(spent, sheet)

    assert (cost.amount, cost.status, cost.breakdown) == (None, CostStatus.UNPRICED, {})
    assert missing in pricing.why_unpriced(spent, sheet)


def test_an_unused_bucket_needs_no_price():
    sheet = PriceSheet(rates={"standard": Rates(input=Decimal("0.00000002"))})

    assert pricing.cost(used(input=50), sheet).amount == Decimal("0.000001")
    assert pricing.why_unpriced(used(input=50), sheet) == ""


def test_a_geography_without_a_price_of_its_own_costs_nothing_more():
    assert pricing.cost(replace(used(input=1), geography="eu"), SHEET).amount == RATES.input


def test_nothing_used_is_free_and_so_is_our_own_hit():
    assert pricing.cost(Usage(), SHEET).status is CostStatus.FREE
    assert (pricing.free().amount, pricing.free().status) == (Decimal(0), CostStatus.FREE)


def test_a_price_reckoned_from_an_estimate_says_so():
    cost = pricing.cost(usage.estimate(input_bytes=400, output_bytes=400), SHEET)

    assert (cost.amount, cost.status) == (Decimal("0.0012"), CostStatus.ESTIMATED)


def test_a_cost_keeps_the_version_of_its_prices():
    assert pricing.cost(used(input=1), SHEET).price_version == "2026-11-12.test"
    assert pricing.cost(used(input=1), PriceSheet(version="old")).price_version == "old"


def test_routing_gets_an_estimate_or_none():
    priced = Model(name="a", provider="p", upstream_model="a", prices=SHEET)

    assert pricing.estimate_cost(priced, 1000, 100) == Decimal("0.003")
    assert pricing.estimate_cost(replace(priced, prices=PriceSheet()), 1000, 100) is None


counts = st.integers(0, usage.MOST_TOKENS)
usages = st.builds(
    Usage,
    tokens=st.builds(TokenCounts, **dict.fromkeys((*BUCKETS, "reasoning", "web_searches"), counts)),
    speed=st.sampled_from(["", "fast"]),
    geography=st.sampled_from(["", "us", "eu"]),
)


@given(usages)
def test_the_breakdown_adds_up_to_the_amount_exactly_and_is_never_negative(spent):
    cost = pricing.cost(spent, replace(SHEET, long_context_tokens=None))

    assert cost.amount == sum(cost.breakdown.values())
    assert all(type(part) is Decimal and part >= 0 for part in cost.breakdown.values())


@given(usages)
def test_prices_equal_exact_arithmetic_in_whole_numbers(spent):
    cost = pricing.cost(spent, replace(SHEET, long_context_tokens=None))

    # 10^-8 USD per token, times 10 for the geography's tenths: another road to the figure, without decimals
    per_token = [int(rate * 10**8) for rate in astuple(RATES)]
    tokens = [getattr(spent.tokens, bucket) for bucket in BUCKETS]
    units = sum(count * rate for count, rate in zip(tokens, per_token, strict=True))
    units *= (2 if spent.speed else 1) * (11 if spent.geography == "us" else 10)
    units += spent.tokens.web_searches * 10**7
    assert cost.amount is not None
    assert cost.amount * 10**9 == units


@given(usages, st.sampled_from([model.name for model in CATALOG.models]))
def test_no_model_of_the_file_ever_yields_a_float_or_a_negative_price(spent, name):
    cost = pricing.cost(spent, CATALOG.find(name).prices)

    assert cost.amount is None or (type(cost.amount) is Decimal and cost.amount >= 0)
