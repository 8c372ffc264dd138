"""What a key is held to: models, requests, tokens and money."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from accounts.limits.limiter import Limiter
from accounts.limits.refusals import BudgetExceededError
from accounts.limits.spending import LedgerUnreadableError
from accounts.principal import Principal
from acron_site.lib.errors import AcronError, NoModelsAvailableError, OverloadedError, RateLimitedError
from analytics.events import EventStatus
from inference.allowances import UnpricedModelError
from inference.domain import Answer, Ask, CacheStatus
from inference.providers.mock import MockTransport
from inference.routing.router import ModelNotAllowedError
from tests.inference.kit import ADA, Kit, ask, events_of
from tests.inference.ruled import budget, charged, key


@pytest.fixture
def kit(limiter: Limiter) -> Kit:
    return Kit(limiter=limiter, mock=True)


# models


async def test_a_model_that_the_key_may_not_use_is_refused_with_those_it_may(kit):
    with pytest.raises(ModelNotAllowedError, match="may not use mock-large; it may use mock-medium, small") as refused:
        await kit.answer(key(models=frozenset({"small", "mock-medium"})), ask(model="mock-large"))

    assert (refused.value.status, refused.value.code) == (403, "model_not_allowed")
    assert kit.ledger.opened == 0


@pytest.mark.parametrize(("allowed", "asked"), [("small", "mock-small"), ("mock-small", "small")])
async def test_an_alias_is_as_good_as_the_name(kit, allowed, asked):
    answer = await kit.answer(key(models=frozenset({allowed})), ask(model=asked))

    assert answer.facts.model == "mock-small"


async def test_the_choice_is_made_among_the_allowed_models(kit):
    free = await kit.answer(ADA, ask(model="auto"))
    bound = await kit.answer(key(models=frozenset({"mock-large"})), ask(model="auto"))

    assert (free.facts.model, bound.facts.model) == ("far-away", "mock-large")


async def test_an_answer_chosen_for_one_list_of_models_is_not_given_to_another(kit):
    asked, large = ask(model="auto"), frozenset({"mock-large"})
    await kit.answer(ADA, asked)
    first = await kit.answer(key(models=large), asked)
    same_list = await kit.answer(key(models=large), asked)
    other_list = await kit.answer(key(models=large | {"mock-medium"}), asked)

    assert first.facts.cache_status is CacheStatus.MISS
    assert (same_list.facts.cache_status, same_list.facts.model) == (CacheStatus.HIT_T1, "mock-large")
    assert (other_list.facts.cache_status, other_list.facts.model) == (CacheStatus.MISS, "mock-medium")


async def test_a_kept_answer_of_a_model_that_is_not_allowed_is_not_given_either(kit):
    await kit.answer(ADA, ask(model="mock-large"))

    with pytest.raises(ModelNotAllowedError):
        await kit.answer(key(models=frozenset({"mock-small"})), ask(model="mock-large"))


async def test_when_no_allowed_model_can_be_chosen_the_refusal_says_so(kit):
    with pytest.raises(NoModelsAvailableError, match="none of the models that this key may use"):
        await kit.answer(key(models=frozenset({"mock-unpriced"})), ask(model="auto"))


# requests and tokens


async def test_hits_count_as_requests(kit):
    ada = key(requests_per_minute=2)
    first, second = await kit.answer(ada, ask()), await kit.answer(ada, ask())

    with pytest.raises(RateLimitedError) as refused:
        await kit.answer(ada, ask())

    assert second.facts.cache_status is CacheStatus.HIT_T1
    assert [each.limits["x-ratelimit-remaining-requests"] for each in (first, second)] == ["1", "0"]
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "0"


async def test_a_hit_that_is_streamed_tells_how_the_limits_stand(kit):
    ada = key(requests_per_minute=3)
    await kit.answer(ada, ask())

    streamed = await kit.answer(ada, ask(stream=True))

    assert streamed.facts.cache_status is CacheStatus.HIT_T1
    assert streamed.limits["x-ratelimit-remaining-requests"] == "1"


async def test_tokens_are_counted_as_used_and_hits_use_none(kit, limiter):
    ada = key(tokens_per_minute=1000)
    first = await kit.answer(ada, ask(max_tokens=500))
    await charged(limiter)
    second = await kit.answer(ada, ask(max_tokens=500))

    used = 1000 - int(second.limits["x-ratelimit-remaining-tokens"])
    tokens = first.facts.tokens
    assert second.facts.cache_status is CacheStatus.HIT_T1
    assert used == tokens.total_input + tokens.total_output < 500


async def test_a_key_without_rules_is_told_of_no_limits(kit):
    assert (await kit.answer(ADA, ask())).limits is None


# money


async def test_500_requests_at_once_never_pass_a_budget(limiter):
    """Three waves, plain and streamed, from two workers; then one after another, as what was held comes back."""
    kits = [Kit(limiter=limiter, transport=MockTransport(latency_scale=0.2)) for _ in range(2)]
    ada = budget("1")

    refused = []
    for wave in range(3):
        asks = [
            ask(f"{wave}: tell me about {n}", model="mock-large", max_tokens=200, stream=n % 2 == 0) for n in range(500)
        ]
        outcomes = await asyncio.gather(*(told(kits[n % 2], ada, each) for n, each in enumerate(asks)))
        refused += [each for each in outcomes if isinstance(each, BudgetExceededError)]
    for number in count():
        last = await told(kits[0], ada, ask(f"the rest: {number}", model="mock-large", max_tokens=200))
        if isinstance(last, BudgetExceededError):
            break

    rows = [row for kit in kits for row in kit.ledger.rows.values()]
    bill = sum((row.cost_usd for row in rows if row.cost_usd is not None), Decimal(0))
    assert all(row.status is EventStatus.OK for row in rows)
    assert Decimal("0.9") <= bill <= 1
    assert len(rows) + len(refused) == 1500 + number
    assert "$1 are spent" in last.message


async def told(kit: Kit, principal: Principal, asked: Ask) -> Any:
    try:
        answer = await kit.answer(principal, asked)
    except BudgetExceededError as error:
        return error
    return await events_of(answer) if answer.stream else answer


async def test_hits_cost_nothing_of_a_budget_that_is_used_up(kit):
    asked = ask(model="mock-large", max_tokens=100)
    await kit.answer(ADA, asked)

    answer = await kit.answer(budget("0.0001"), asked)

    assert answer.facts.cache_status is CacheStatus.HIT_T1


async def test_a_refusal_says_what_is_left_and_what_the_call_may_cost(kit):
    with pytest.raises(BudgetExceededError, match=r"\$0 of \$0.001 are spent .* may cost up to \$0.08") as refused:
        await kit.answer(budget("0.001"), ask(model="mock-large"))

    assert (refused.value.status, refused.value.code) == (429, "budget_exceeded")
    assert kit.ledger.opened == 0


async def test_the_actual_cost_is_charged_to_the_last_digit(kit, limiter):
    ada = budget("1")
    answer = await kit.answer(ada, ask(model="mock-large"))
    await charged(limiter)

    with pytest.raises(BudgetExceededError) as refused:
        await kit.answer(ada, ask("x" * 300_000, model="mock-large"))

    assert f"${answer.facts.cost_usd:f}".rstrip("0") + " of $1 are spent" in refused.value.message


async def test_without_a_limit_of_its_own_an_answer_gets_one_that_the_budget_was_asked_for(limiter):
    sent: list[bytes] = []

    class Listening(MockTransport):
        async def send(self, call: Any) -> Any:
            sent.append(call.body)
            return await super().send(call)

    kit = Kit(limiter=limiter, transport=Listening(latency_scale=0))
    await kit.answer(budget("1"), ask("one"))
    await kit.answer(budget("1"), ask("two", max_completion_tokens=7))
    await kit.answer(key(requests_per_minute=9), ask("three"))

    assert b'"max_tokens":4096' in sent[0]
    assert b"max_tokens" not in sent[1].replace(b"max_completion_tokens", b"")
    assert b"max_tokens" not in sent[2]


@pytest.mark.parametrize("model", ["mock-error", "mock-429"])
async def test_a_call_that_was_refused_costs_nothing(limiter, model):
    kit = Kit(limiter=limiter)
    # these two have no price in the tests' catalogue: lend them one
    kit.gateway._router.catalog._by_name[model] = replace(
        kit.catalog.find(model), prices=kit.catalog.find("mock-large").prices
    )
    ada = budget("0.1")

    for _ in range(5):
        with pytest.raises(AcronError):
            await kit.answer(ada, ask(model=model, max_tokens=2000))
        await charged(limiter)

    await kit.answer(ada, ask(model="mock-large", max_tokens=2000))


async def test_a_caller_who_leaves_a_stream_pays_for_what_was_written(limiter):
    kit, ada = Kit(limiter=limiter, transport=MockTransport(latency_scale=0.05)), budget("0.1")
    for turn in range(5):
        answer = await kit.answer(ada, ask(f"{turn}", model="mock-large", max_tokens=4000, stream=True))
        assert answer.stream is not None
        await anext(aiter(answer.stream))
        await answer.stream.aclose()
        await charged(limiter)

    assert {row.status for row in kit.ledger.rows.values()} == {EventStatus.CLIENT_GONE}


async def test_a_stream_that_breaks_off_is_charged_with_what_came(kit, limiter):
    ada = budget("0.05")
    for turn in range(5):
        await told_to_the_end(await kit.answer(ada, ask(f"{turn}", model="mock-cut-stream", stream=True)))
        await charged(limiter)

    assert len(kit.ledger.rows) == 5


async def test_a_model_without_a_price_is_closed_to_keys_with_a_budget(kit):
    with pytest.raises(UnpricedModelError, match="no price is known for mock-unpriced") as refused:
        await kit.answer(budget("1"), ask(model="mock-unpriced"))

    assert (refused.value.status, refused.value.code) == (403, "model_not_priced")
    await kit.answer(key(tokens_per_minute=1000), ask(model="mock-unpriced"))


async def test_test_keys_spend_nothing(kit):
    ada = replace(budget("0.0001"), is_test=True)

    for turn in range(3):
        await kit.answer(ada, ask(f"{turn}", model="mock-large"))


async def test_when_nobody_knows_what_was_spent_nothing_more_is(kit):
    def unreadable(*_: object) -> Decimal:
        raise LedgerUnreadableError

    with pytest.raises(OverloadedError, match="what this key has spent cannot be told"):
        await Kit(limiter=Limiter(None, spent=unreadable)).answer(budget("1"), ask())


# the door


async def told_to_the_end(answer: Answer) -> bytes:
    assert answer.stream is not None
    return b"".join([piece async for piece in answer.stream])
