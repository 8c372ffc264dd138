"""Identical requests at the same time share one provider call; a retry under an Idempotency-Key is not billed twice."""

import asyncio
import gc
from typing import Any

import orjson
import pytest

from acron_site.lib.errors import AcronError, ConflictError, UpstreamError
from analytics.events import CostStatus, EventStatus
from inference.calling import CallPolicy
from inference.domain import Answer
from inference.streaming import Relay
from tests.inference.kit import ADA, MALLORY, Kit, Present, ask, events_of, stream_of, text_of
from tests.inference.script import HELLO, PARIS, Scene, Script, refused, streamed


def gated(**fields: Any) -> tuple[asyncio.Event, Scene]:
    go = asyncio.Event()
    return go, Scene(waits_for=go, **fields)


async def turns(count: int = 50) -> None:
    """Lets whatever can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def under_way(kit: Kit, *askings: Any) -> list["asyncio.Task[Answer]"]:
    """The requests, once each waits for a provider."""
    tasks = [asyncio.ensure_future(asking) for asking in askings]
    await turns()
    assert kit.transport.calls
    return tasks


async def test_a_thousand_identical_requests_are_one_call_and_a_thousand_rows():
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    tasks = await under_way(kit, *(kit.answer(ADA, ask()) for _ in range(1000)))

    go.set()
    answers = await asyncio.gather(*tasks)

    assert {text_of(answer) for answer in answers} == {"Paris."}
    assert len(kit.transport.calls) == 1
    rows = list(kit.ledger.rows.values())
    assert len(rows) == 1000
    assert sorted({row.cache_status for row in rows}) == ["COALESCED", "MISS"]
    assert sum(1 for row in rows if row.cost_usd) == 1
    assert {row.saved_usd for row in rows if row.cache_status == "COALESCED"} == {rows[0].cost_usd}


async def test_three_hundred_identical_streams_are_one_call():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(holds_for=go)))
    answers = await asyncio.gather(*(kit.answer(ADA, ask(stream=True)) for _ in range(300)))

    go.set()
    told = await asyncio.gather(*(events_of(answer) for answer in answers))

    assert len(kit.transport.calls) == 1
    assert all(events == told[0] for events in told)
    assert len(kit.ledger.rows) == 300
    assert {row.status for row in kit.ledger.rows.values()} == {EventStatus.OK}


async def test_two_organizations_share_nothing():
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    tasks = await under_way(kit, kit.answer(ADA, ask()), kit.answer(MALLORY, ask()))

    go.set()
    answers = await asyncio.gather(*tasks)

    assert len(kit.transport.calls) == 2
    assert {answer.facts.cache_status for answer in answers} == {"MISS"}


async def test_the_others_are_served_when_the_first_hangs_up():
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    caller = Present()
    _, *others = await under_way(kit, kit.answer(ADA, ask(), caller), *(kit.answer(ADA, ask()) for _ in range(2)))

    caller.hang_up()
    await asyncio.sleep(0)
    go.set()
    answers = await asyncio.gather(*others)

    assert [text_of(answer) for answer in answers] == ["Paris.", "Paris."]
    assert len(kit.transport.calls) == 1


async def test_the_others_see_the_whole_stream_when_the_first_hangs_up():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(holds_for=go)))
    first, other = [await kit.answer(ADA, ask(stream=True)) for _ in range(2)]

    await stream_of(first).aclose()
    go.set()
    events = await events_of(other)

    assert events[1]["choices"][0]["delta"] == {"content": "Paris."}
    assert len(kit.transport.calls) == 1


async def test_when_all_hang_up_the_call_ends_and_each_is_recorded():
    kit = Kit(transport=Script(streamed(holds_for=asyncio.Event())))
    answers = [await kit.answer(ADA, ask(stream=True)) for _ in range(3)]

    for answer in answers:
        await stream_of(answer).aclose()

    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.CLIENT_GONE] * 3
    assert sum(1 for row in kit.ledger.rows.values() if row.cost_usd) == 1


async def test_a_failure_is_told_to_all_and_asked_for_once():
    go = asyncio.Event()
    kit = Kit(
        transport=Script(Scene(waits_for=go, raises=UpstreamError("away"))), call_policy=CallPolicy(max_attempts=1)
    )
    tasks = await under_way(kit, *(kit.answer(ADA, ask()) for _ in range(50)))

    go.set()
    failures = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(failure, UpstreamError) for failure in failures)
    assert len(kit.transport.calls) == 1
    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.ERROR] * 50


async def test_a_stream_that_breaks_off_ends_for_all_with_the_error():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(HELLO, PARIS, holds_for=go, breaks=UpstreamError("reset"))))
    answers = [await kit.answer(ADA, ask(stream=True)) for _ in range(2)]

    go.set()
    told = [b"".join([piece async for piece in stream_of(answer)]) for answer in answers]

    assert all(b'"upstream_error"' in each and b"[DONE]" not in each for each in told)
    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.ERROR] * 2


@pytest.mark.parametrize("wish", [{"temperature": 0.7}, {"head": {"cache_control": "no-store"}}])
async def test_who_wants_an_answer_of_their_own_gets_one(wish):
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    tasks = await under_way(kit, kit.answer(ADA, ask(**wish)), kit.answer(ADA, ask(**wish)))

    go.set()
    await asyncio.gather(*tasks)

    assert len(kit.transport.calls) == 2


async def test_a_stream_is_not_told_to_who_waits_for_a_whole_answer_but_its_entry_is():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(holds_for=go)))
    stream = await kit.answer(ADA, ask(stream=True))
    whole = asyncio.ensure_future(kit.answer(ADA, ask()))

    go.set()
    await events_of(stream)

    assert text_of(await whole) == "Paris."
    assert len(kit.transport.calls) == 1


async def test_a_retry_under_the_same_key_is_answered_without_another_call():
    kit = Kit(transport=Script(Scene()))
    wish = {"temperature": 0.7, "head": {"idempotency_key": "k-1"}}
    first = await kit.answer(ADA, ask(**wish))

    again = await kit.answer(ADA, ask(**wish))

    assert again.body == first.body
    assert again.facts.route_reason == "the same Idempotency-Key was answered before"
    assert again.facts.cost_usd == 0
    assert len(kit.transport.calls) == 1


async def test_a_retry_while_the_first_is_under_way_waits_for_its_answer():
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    wish = {"temperature": 0.7, "head": {"idempotency_key": "k-1"}}
    tasks = await under_way(kit, kit.answer(ADA, ask(**wish)), kit.answer(ADA, ask(**wish)))

    go.set()
    first, again = await asyncio.gather(*tasks)

    assert first.body == again.body
    assert len(kit.transport.calls) == 1


async def test_a_retry_finds_the_answer_of_a_caller_who_hung_up():
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    wish = {"temperature": 0.7, "head": {"idempotency_key": "k-1"}}
    caller = Present()
    await under_way(kit, kit.answer(ADA, ask(**wish), caller))
    caller.hang_up()
    await asyncio.sleep(0)

    go.set()
    again = await kit.answer(ADA, ask(**wish))

    assert text_of(again) == "Paris."
    assert len(kit.transport.calls) == 1


async def test_a_stream_under_a_key_is_told_again():
    kit = Kit(transport=Script(streamed()))
    wish = {"stream": True, "temperature": 0.7, "head": {"idempotency_key": "k-1"}}

    first, again = [await events_of(await kit.answer(ADA, ask(**wish))) for _ in range(2)]

    def text(events: list[dict[str, Any]]) -> str:
        return "".join(event["choices"][0]["delta"].get("content") or "" for event in events)

    assert text(first) == text(again) == "Paris."
    assert len(kit.transport.calls) == 1


async def test_another_request_under_the_same_key_is_refused():
    kit = Kit(transport=Script(Scene()))
    await kit.answer(ADA, ask(head={"idempotency_key": "k-1"}))

    with pytest.raises(ConflictError):
        await kit.answer(ADA, ask("Something else?", head={"idempotency_key": "k-1"}))


async def test_another_organization_has_keys_of_its_own():
    kit = Kit(transport=Script(Scene()))
    await kit.answer(ADA, ask(head={"idempotency_key": "k-1"}))

    theirs = await kit.answer(MALLORY, ask("Something else?", head={"idempotency_key": "k-1"}))

    assert theirs.facts.cache_status == "MISS"


async def test_a_failure_leaves_the_key_free_for_another_try():
    kit = Kit(transport=Script(refused(400), Scene()))
    with pytest.raises(AcronError):
        await kit.answer(ADA, ask(head={"idempotency_key": "k-1"}))

    again = await kit.answer(ADA, ask(head={"idempotency_key": "k-1"}))

    assert text_of(again) == "Paris."


async def test_a_key_that_is_too_long_is_refused():
    with pytest.raises(AcronError) as caught:
        await Kit().answer(ADA, ask(head={"idempotency_key": "k" * 256}))

    assert (caught.value.status, caught.value.param) == (400, "Idempotency-Key")


async def test_where_calls_are_carried_to_their_end_the_exact_usage_of_who_left_is_known():
    go = asyncio.Event()
    kit = Kit(transport=Script(streamed(holds_for=go)), drains=True)
    answer = await kit.answer(ADA, ask(stream=True, temperature=0.7))

    await stream_of(answer).aclose()
    go.set()
    await turns()

    row = kit.ledger.last
    assert (row.status, row.cost_status, row.tokens.output) == (EventStatus.CLIENT_GONE, CostStatus.PRICED, 2)


async def test_a_kept_answer_is_the_same_for_those_who_waited_and_those_who_come_later():
    go, scene = gated()
    kit = Kit(transport=Script(scene))
    tasks = await under_way(kit, kit.answer(ADA, ask()), kit.answer(ADA, ask()))
    go.set()
    first, second = await asyncio.gather(*tasks)

    later = await kit.answer(ADA, ask())

    assert text_of(first) == text_of(second) == text_of(later)
    assert len({orjson.loads(answer.body)["id"] for answer in (first, second, later)}) == 3
    assert later.facts.cache_status == "HIT-T1"


@pytest.mark.parametrize("is_read", [True, False], ids=["read to its end", "left at once"])
async def test_a_stream_that_is_over_does_not_wait_for_the_collector(is_read: bool):
    kit = Kit(transport=Script(streamed()))
    gc.collect()
    gc.disable()  # it comes seldom, and answers may be large
    try:
        answer = await kit.answer(ADA, ask(stream=True))
        if is_read:
            await events_of(answer)
        await stream_of(answer).aclose()
        del answer
        await turns()

        left = [each for each in gc.get_objects() if type(each) is Relay]
    finally:
        gc.enable()

    assert left == []


async def test_only_if_cached_finds_what_is_kept_under_a_key_too():
    kit = Kit(transport=Script(Scene()))
    await kit.answer(ADA, ask())

    found = await kit.answer(ADA, ask(head={"cache_control": "only-if-cached", "idempotency_key": "k-1"}))

    assert found.facts.cache_status == "HIT-T1"
