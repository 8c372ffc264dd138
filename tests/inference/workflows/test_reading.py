"""Workflows as callers write them: what is taken, and what the refusal names."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acron_site.lib.errors import AcronError, InvalidRequestError
from inference.domain import Ask, RoutingMode
from inference.wire import chat, embeddings, messages, native
from inference.wire.http import Head
from inference.workflows import graph, reading
from inference.workflows.reading import Flow
from tests.inference.workflows.kit import infer, step

HEAD = Head(request_id="req_test", started=0.0)


def asked(workflow: Any, **fields: Any) -> Ask:
    body = orjson.dumps({"workflow": workflow, **fields})
    return native.read(body, HEAD, default_mode=RoutingMode.AUTOPILOT)


def flow(*steps: Any, **fields: Any) -> Flow:
    found = reading.flow_of(asked({"steps": list(steps)}, **fields))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("workflow", "param"),
    [
        (5, "workflow"),
        ("automatic", "workflow"),
        ([], "workflow"),
        ({}, "workflow.steps"),
        ({"steps": {}}, "workflow.steps"),
        ({"steps": []}, "workflow.steps"),
        ({"steps": [7]}, "workflow.steps[0]"),
        ({"steps": [step("a")], "outputs": "a"}, "workflow.outputs"),
        ({"steps": [step("a")], "output": "b"}, "workflow.output"),
        ({"steps": [step("a")], "output": 1}, "workflow.output"),
        ({"steps": [{"prompt": "a"}]}, "workflow.steps[0].id"),
        ({"steps": [{"id": 1, "prompt": "a"}]}, "workflow.steps[0].id"),
        ({"steps": [{"id": "a b", "prompt": "a"}]}, "workflow.steps"),
        ({"steps": [{"id": "a"}]}, "workflow.steps[0].prompt"),
        ({"steps": [step("a"), step("b", promt="x")]}, "workflow.steps[1].promt"),
        ({"steps": [{"id": "a", "messages": "x"}]}, "workflow.steps[0].messages"),
        ({"steps": [{"id": "a", "messages": [{"role": "robot"}]}]}, "workflow.steps[0].messages[0].role"),
        ({"steps": [step("a", depends_on="b")]}, "workflow.steps[0].depends_on"),
        ({"steps": [step("a", depends_on=["b"])]}, "workflow.steps"),
        ({"steps": [step("a", depends_on=["a"])]}, "workflow.steps"),
        ({"steps": [step("a", "{{b}}"), step("b", "{{a}}")]}, "workflow.steps"),
        ({"steps": [step("a", "{{nobody}}")]}, "workflow.steps"),
        ({"steps": [step("a"), step("a")]}, "workflow.steps"),
        ({"steps": [step(f"s{n}") for n in range(1000)]}, "workflow.steps"),
        ({"steps": [step("a", "x" * 1_000_001)]}, "workflow.steps"),
        ({"steps": [step("a", model=3)]}, "workflow.steps[0].model"),
        ({"steps": [step("a", quality_preference="best")]}, "workflow.steps[0].quality_preference"),
        ({"steps": [step("a", tags="doc:1")]}, "workflow.steps[0].tags"),
        ({"steps": [step("a", tags=[""])]}, "workflow.steps[0].tags"),
        ({"steps": [step("a", temperature=9)]}, "temperature"),
    ],
)
def test_what_is_wrong_is_named(workflow, param):
    with pytest.raises(AcronError) as caught:
        reading.flow_of(asked(workflow))

    assert caught.value.param == param
    assert caught.value.status in (400, 413)


@pytest.mark.parametrize("field", ["prompt", "messages"])
def test_a_question_beside_the_steps_is_refused(field):
    with pytest.raises(AcronError) as caught:
        asked({"steps": [step("a")]}, **{field: [{"role": "user", "content": "x"}] if field == "messages" else "x"})

    assert caught.value.param == field


def test_chat_completions_name_their_own_fields():
    body = {"model": "auto", "messages": [], "acron": {"workflow": {"steps": [step("a"), step("b", "{{c}}")]}}}

    with pytest.raises(AcronError) as caught:
        reading.flow_of(chat.read(orjson.dumps(body), HEAD))

    assert caught.value.param == "acron.workflow.steps"


@pytest.mark.parametrize("field", [{"tools": [{"type": "function"}]}, {"n": 2}])
def test_steps_answer_in_words_and_once(field):
    body = {"model": "auto", "messages": [], "acron": {"workflow": {"steps": [step("a")]}}, **field}

    with pytest.raises(AcronError) as caught:
        reading.flow_of(chat.read(orjson.dumps(body), HEAD))

    assert caught.value.param in field


def test_beside_steps_chat_messages_say_only_what_all_of_them_begin_with():
    body = {"model": "auto", "messages": [{"role": "user", "content": "x"}], "acron": {"workflow": {"steps": []}}}

    with pytest.raises(AcronError) as caught:
        chat.read(orjson.dumps(body), HEAD)

    assert caught.value.param == "messages[0]"


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (messages.read, {"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}),
        (embeddings.read, {"model": "an-embedding", "input": "x"}),
    ],
)
def test_other_formats_take_no_workflow(read, body):
    with pytest.raises(AcronError) as caught:
        read(orjson.dumps({**body, "acron": {"workflow": "auto"}}), HEAD)

    assert caught.value.param == "acron.workflow"


def test_a_step_says_what_the_request_does_not():
    found = flow(
        step("a"),
        step("b", model="mock-large", temperature=0, task_type="code", system="Be brief."),
        system="You are a pilot.",
        max_tokens=50,
        quality_threshold=4,
    )

    a, b = found.asks["a"], found.asks["b"]
    assert (a.mode, a.quality_threshold, a.body["max_tokens"]) == (RoutingMode.AUTOPILOT, 4, 50)
    assert [message["content"] for message in a.body["messages"]] == ["You are a pilot.", "do a"]
    assert (b.mode, b.model_requested, b.body["model"], b.task_type) == (
        *(RoutingMode.EXPLICIT, "mock-large", "mock-large", "code"),
    )
    assert [message["content"] for message in b.body["messages"]] == ["You are a pilot.", "Be brief.", "do b"]
    assert b.body["temperature"] == 0


def test_references_are_filled_in_every_text_of_a_step_and_nowhere_else():
    parts = [{"type": "text", "text": "see {{a}}"}, {"type": "image_url", "image_url": {"url": "{{a}}"}}]
    asked_first = {"role": "assistant", "content": "{{a}}?"}
    found = flow(
        step("a"),
        {"id": "b", "messages": [{"role": "user", "content": parts}, asked_first]},
        system="{{a}}",
    )

    texts = graph.filled(found.graph.by_id["b"], {"a": "{{b}}"})
    made = reading.filled(found, found.graph.by_id["b"], texts)

    assert made.body["messages"] == [
        {"role": "system", "content": "{{a}}"},
        {"role": "user", "content": [{"type": "text", "text": "see {{b}}"}, parts[1]]},
        {"role": "assistant", "content": "{{b}}?"},
    ]


@given(text=st.text(alphabet="ab{}\\ \n", max_size=40))
def test_an_escaped_text_is_itself_again_when_it_is_filled(text):
    escaped = graph.Step("s", (graph.escaped(text),))

    assert graph.filled(escaped, {}) == (text,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "prompt", "messages", "depends_on", "steps", "model"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(workflow=JSON)
def test_whatever_is_sent_is_read_or_refused(workflow):
    with suppress(InvalidRequestError):
        reading.flow_of(asked({"steps": workflow}))


async def test_an_unknown_model_is_refused_before_any_step_is_paid_for(kit, writer):
    answer = await infer(kit, {"workflow": {"steps": [step("a", model="mock-small"), step("b", model="gpt-99")]}})

    assert (answer.status, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert "'b'" in answer.json()["error"]["message"]
    assert writer.asked == []


async def test_a_step_that_is_nested_too_deeply_is_refused(kit, writer):
    nested = b'{"a":' * 300 + b"1" + b"}" * 300
    body = b'{"workflow":{"steps":[{"id":"a","messages":[{"role":"user","content":[{"type":"x","y":%b}]}]}]},' % nested

    answer = await infer(kit, body + b'"model_override":"mock-small"}')

    assert answer.status == 400
    assert "nested" in answer.json()["error"]["message"]
    assert writer.asked == []


def test_what_all_steps_begin_with_is_bounded_by_how_often_it_is_sent():
    steps = [step(f"s{n}") for n in range(100)]

    with pytest.raises(AcronError) as caught:
        flow(*steps, system="x" * 100_000)

    assert (caught.value.status, caught.value.param) == (413, "workflow.steps")
    assert len(flow(*steps[:10], system="x" * 100_000).asks) == 10


def test_a_conversation_is_never_parted():
    turns = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Ask."},
        {"role": "user", "content": "1. What is rain?\n2. Who was Faust?"},
    ]

    assert reading.flow_of(asked("auto", messages=turns)) is None
    assert reading.flow_of(asked("auto", messages=turns[2:])) is not None
