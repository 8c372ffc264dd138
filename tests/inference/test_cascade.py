"""Cheap models are asked first, and the strong one only where they are not to be trusted."""

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest

from acron_site.lib.errors import AcronError, UpstreamError
from analytics.events import EventKind, EventStatus
from inference.domain import Ask
from tests.inference.kit import ADA, Kit, Present, ask, bytes_of, text_of
from tests.inference.script import COMPLETION, Scene, Script, refused

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}


def said(text: str, *, reason: str = "stop", calls: Any = None) -> Scene:
    message = {"role": "assistant", "content": text} if calls is None else {"role": "assistant", "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return Scene(pieces=(orjson.dumps({**COMPLETION, "choices": [choice]}),))


def called(arguments: str, name: str = "weather") -> Scene:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return said("", reason="tool_calls", calls=[call])


def wish(cascade: Any = True, /, **fields: Any) -> Ask:
    own = {"strong": "mock-large"} if cascade is True else {"strong": "mock-large", **cascade}
    return ask(model="auto", acron={"cascade": own}, **fields)


def kit_of(*scenes: Scene) -> Kit:
    return Kit(transport=Script(*scenes), mock=True)


def rows_of(kit: Kit) -> list[tuple[EventKind, str, EventStatus]]:
    return [(row.kind, row.model, row.status) for row in kit.ledger.rows.values()]


async def test_where_two_cheap_models_agree_the_strong_one_is_not_asked():
    kit = kit_of(said("Paris."), said("It is Paris"))

    answer = await kit.answer(ADA, wish())

    assert text_of(answer) == "Paris."
    assert kit.transport.models == ["far-away", "mock-small"]
    assert answer.facts.route_reason == "cascade: far-away and mock-small agree (text)"
    assert rows_of(kit) == [
        (EventKind.OVERHEAD, "far-away", EventStatus.OK),
        (EventKind.OVERHEAD, "mock-small", EventStatus.OK),
        (EventKind.ANSWER, "far-away", EventStatus.OK),
    ]


async def test_where_they_differ_the_strong_one_answers():
    kit = kit_of(said("Paris."), said("Lyon."), said("Paris, of course."))

    answer = await kit.answer(ADA, wish())

    assert text_of(answer) == "Paris, of course."
    assert kit.transport.models == ["far-away", "mock-small", "mock-large"]
    assert answer.facts.model == "mock-large"
    assert answer.facts.route_reason == "cascade: far-away and mock-small differ (text)"


@pytest.mark.parametrize("second", [said("Paris."), said("Lyon.")])
async def test_the_request_costs_what_all_its_calls_cost_and_saves_what_is_left(second):
    kit = kit_of(said("Paris."), second, said("Paris."))

    answer = await kit.answer(ADA, wish())

    rows = list(kit.ledger.rows.values())
    assert answer.cost_usd == sum((row.cost_usd or Decimal(0) for row in rows), Decimal(0)) > 0
    assert all(row.baseline_cost_usd is None for row in rows if row.kind is EventKind.OVERHEAD)
    assert answer.facts.baseline_cost_usd == Decimal("0.00009")  # 10 tokens in and 2 out at the strong one's prices


async def test_one_that_fails_is_no_agreement_and_no_error():
    kit = kit_of(refused(400), said("Paris."), said("Paris."))

    answer = await kit.answer(ADA, wish())

    assert text_of(answer) == "Paris."
    assert answer.facts.model == "mock-large"
    assert answer.facts.route_reason == "cascade: not all of those that were asked first have answered"


@pytest.mark.parametrize("first", [said("Par", reason="length"), said("", reason="stop")])
async def test_cut_and_empty_answers_are_not_given(first):
    kit = kit_of(first, first, said("Paris."))

    answer = await kit.answer(ADA, wish())

    assert text_of(answer) == "Paris."
    assert answer.facts.model == "mock-large"


async def test_a_verified_answer_is_streamed_too():
    kit = kit_of(said("Paris."), said("Paris."))

    answer = await kit.answer(ADA, wish(stream=True))

    assert b"Paris." in await bytes_of(answer)
    assert kit.ledger.last.route_reason == "cascade: far-away and mock-small agree (exact)"


async def test_what_was_verified_is_kept_and_given_again():
    kit = kit_of(said("Paris."), said("Paris."))

    await kit.answer(ADA, wish())
    again = await kit.answer(ADA, wish())

    assert again.facts.cache_tier == 1
    assert len(kit.transport.calls) == 2


async def test_a_cascade_is_kept_apart_from_a_plain_request():
    kit = kit_of(said("Paris."))

    await kit.answer(ADA, wish())
    plain = await kit.answer(ADA, ask(model="auto"))

    assert plain.facts.cache_tier == 0


async def test_one_model_may_be_asked_twice():
    kit = kit_of(said("42"), said("42"))

    answer = await kit.answer(ADA, wish({"verify": "consistency", "models": ["mock-small"]}))

    assert kit.transport.models == ["mock-small", "mock-small"]
    assert answer.facts.route_reason == "cascade: mock-small agrees with itself (exact)"


async def test_names_are_taken_as_they_are_given():
    kit = kit_of(said("42"), said("43"), said("44"))
    named = {"models": ["mock-medium", "mock-small"], "strong": "mock-large"}

    answer = await kit.answer(ADA, wish(named))

    assert kit.transport.models == ["mock-medium", "mock-small", "mock-large"]
    assert text_of(answer) == "44"


@pytest.mark.parametrize(
    ("first", "model"),
    [
        (called('{"place": "Paris"}'), "far-away"),
        (called('{"town": "Paris"}'), "mock-large"),
        (called('{"place": 7}'), "mock-large"),
        (called('{"place": '), "mock-large"),
        (called("{}", name="whether"), "mock-large"),
    ],
)
async def test_a_call_of_a_tool_is_checked_against_its_parameters(first, model):
    kit = kit_of(first, called('{"place": "Paris"}'))

    answer = await kit.answer(ADA, wish({"verify": "format"}, tools=[WEATHER]))

    assert answer.facts.model == model


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ('{"name": "Ada", "age": 36}', "far-away"),
        ('{"name": "Ada", "age": "36"}', "mock-large"),
        ('{"name": "Ada", "age": 36, "more": 1}', "mock-large"),
        ("Ada is 36.", "mock-large"),
        ("[]", "mock-large"),
    ],
)
async def test_json_is_checked_against_its_schema(text, model):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    kit = kit_of(said(text), said('{"name": "Ada", "age": 36}'))

    answer = await kit.answer(ADA, wish({"verify": "format"}, response_format=wanted))

    assert answer.facts.model == model


