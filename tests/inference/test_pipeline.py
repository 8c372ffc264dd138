"""The one path: what is answered, by whom, what it cost, and what the ledger says about it."""

import asyncio
from decimal import Decimal

import orjson
import pytest

from accounts.principal import Principal
from acron_site.lib.errors import (
    NoModelsAvailableError,
    RateLimitedError,
    UnknownModelError,
    UpstreamError,
)
from analytics.events import CostStatus, EventStatus
from caching.policies import Policy
from inference.domain import CacheStatus
from inference.pipeline import NotCachedError
from tests.inference.kit import ADA, MALLORY, Kit, ask, events_of, stream_of, text_of
from tests.inference.script import Scene, Script, streamed


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_the_same_request_is_paid_for_once(kit):
    first = await kit.answer(ADA, ask())

    second = await kit.answer(ADA, ask())

    assert (first.facts.cache_status, second.facts.cache_status) == (CacheStatus.MISS, CacheStatus.HIT_T1)
    assert text_of(second) == text_of(first)
    assert second.facts.cost_usd == 0
    assert second.facts.saved_usd == first.facts.cost_usd > 0
    assert kit.ledger.opened == 1
    assert len(kit.ledger.rows) == 2


async def test_another_organization_never_sees_our_answers(kit):
    await kit.answer(ADA, ask("our secret plan"))

    theirs = await kit.answer(MALLORY, ask("our secret plan"))

    assert theirs.facts.cache_status is CacheStatus.MISS
    assert kit.ledger.opened == 2


@pytest.mark.parametrize(
    "change",
    [
        {"model": "mock-medium"},
        {"messages": [{"role": "user", "content": "What is the capital of France"}]},
        {
            "messages": [
                {"role": "system", "content": "Answer in French."},
                {"role": "user", "content": "What is the capital of France?"},
            ]
        },
        {"max_tokens": 7},
        {"seed": 1},
        {"n": 2},
        {"stop": ["x"]},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        {"logprobs": True},
        {"a_field_of_tomorrow": 1},
        {"acron": {"cache": {"namespace": "other"}}},
    ],
)
async def test_whatever_shapes_the_answer_makes_it_another_request(kit, change):
    await kit.answer(ADA, ask())

    changed = await kit.answer(ADA, ask(**change))

    assert changed.facts.cache_status is CacheStatus.MISS


@pytest.mark.parametrize("change", [{"user": "u1"}, {"metadata": {"a": "b"}}, {"model": "small"}, {"temperature": 0}])
async def test_what_does_not_shape_the_answer_does_not_matter(kit, change):
    base = {"temperature": 0} if "temperature" in change else {}
    await kit.answer(ADA, ask(**base))

    again = await kit.answer(ADA, ask(**change))

    assert again.facts.cache_status is CacheStatus.HIT_T1


async def test_a_caller_who_asks_for_variety_gets_it(kit):
    await kit.answer(ADA, ask(temperature=0.7))

    again = await kit.answer(ADA, ask(temperature=0.7))

    assert again.facts.cache_status is CacheStatus.BYPASS


async def test_the_operator_may_decide_to_keep_sampled_answers():
    kit = Kit(policy=Policy(keep_sampled=True))
    await kit.answer(ADA, ask(temperature=0.7))

    again = await kit.answer(ADA, ask(temperature=0.7))

    assert again.facts.cache_status is CacheStatus.HIT_T1


@pytest.mark.parametrize(
    ("cache_control", "first", "second"),
    [
        ("", "MISS", "HIT-T1"),
        ("no-store", "BYPASS", "MISS"),
        ("no-cache", "BYPASS", "HIT-T1"),
        ("max-age=0", "MISS", "HIT-T1"),
    ],
)
async def test_cache_control_of_the_first_request_decides_what_the_second_finds(kit, cache_control, first, second):
    one = await kit.answer(ADA, ask(head={"cache_control": cache_control}))

    two = await kit.answer(ADA, ask())

    assert (one.facts.cache_status, two.facts.cache_status) == (first, second)


async def test_a_kept_answer_that_is_too_old_for_the_caller_is_asked_for_again(kit):
    await kit.answer(ADA, ask())

    fresh = await kit.answer(ADA, ask(head={"cache_control": "max-age=0"}))

    assert fresh.facts.cache_status is CacheStatus.MISS


async def test_only_if_cached_never_calls_a_provider(kit):
    with pytest.raises(NotCachedError):
        await kit.answer(ADA, ask(head={"cache_control": "only-if-cached"}))

    assert kit.ledger.rows == {}


async def test_a_time_to_live_of_zero_keeps_nothing(kit):
    await kit.answer(ADA, ask(acron={"cache": {"ttl": 0}}))

    again = await kit.answer(ADA, ask())

    assert again.facts.cache_status is CacheStatus.MISS


@pytest.mark.parametrize("fields", [{"max_tokens": 1}, {"tools": [{"type": "function"}], "n": 1, "max_tokens": 2}])
async def test_an_answer_cut_by_length_is_not_kept(kit, fields):
    await kit.answer(ADA, ask(**fields))

    again = await kit.answer(ADA, ask(**fields))

    assert again.facts.cache_status is CacheStatus.MISS


