"""A key with a budget may call a model without a price when the operator names a price for that case."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.limits.domain import Subject
from accounts.limits.limiter import Limiter
from accounts.limits.refusals import BudgetExceededError
from accounts.principal import KeyRules, Principal
from accounts.scopes import Scope
from accounts.services import api_keys
from acron_site.lib.config import Config, Governance
from acron_site.lib.ids import uuid7
from analytics.events import CostStatus, TokenCounts
from inference import budgets, fallback_price
from inference.allowances import UnpricedModelError
from inference.fallback_price import NONE, FallbackPrice
from inference.wiring import Parts
from tests.accounts.conftest import signed_up
from tests.analytics.facts import keep, paid_answer
from tests.inference.kit import ADA, Kit, ask

DEAR = fallback_price.per_million(Decimal(1_000_000), Decimal(2_000_000))  # a dollar a token in, two out


def kit(fallback: FallbackPrice) -> Kit:
    return Kit(limiter=Limiter(None, spent=lambda subject, since: Decimal(0)), fallback=fallback)


def budget(usd: str) -> Principal:
    return replace(ADA, key_id=uuid7(), rules=KeyRules(monthly_budget_usd=Decimal(usd)))


async def test_without_one_a_key_with_a_budget_is_refused():
    with pytest.raises(UnpricedModelError, match="no price is known for mock-unpriced"):
        await kit(NONE).answer(budget("1000000"), ask(model="mock-unpriced"))


async def test_with_one_it_is_served_and_the_ledger_still_says_unpriced():
    answer = await kit(DEAR).answer(budget("1000000"), ask(model="mock-unpriced", max_tokens=50))

    assert (answer.facts.cost_usd, answer.facts.cost_status) == (None, CostStatus.UNPRICED)


async def test_the_budget_is_charged_what_was_used_at_that_price():
    gateway, ada = kit(DEAR), budget("10000")
    answer = await gateway.answer(ada, ask(model="mock-unpriced", max_tokens=50))

    standing = await gateway.gateway.allowances.standing(ada)

    tokens = answer.facts.tokens
    assert standing is not None
    assert standing.spent_usd == tokens.total_input + 2 * tokens.total_output


async def test_a_budget_that_the_fallback_would_pass_is_not_passed():
    with pytest.raises(BudgetExceededError):
        await kit(DEAR).answer(budget("50"), ask(model="mock-unpriced", max_tokens=50))


@pytest.mark.parametrize(
    ("into", "out", "expected"),
    [("0", "0", None), ("3", "15", "0.0045"), ("0", "15", "0.0015"), ("0.5", "0", "0.0005")],
)
def test_every_token_has_its_direction_s_price(into, out, expected):
    tokens = TokenCounts(input=400, cache_read=300, cache_write=200, input_audio=100, output=60, output_audio=40)

    cost = fallback_price.per_million(Decimal(into), Decimal(out)).cost(tokens)

    assert cost == (None if expected is None else Decimal(expected))


def test_the_settings_name_it():
    governance = Governance(unpriced_input_usd_per_million=Decimal("2.5"), unpriced_output_usd_per_million=Decimal(10))

    assert Parts(Config(governance=governance)).fallback_price == FallbackPrice(
        Decimal("0.0000025"), Decimal("0.00001")
    )
    assert not Parts(Config()).fallback_price.is_set


@pytest.mark.django_db(transaction=True)
def test_a_budget_made_anew_from_the_ledger_counts_it_too():
    ada = signed_up("Ada")
    key = api_keys.create(ada.actor, "batch", scopes=[Scope.INFER]).key
    month = datetime(2026, 11, 1, tzinfo=UTC)
    settled: dict[str, Any] = {"key_id": key.pk, "tokens": TokenCounts(input=100, cache_read=10, output=7)}
    keep(
        paid_answer(key.organization_id, **settled, cost_usd=Decimal("0.25")),
        paid_answer(key.organization_id, **settled, cost_usd=None, cost_status=CostStatus.UNPRICED),
    )

    def spent(fallback: FallbackPrice) -> Decimal:
        with ThreadPoolExecutor(max_workers=1) as thread:
            subject = Subject(key.organization_id, "key", key.pk)
            return thread.submit(budgets.spent, subject, month, fallback=fallback).result()

    assert spent(NONE) == Decimal("0.25")
    assert spent(DEAR) == Decimal("0.25") + 110 + 14
