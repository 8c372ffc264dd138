"""What is tried when a provider fails: how often, where, and what the caller and the ledger are told."""

import asyncio

import orjson
import pytest

from acron_site.lib.errors import (
    AcronError,
    OverloadedError,
    RateLimitedError,
    UpstreamError,
    UpstreamNotReachedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from analytics.events import CostStatus, EventStatus
from inference.calling import CallPolicy
from inference.resilience.retries import Failure
from inference.wire import sse
from tests.inference.kit import ADA, Kit, ask, bytes_of, events_of, stream_of, text_of
from tests.inference.script import END, HELLO, PARIS, WHOLE_STREAM, Scene, Script, refused, streamed

QUICK = CallPolicy(longest_wait_seconds=0.0)


def kit_with(*scenes: Scene, policy: CallPolicy = QUICK, mock: bool = False) -> Kit:
    return Kit(transport=Script(*scenes), call_policy=policy, mock=mock)


@pytest.mark.parametrize(
    "scene",
    [
        refused(500),
        refused(503),
        Scene(raises=UpstreamUnreachableError("away")),
        Scene(raises=UpstreamError("reset")),
        Scene(pieces=(b"<html>",)),
        Scene(pieces=(b"",)),
    ],
)
async def test_a_passing_failure_is_not_seen_by_the_caller(scene):
    kit = kit_with(scene, Scene())

    answer = await kit.answer(ADA, ask())

    assert text_of(answer) == "Paris."
    assert answer.facts.attempt == 2
    assert answer.facts.route_reason.startswith("tried again after ")
    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.ERROR, EventStatus.OK]


@pytest.mark.parametrize(("status", "code"), [(400, 400), (404, 404), (413, 413), (422, 400)])
async def test_a_request_that_the_provider_refuses_is_not_repeated(status, code):
    kit = kit_with(refused(status))

    with pytest.raises(AcronError) as caught:
        await kit.answer(ADA, ask())

    assert caught.value.status == code
    assert len(kit.transport.calls) == 1


async def test_nobody_is_asked_more_than_three_times():
    kit = kit_with(refused(500))

    with pytest.raises(UpstreamError) as caught:
        await kit.answer(ADA, ask())

    assert len(kit.transport.calls) == 3
    assert caught.value.headers["x-acron-attempts"] == "3"
    assert [row.attempt for row in kit.ledger.rows.values()] == [1, 2, 3]
    assert all(row.cost_usd == 0 for row in kit.ledger.rows.values())


async def test_a_silent_provider_is_not_asked_again():
    kit = kit_with(Scene(raises=UpstreamTimeoutError("too late")))

    with pytest.raises(UpstreamTimeoutError):
        await kit.answer(ADA, ask())

    assert len(kit.transport.calls) == 1


async def test_a_call_that_could_not_connect_in_time_costs_nothing():
    kit = kit_with(Scene(raises=UpstreamNotReachedError("too late")))

    with pytest.raises(UpstreamTimeoutError):
        await kit.answer(ADA, ask())

    assert [row.cost_usd for row in kit.ledger.rows.values()] == [0]


async def test_a_pause_that_a_busy_provider_asks_for_is_told_to_the_caller_when_it_is_long():
    kit = kit_with(refused(429, retry_after="60"))

    with pytest.raises(RateLimitedError) as caught:
        await kit.answer(ADA, ask())

    assert caught.value.headers["Retry-After"] == "60"
    assert len(kit.transport.calls) == 1


async def test_a_short_pause_is_made():
    kit = kit_with(refused(429, retry_after="0"), Scene(), policy=CallPolicy(longest_wait_seconds=1.0))

    answer = await kit.answer(ADA, ask())

    assert answer.facts.attempt == 2


async def test_the_model_that_the_request_names_as_fallback_answers():
    kit = kit_with(refused(401), Scene())

    answer = await kit.answer(ADA, ask(acron={"fallbacks": ["mock-large"]}))

    assert kit.transport.models == ["mock-small", "mock-large"]
    assert answer.facts.model == "mock-large"
    assert answer.facts.route_reason == "fallback: mock-small failed (upstream_error)"


async def test_a_fallback_is_no_retry_that_would_have_to_be_saved_up_for():
    count = 20
    kit = kit_with(*(scene for _ in range(count) for scene in (refused(401), Scene())))

    answers = [await kit.answer(ADA, ask(f"{n}?", acron={"fallbacks": ["mock-large"]})) for n in range(count)]

    assert {answer.facts.model for answer in answers} == {"mock-large"}


async def test_an_answer_of_a_fallback_is_not_kept_for_the_model_that_was_asked_for():
    kit = kit_with(refused(401), Scene(), Scene())
    await kit.answer(ADA, ask(acron={"fallbacks": ["mock-large"]}))

    again = await kit.answer(ADA, ask())

    assert again.facts.cache_status == "MISS"
    assert again.facts.model == "mock-small"


