"""A rolled key goes on where the old one is: through the gateway, with one budget and one minute for both."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.limits.domain import Subject
from accounts.limits.limiter import Limiter
from accounts.limits.redis import RedisCounters
from accounts.limits.refusals import BudgetExceededError
from accounts.principal import KeyRules, Principal
from acron_site.lib.errors import RateLimitedError
from acron_site.lib.ids import uuid7
from acron_site.lib.redis_links import Links
from tests.inference.kit import ADA, Kit, ask


@pytest.fixture
def told() -> dict[UUID, Decimal]:
    """What the ledger says was spent, by the first key of a family."""
    return {}


@pytest.fixture
async def limiter(told: dict[UUID, Decimal]) -> AsyncIterator[Limiter]:
    def spent(subject: Subject, _: object) -> Decimal:
        return told.get(subject.id, Decimal(0))

    links = Links(os.environ["REDIS_URL"], timeout_seconds=0.25)
    limiter = Limiter(RedisCounters(links), spent=spent, pauses_seconds=())
    yield limiter
    await limiter.close()
    await links.close()


@pytest.fixture
def kit(limiter: Limiter) -> Kit:
    return Kit(limiter=limiter)


def chain(**rules: Any) -> tuple[Principal, Principal, Principal]:
    """A key, the one it was rolled into, and the one after that."""
    first = replace(ADA, key_id=uuid7(), rules=KeyRules(**rules))
    second, third = (replace(first, key_id=uuid7(), family_id=first.key_id) for _ in range(2))
    return first, second, third


async def test_they_share_the_requests_of_a_minute(kit):
    for each in (keys := chain(requests_per_minute=3)):
        await kit.answer(each, ask())

    for each in keys:
        with pytest.raises(RateLimitedError):
            await kit.answer(each, ask())


async def test_they_share_the_tokens_of_a_minute(kit):
    old, new, _ = chain(tokens_per_minute=1000)
    first = await kit.answer(old, ask(max_tokens=900))
    assert first.limits is not None

    after = await kit.answer(new, ask("something else", max_tokens=1))

    assert after.limits is not None
    assert int(after.limits["x-ratelimit-remaining-tokens"]) < 1000 - first.facts.tokens.total_output


async def test_rolling_gives_no_second_budget(kit):
    keys = chain(monthly_budget_usd=Decimal("0.1"))
    answered, refused = [], 0
    for turn in range(60):
        try:
            asked = ask(f"{turn}: tell me about rivers", model="mock-large", max_tokens=1000)
            answered.append(await kit.answer(keys[turn % 3], asked))
        except BudgetExceededError:
            refused += 1

    assert {each.facts.key_id for each in answered} == {key.key_id for key in keys}
    assert sum(each.facts.cost_usd or 0 for each in answered) <= Decimal("0.1")
    assert refused > 0


async def test_a_rolled_keys_budget_begins_with_what_its_family_has_spent(kit, told):
    first, _, third = chain(monthly_budget_usd=Decimal(1))
    assert first.key_id is not None
    told[first.key_id] = Decimal("0.99")

    with pytest.raises(BudgetExceededError, match=r"\$0.99 of \$1 are spent"):
        await kit.answer(third, ask(model="mock-large", max_tokens=2000))


async def test_a_rolled_key_is_told_what_its_family_has_spent(kit, told):
    first, second, _ = chain()
    assert first.key_id is not None
    told[first.key_id] = Decimal("0.25")

    standing = await kit.gateway.allowances.standing(second)

    assert standing is not None
    assert standing.spent_usd == Decimal("0.25")


async def test_keys_of_other_families_share_nothing(kit):
    for each in (chain(requests_per_minute=1)[0], chain(requests_per_minute=1)[1]):
        await kit.answer(each, ask())
