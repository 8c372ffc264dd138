"""Whatever a provider reports: buckets that never overlap, and money that is the exact sum of its parts."""

import random
from dataclasses import astuple
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from analytics.events import TokenCounts
from inference import accounting, catalog, pricing, usage
from inference.accounting import Accountant
from inference.domain import RoutingMode, Usage
from inference.prices import BUCKETS, STANDARD, PriceSheet

CATALOG = catalog.load(Path(__file__).parents[2] / "config" / "models.yaml", {}, mock=False)
PRICED = [model for model in CATALOG.models if model.prices.version]
MANY = 100_000

few = st.integers(0, 2_000_000)


@st.composite
def openai_reports(draw: st.DrawFn) -> dict[str, Any]:
    """A report that makes sense: its totals include what its details list."""
    text, cached, short, long, audio = (draw(few) for _ in range(5))
    spoken, thought, output_audio = draw(few), draw(few), draw(few)
    into, out = ("prompt", "completion") if draw(st.booleans()) else ("input", "output")
    details: dict[str, Any] = {"cached_tokens": cached, "cache_write_tokens": short + long, "audio_tokens": audio}
    if long or draw(st.booleans()):
        details["cache_write_tokens_details"] = {"ttl_30m_tokens": short, "ttl_12h_tokens": long}
    return {
        f"{into}_tokens": text + cached + short + long + audio,
        f"{into}_tokens_details": details,
        f"{out}_tokens": spoken + thought + output_audio,
        f"{out}_tokens_details": {"reasoning_tokens": thought, "audio_tokens": output_audio},
    }


@st.composite
def anthropic_reports(draw: st.DrawFn) -> dict[str, Any]:
    short, long = draw(few), draw(few)
    return {
        "input_tokens": draw(few),
        "cache_read_input_tokens": draw(few),
        "cache_creation_input_tokens": short + long,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": draw(few),
        "server_tool_use": {"web_search_requests": draw(st.integers(0, 50))},
    }


@given(openai_reports())
def test_openais_totals_are_taken_apart_without_a_rest(report):
    counted = usage.from_openai(report)

    assert counted.flag == ""
    assert counted.tokens.total_input == report.get("prompt_tokens", report.get("input_tokens"))
    assert counted.tokens.total_output == report.get("completion_tokens", report.get("output_tokens"))
    assert min(astuple(counted.tokens)) >= 0


@given(anthropic_reports())
def test_anthropics_parts_add_up_to_all_that_was_sent(report):
    counted = usage.from_anthropic(report)

    sent = report["input_tokens"] + report["cache_read_input_tokens"] + report["cache_creation_input_tokens"]
    assert (counted.flag, counted.tokens.total_input) == ("", sent)
    assert counted.tokens.total_output == report["output_tokens"]


@given(anthropic_reports(), st.lists(anthropic_reports(), max_size=3))
def test_what_other_models_used_is_beside_the_totals_never_in_them(report, others):
    rows = [{**other, "type": "message", "model": f"model-{number}"} for number, other in enumerate(others)]
    whole = {**report, "iterations": rows}

    assert usage.from_anthropic(whole).tokens == usage.from_anthropic(report).tokens
    assert [used.tokens.total_input for _, used in usage.side_usages(whole)] == [
        usage.from_anthropic(other).tokens.total_input for other in others
    ]


def exactly(spent: Usage, prices: PriceSheet) -> Fraction | None:
    """The published rules once more, in fractions: another road to the same figure."""
    tokens = spent.tokens
    is_long = prices.long_context_tokens is not None and tokens.total_input > prices.long_context_tokens
    rates = (prices.long_rates if is_long else prices.rates).get(spent.service_tier or STANDARD)
    total = Fraction(0)
    for bucket in BUCKETS:
        count, rate = getattr(tokens, bucket), getattr(rates, bucket) if rates else None
        if count and rate is None:
            return None
        total += count * Fraction(rate or 0)
    total *= Fraction(prices.geographies.get(spent.geography, Decimal(1)))
    if not tokens.web_searches:
        return total
    search = prices.per_call.get("web_search")
    return None if search is None else total + tokens.web_searches * Fraction(search)


def generated(count: int) -> list[Usage]:
    """Requests of all sizes, seeded: the same ones each time."""
    chance = random.Random(20261127)

    def tokens() -> int:
        return chance.choice([0, 0, 1, chance.randrange(100), chance.randrange(10_000), chance.randrange(1_000_000)])

    return [
        Usage(
            tokens=TokenCounts(
                input=tokens(),
                cache_read=tokens(),
                cache_write=tokens(),
                cache_write_long=tokens(),
                output=tokens(),
                web_searches=chance.choice([0, 0, 0, 1, 7]),
            ),
            service_tier=chance.choice(["", "", "batch", "flex", "priority"]),
            geography=chance.choice(["", "", "us", "eu"]),
        )
        for _ in range(count)
    ]


def test_a_hundred_thousand_requests_cost_the_sum_of_their_parts_and_that_is_exact():
    chance = random.Random(1)
    total, parts, exact, unpriced = Decimal(0), dict.fromkeys((*BUCKETS, "web_searches"), Decimal(0)), Fraction(0), 0
    for spent in generated(MANY):
        prices = chance.choice(PRICED).prices
        cost, expected = pricing.cost(spent, prices), exactly(spent, prices)
        if cost.amount is None or expected is None:
            assert (cost.amount, expected) == (None, None)
            unpriced += 1
            continue
        total += cost.amount
        exact += expected
        for bucket, amount in cost.breakdown.items():
            parts[bucket] += amount

    assert total == sum(parts.values())
    assert Fraction(total) == exact
    assert MANY // 10 < unpriced < MANY * 9 // 10  # neither is rare


def test_ten_thousand_bills_add_up_line_by_line():
    accountant, chance = Accountant(CATALOG, baseline_model="gpt-6.1-sol"), random.Random(2)
    baseline = paid = cached = rest = Decimal(0)
    for spent in generated(10_000):
        model = chance.choice(PRICED)
        bill = accountant.paid(model, chance.choice(list(RoutingMode)), spent)
        if bill.saved_usd is None or bill.prompt_cache_saved_usd is None or bill.cost.amount is None:
            continue
        dear = pricing.cost(accounting.without_prompt_cache(spent), model.prices).amount
        assert dear is not None
        assert bill.baseline_usd is not None
        baseline, paid = baseline + bill.baseline_usd, paid + bill.cost.amount
        cached, rest = cached + bill.prompt_cache_saved_usd, rest + (bill.baseline_usd - dear)

    assert baseline == paid + cached + rest > 0