async def test_a_streamed_answer_serves_a_plain_request_and_the_other_way_round(kit):
    streamed = await events_of(await kit.answer(ADA, ask(stream=True)))
    plain = await kit.answer(ADA, ask())
    replayed = await events_of(await kit.answer(ADA, ask(stream=True)))

    def text(events):
        return "".join(event["choices"][0]["delta"].get("content") or "" for event in events)

    assert plain.facts.cache_status is CacheStatus.HIT_T1
    assert text(streamed) == text_of(plain) == text(replayed)
    assert kit.ledger.opened == 1


async def test_a_stream_shows_its_usage_only_to_those_who_ask(kit):
    asked = {"stream": True, "stream_options": {"include_usage": True}}

    shown = [await events_of(await kit.answer(ADA, ask(**asked))) for _ in range(2)]
    hidden = await events_of(await kit.answer(ADA, ask("Another question", stream=True)))

    assert all(events[-1]["usage"]["completion_tokens"] > 0 for events in shown)
    assert not any(event.get("usage") for event in hidden)
    assert kit.ledger.last.tokens.output > 0


async def test_a_stream_is_settled_at_its_end():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(holds_for=go)))
    answer = await kit.answer(ADA, ask(stream=True))
    assert kit.ledger.last.status is EventStatus.STARTED

    go.set()
    await events_of(answer)

    row = kit.ledger.last
    assert (row.status, row.cost_status) == (EventStatus.OK, CostStatus.PRICED)
    assert row.cost_usd == sum(Decimal(amount) for amount in row.cost_breakdown.values())
    assert row.first_token_ms is not None


async def test_a_caller_who_leaves_a_stream_is_recorded_and_nothing_is_kept():
    kit = Kit(transport=Script(streamed(holds_for=asyncio.Event()), Scene()))
    answer = await kit.answer(ADA, ask(stream=True))
    async for _ in stream_of(answer):
        break

    await stream_of(answer).aclose()

    assert (kit.ledger.last.status, kit.ledger.last.cost_status) == (
        EventStatus.CLIENT_GONE,
        CostStatus.ESTIMATED,
    )
    assert (await kit.answer(ADA, ask())).facts.cache_status is CacheStatus.MISS


async def test_a_caller_who_leaves_before_the_answer_is_recorded(kit):
    asking = asyncio.ensure_future(kit.answer(ADA, ask(model="mock-hang")))
    for _ in range(20):  # it runs up to the provider, which never answers
        await asyncio.sleep(0)
    assert kit.ledger.rows

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert kit.ledger.last.status is EventStatus.CLIENT_GONE
    assert kit.ledger.last.tokens.input > 0


async def test_a_stream_that_breaks_off_ends_with_an_error_and_is_not_kept(kit):
    answer = await kit.answer(ADA, ask(model="mock-cut-stream", stream=True))

    data = b"".join([piece async for piece in stream_of(answer)])

    last = orjson.loads(data.strip().split(b"\n\n")[-1].removeprefix(b"data: "))
    assert last["error"]["code"] == "upstream_error"
    assert b"[DONE]" not in data
    assert b'"finish_reason":"stop"' not in data
    assert kit.ledger.last.status is EventStatus.ERROR
    assert kit.ledger.last.cost_status is CostStatus.ESTIMATED


@pytest.mark.parametrize(("model", "error"), [("mock-error", UpstreamError), ("mock-429", RateLimitedError)])
async def test_a_refused_call_costs_nothing_and_stands_in_the_ledger(kit, model, error):
    with pytest.raises(error):
        await kit.answer(ADA, ask(model=model))

    row = kit.ledger.last
    assert (row.status, row.cost_usd, row.cost_status) == (EventStatus.ERROR, 0, CostStatus.FREE)
    assert row.error_code == error.code


async def test_an_unknown_price_is_said_and_never_zero(kit):
    answer = await kit.answer(ADA, ask(model="mock-unpriced"))

    assert (answer.facts.cost_usd, answer.facts.cost_status) == (None, CostStatus.UNPRICED)
    assert answer.facts.saved_usd is None


async def test_a_test_key_costs_nothing_and_never_shares_answers_with_live_keys(kit):
    tester = Principal(ADA.organization_id, ADA.scopes, is_test=True)
    tested, again = await kit.answer(tester, ask()), await kit.answer(tester, ask())

    live = await kit.answer(ADA, ask())

    assert again.facts.cache_status is CacheStatus.HIT_T1
    assert [(answer.facts.cost_usd, answer.facts.saved_usd) for answer in (tested, again)] == [(0, 0), (0, 0)]
    assert live.facts.cache_status is CacheStatus.MISS


async def test_an_unavailable_model_is_refused_with_the_reason(kit):
    with pytest.raises(NoModelsAvailableError, match="set ABSENT_API_KEY"):
        await kit.answer(ADA, ask(model="far-away"))


@pytest.mark.parametrize(("model", "hint"), [("mock-smal", "mock-small"), ("an-embedding", "POST /v1/embeddings")])
async def test_an_unknown_model_is_refused_with_a_hint(kit, model, hint):
    with pytest.raises(UnknownModelError, match=hint):
        await kit.answer(ADA, ask(model=model))