@pytest.mark.parametrize("schema", [None, 7, {"type": ["string", 7, {}]}, {"required": 3}, {"$ref": "http://a.test/"}])
async def test_a_schema_that_is_none_does_no_harm(schema):
    wanted = {"type": "json_schema", "json_schema": {"name": "any", "schema": schema}}
    kit = kit_of(said('"a text"'), said("{}"))

    answer = await kit.answer(ADA, wish({"verify": "format"}, response_format=wanted))

    assert answer.facts.status is EventStatus.OK


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"tools": [WEATHER]}, "answers with tools are not compared"),
        ({"n": 2}, "answers with n are not compared"),
        ({"model": "mock-large"}, 'ask for the model "auto"'),
        ({"acron": {"cascade": {"models": ["mock-small"]}}}, "must name 2 different models"),
        ({"acron": {"cascade": {"verify": "format"}}}, "send one"),
        ({"acron": {"cascade": {"verify": "luck"}}}, "must be one of"),
        ({"acron": {"cascade": {"verfy": "format"}}}, "did you mean 'verify'"),
        ({"acron": {"cascade": "yes"}}, "must be true, false or an object"),
        ({"acron": {"cascade": {"strong": "mock-lrge"}}}, "did you mean"),
    ],
)
async def test_what_cannot_be_verified_is_refused_with_the_remedy(fields, says):
    kit = kit_of(said("Paris."))
    request = {"model": "auto", "acron": {"cascade": True}, **fields}

    with pytest.raises(AcronError, match=says):
        await kit.answer(ADA, ask(**request))

    assert kit.transport.calls == []


async def test_where_a_cascade_would_not_pay_the_model_is_asked_at_once():
    kit = kit_of(said("Paris."))

    answer = await kit.answer(ADA, ask(model="auto", acron={"cascade": True}))  # the best is the cheapest here

    assert kit.transport.models == ["far-away"]
    assert not answer.facts.route_reason.startswith("cascade")


async def test_a_caller_who_leaves_stops_all_of_it():
    waiting = asyncio.Event()
    kit = kit_of(Scene(waits_for=waiting))
    present = Present()

    answering = asyncio.create_task(kit.answer(ADA, wish(), present))
    while len(kit.transport.calls) < 2:  # noqa: ASYNC110 - the calls are not told of
        await asyncio.sleep(0)
    present.hang_up()
    with pytest.raises(asyncio.CancelledError):
        await answering

    assert [row.status for row in kit.ledger.rows.values()] == [EventStatus.CLIENT_GONE] * 2


async def test_when_all_fail_the_caller_hears_of_the_strong_one():
    kit = kit_of(Scene(raises=UpstreamError("reset")))

    with pytest.raises(UpstreamError):
        await kit.answer(ADA, wish())

    assert {row.status for row in kit.ledger.rows.values()} == {EventStatus.ERROR}
