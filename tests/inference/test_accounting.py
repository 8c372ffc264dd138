"""The baseline is what was paid and what was saved, line by line, to the last digit."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.principal import Principal
from accounts.scopes import Scope
from acron_site.lib.money import total
from analytics.events import CostStatus, EventKind, EventStatus, TokenCounts
from caching.protocols import Namespace
from inference import accounting, catalog, facts, fallback_price, pricing
from inference.accounting import Accountant, Bill
from inference.domain import Answer, Route, RoutingMode, Usage
from inference.facts import Visit
from inference.prices import UNPRICED
from tests.inference.kit import ask

CATALOG = catalog.load(Path(__file__).parents[2] / "config" / "models.yaml", {}, mock=False)
ACCOUNTANT = Accountant(CATALOG, baseline_model="gpt-6.1-sol")
ADA = Principal(UUID(int=1), frozenset({Scope.INFER}), key_id=UUID(int=11))


def paid(model: str, mode: RoutingMode = RoutingMode.EXPLICIT, /, *, usage: Usage | None = None, **tokens: int) -> Bill:
    return ACCOUNTANT.paid(CATALOG.find(model), mode, usage or Usage(tokens=TokenCounts(**tokens)))


def usd(amount: str | int) -> Decimal:
    return Decimal(amount)


# claude-sonnet-5-5: 2 in, 0.1 read, 2.5 and 4 written, 10 out
@pytest.mark.parametrize(
    ("tokens", "cost", "baseline", "cached"),
    [
        ({"input": 1000, "output": 100}, "0.003", "0.003", "0"),
        ({"cache_read": 1_000_000}, "0.1", "2", "1.9"),
        ({"cache_write": 1_000_000}, "2.5", "2", "-0.5"),
        ({"cache_write_long": 1_000_000}, "4", "2", "-2"),
    ],
)
def test_the_baseline_knows_no_prompt_cache_and_its_saving_may_be_negative(tokens, cost, baseline, cached):
    bill = paid("claude-sonnet-5-5", **tokens)

    assert bill.cost.amount == usd(cost)
    assert (bill.baseline_usd, bill.prompt_cache_saved_usd, bill.saved_usd) == (usd(baseline), usd(cached), usd(cached))


def test_a_discounted_tier_is_saved_apart_from_the_prompt_cache():
    usage = Usage(tokens=TokenCounts(cache_read=1_000_000), service_tier="batch")

    bill = paid("claude-opus-5-5", usage=usage)

    # in the batch tier a million costs 2 uncached and 0.1 cached; the baseline is 4
    assert (bill.cost.amount, bill.prompt_cache_saved_usd) == (usd("0.1"), usd("1.9"))
    assert (bill.baseline_usd, bill.saved_usd) == (usd(4), usd("3.9"))


def test_long_context_prices_hold_for_the_uncached_comparison_too():
    bill = paid("claude-haiku-5-5", input=50_000, cache_read=50_001)

    # above 100,000 tokens: 0.5 in, 0.05 cached
    assert bill.prompt_cache_saved_usd == 50_001 * (usd("0.0000005") - usd("0.00000005"))


def test_an_automatic_choice_is_compared_with_the_baseline_model_without_a_cache():
    bill = paid("claude-haiku-5-5", RoutingMode.AUTOPILOT, input=1000, cache_read=9000, output=100)

    assert bill.baseline_model == "gpt-6.1-sol"
    assert bill.baseline_usd == 10_000 * usd("0.000002") + 100 * usd("0.00001")


counts = st.integers(0, 1_000_000)
usages = st.builds(
    Usage,
    tokens=st.builds(
        TokenCounts,
        **dict.fromkeys(("input", "cache_read", "cache_write", "cache_write_long", "output", "web_searches"), counts),
    ),
    service_tier=st.sampled_from(["", "batch", "flex", "priority"]),
    geography=st.sampled_from(["", "us", "eu"]),
)


@given(usages, st.sampled_from([model.name for model in CATALOG.chat_models()]), st.sampled_from(RoutingMode))
def test_the_baseline_is_paid_and_prompt_cache_and_rest_exactly(usage, name, mode):
    bill = paid(name, mode, usage=usage)

    if bill.cost.amount is None or bill.baseline_usd is None or bill.prompt_cache_saved_usd is None:
        return
    model = CATALOG.find(name)
    # routing and tier: what the same tokens would cost uncached here, against there
    dear = pricing.cost(accounting.without_prompt_cache(usage), model.prices).amount
    assert dear is not None
    rest = bill.baseline_usd - dear
    assert bill.baseline_usd == bill.cost.amount + bill.prompt_cache_saved_usd + rest
    assert bill.saved_usd == bill.prompt_cache_saved_usd + rest


def test_a_hit_avoids_the_uncached_price_and_leaves_nothing_to_the_providers_cache():
    usage = Usage(tokens=TokenCounts(cache_read=1_000_000))

    bill = ACCOUNTANT.hit(CATALOG.find("claude-sonnet-5-5"), RoutingMode.EXPLICIT, usage)

    assert (bill.cost.amount, bill.saved_usd, bill.prompt_cache_saved_usd) == (usd(0), usd(2), usd(0))


def test_another_model_in_a_call_is_priced_at_its_own_prices():
    usage = Usage(tokens=TokenCounts(input=1000, cache_read=1000, output=100))

    name, bill = ACCOUNTANT.side(CATALOG.find("claude-opus-5-5"), "claude-haiku-5-5-20261001", usage)

    assert name == "claude-haiku-5-5"
    assert bill.cost.amount == paid("claude-haiku-5-5", usage=usage).cost.amount
    assert bill.baseline_model == "claude-haiku-5-5"


def test_another_model_that_nobody_knows_has_no_price_and_is_told():
    told: list[tuple[str, str]] = []
    accountant = Accountant(CATALOG, alert=lambda model, reason: told.append((model, reason)))

    name, bill = accountant.side(CATALOG.find("claude-opus-5-5"), "claude-advisor", Usage(tokens=TokenCounts(input=1)))

    assert (name, bill.cost.amount, bill.cost.status) == ("claude-advisor", None, CostStatus.UNPRICED)
    assert (bill.baseline_usd, bill.saved_usd, bill.prompt_cache_saved_usd) == (None, None, None)
    assert told == [("claude-advisor", "no price for input (standard): add it to the models file")]


def test_what_has_no_price_is_charged_to_budgets_at_the_fallback_price():
    accountant = Accountant(CATALOG, fallback=fallback_price.per_million(usd(3), usd(15)))
    unknown = replace(CATALOG.find("gpt-6.1-sol"), prices=UNPRICED)
    usage = Usage(tokens=TokenCounts(input=1000, cache_read=1000, output=100))

    bill = accountant.paid(unknown, RoutingMode.EXPLICIT, usage)

    assert (bill.cost.amount, bill.cost.status) == (None, CostStatus.UNPRICED)
    assert bill.charged_usd == usd("0.0075")
    assert ACCOUNTANT.paid(unknown, RoutingMode.EXPLICIT, usage).charged_usd is None
    assert accountant.paid(CATALOG.find("gpt-6.1-sol"), RoutingMode.EXPLICIT, usage).charged_usd == usd("0.0031")


def visit() -> Visit:
    return Visit(ADA, ask(), Namespace(ADA.organization_id), b"", reads=True, writes=True)


def test_the_rows_of_a_request_share_its_id_and_add_up_to_its_cost():
    main, used = CATALOG.find("claude-opus-5-5"), Usage(tokens=TokenCounts(input=1000))
    route = Route(main, RoutingMode.EXPLICIT, "asked for by name")
    started = facts.of_start(
        visit(), route, "anthropic", attempt=1, money=facts.money(used, paid("claude-opus-5-5", usage=used))
    )
    answer = replace(started, status=EventStatus.OK)

    name, bill = ACCOUNTANT.side(main, "claude-haiku-5-5", used)
    side = facts.of_side(answer, name, used, bill)
    overhead = facts.of_overhead(
        visit(), CATALOG.find("text-embedding-3-small"), used,
        ACCOUNTANT.overhead(CATALOG.find("text-embedding-3-small"), used), reason="embedding",
    )  # fmt: skip

    assert len({answer.event_id, side.event_id, overhead.event_id}) == 3
    assert {answer.request_id, side.request_id, overhead.request_id} == {"req_test"}
    assert [row.kind for row in (answer, side, overhead)] == [EventKind.ANSWER, EventKind.SIDE, EventKind.OVERHEAD]
    assert (side.model, side.attempt, side.provider) == ("claude-haiku-5-5", answer.attempt, "anthropic")
    assert total(row.cost_usd for row in (answer, side, overhead)) == usd("0.00412")
    assert Answer(answer, sides=(side,)).cost_usd == Answer(answer, sides=(side,)).baseline_usd == usd("0.0041")
    assert Answer(answer, sides=(replace(side, cost_usd=None),)).cost_usd is None
    assert (overhead.saved_usd, overhead.baseline_cost_usd) == (None, None)