async def test_a_fallback_that_does_not_exist_is_named_at_once():
    kit = kit_with(Scene())

    with pytest.raises(AcronError) as caught:
        await kit.answer(ADA, ask(acron={"fallbacks": ["mock-larg"]}))

    assert (caught.value.code, caught.value.param) == ("model_not_found", "acron.fallbacks")
    assert kit.transport.calls == []


async def test_an_explicit_request_gets_no_other_model_by_itself():
    kit = kit_with(refused(401))

    with pytest.raises(UpstreamError):
        await kit.answer(ADA, ask())

    assert kit.transport.models == ["mock-small"]


async def test_an_automatic_choice_goes_on_to_the_next_best_model():
    kit = kit_with(refused(401), Scene(), mock=True)

    answer = await kit.answer(ADA, ask(model="auto"))

    first, second = kit.transport.models
    assert first != second
    assert answer.facts.model == second


async def test_a_model_that_rests_is_not_asked():
    kit = kit_with(Scene())
    kit.switchboard.resting = {"mock-small"}

    with pytest.raises(OverloadedError) as caught:
        await kit.answer(ADA, ask())

    assert caught.value.headers["Retry-After"] == "7"
    assert kit.transport.calls == []
    assert kit.ledger.rows == {}


async def test_while_a_model_rests_an_automatic_choice_takes_another():
    kit = kit_with(Scene(), mock=True)
    usual = (await kit.answer(ADA, ask(model="auto"))).facts.model
    kit.switchboard.resting = {usual}

    answer = await kit.answer(ADA, ask("another question", model="auto"))

    assert answer.facts.model != usual


async def test_while_a_model_rests_its_fallback_says_whom_it_stands_in_for():
    kit = kit_with(Scene())
    kit.switchboard.resting = {"mock-small"}

    answer = await kit.answer(ADA, ask(acron={"fallbacks": ["mock-medium"]}))

    assert answer.facts.model == "mock-medium"
    assert answer.facts.route_reason == "fallback: mock-small takes no such call at present"


async def test_a_stream_that_fails_before_its_first_event_is_begun_again():
    kit = kit_with(streamed(b"", breaks=UpstreamError("reset")), streamed())

    answer = await kit.answer(ADA, ask(stream=True))

    events = await events_of(answer)
    assert [event["choices"][0]["delta"].get("content") for event in events] == ["", "Paris.", None]
    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.ERROR, EventStatus.OK]


async def test_a_stream_is_not_begun_again_after_its_first_event():
    kit = kit_with(streamed(HELLO, PARIS, breaks=UpstreamError("reset")), streamed())

    answer = await kit.answer(ADA, ask(stream=True))

    told = await bytes_of(answer)
    assert orjson.loads(told.split(b"\n\n")[-2].removeprefix(b"data: "))["error"]["code"] == "upstream_error"
    assert b"[DONE]" not in told
    assert len(kit.transport.calls) == 1
    assert kit.ledger.last.cost_status is CostStatus.ESTIMATED


async def test_a_stream_that_is_long_in_coming_is_answered_at_once_and_then_told():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(waits_for=go)), keep_alive_seconds=0.01)

    answer = await kit.answer(ADA, ask(stream=True))
    status = stream_of(answer).facts.status
    go.set()
    told = await bytes_of(answer)

    assert status is EventStatus.STARTED
    assert told == b"".join([*WHOLE_STREAM[:3], sse.DONE])
    assert stream_of(answer).facts.status is EventStatus.OK


async def test_a_stream_that_fails_after_a_long_wait_ends_with_the_error():
    go = asyncio.Event()
    scene = streamed(waits_for=go, raises=UpstreamTimeoutError("too late"))
    kit = Kit(transport=Script(scene), keep_alive_seconds=0.01)

    answer = await kit.answer(ADA, ask(stream=True))
    go.set()
    told = await bytes_of(answer)

    assert b'"upstream_timeout"' in told
    assert b"[DONE]" not in told


async def test_who_leaves_while_a_stream_is_long_in_coming_is_recorded():
    kit = Kit(transport=Script(streamed(waits_for=asyncio.Event())), keep_alive_seconds=0.01)
    answer = await kit.answer(ADA, ask(stream=True))

    await stream_of(answer).aclose()

    assert kit.ledger.last.status is EventStatus.CLIENT_GONE


async def test_the_ends_of_calls_are_told_to_the_switchboard():
    kit = kit_with(refused(500), streamed(HELLO, PARIS, END))

    await bytes_of(await kit.answer(ADA, ask(stream=True)))

    assert kit.switchboard.ends == [Failure.TRANSIENT, None]
