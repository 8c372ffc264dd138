"""Reading Responses requests: what is kept, what is sketched for the router, what is refused by name."""

from typing import Any

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Format, RoutingMode
from inference.routing.needs import needs_of
from inference.wire import responses
from inference.wire.http import Head

GOOD: dict[str, Any] = {"model": "mock-small", "input": "Name three rivers."}


def read(head: dict[str, Any] | None = None, /, **fields: Any) -> Any:
    return responses.read(orjson.dumps({**GOOD, **fields}), Head("req_1", 0.0, **(head or {})))


def test_the_body_stays_as_it_is_but_for_our_own_fields():
    asked = read({"openai_beta": "responses=v2"}, acron={"tags": {"team": "blue"}}, user="u1", truncation="auto")

    assert asked.body == {**GOOD, "user": "u1", "truncation": "auto"}
    assert (asked.format, asked.endpoint, asked.mode) == (Format.RESPONSES, "responses", RoutingMode.EXPLICIT)
    assert (asked.tags, asked.end_user) == ({"team": "blue"}, "u1")
    assert asked.passed_headers == {"openai-beta": "responses=v2"}
    assert read(model="auto").mode is RoutingMode.AUTOPILOT


def test_everything_that_is_measured_is_sketched():
    picture = {"type": "input_image", "image_url": "https://example.com/a.png"}
    paper = {"type": "input_file", "file_data": "data:application/pdf;base64,AA"}
    asked = read(
        instructions="Be brief.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, picture, paper]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        ],
        tools=[{"type": "function", "name": "weather"}],
        text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
        max_output_tokens=50,
        service_tier="flex",
    )

    needs = needs_of(asked.sketch)
    assert needs.capabilities == {"vision", "pdf", "tools", "json_schema"}
    assert needs.output_tokens == 50
    assert asked.sketch["service_tier"] == "flex"
    assert [message["role"] for message in asked.sketch["messages"]] == ["system", "user", "assistant", "tool"]
    assert "native_only" not in asked.sketch


def test_longer_prompts_are_estimated_longer():
    tokens = [needs_of(read(input=text).sketch).input_tokens for text in ("x" * 40, "x" * 400)]

    assert tokens == [12, 102]


@pytest.mark.parametrize(
    ("fields", "is_native", "is_cached"),
    [
        ({}, False, True),
        ({"tools": [{"type": "function", "name": "f"}]}, False, True),
        (
            {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "user", "content": "x"}]},
            False,
            True,
        ),
        ({"include": ["reasoning.encrypted_content"]}, True, True),
        ({"tools": [{"type": "custom", "name": "f"}]}, True, True),
        ({"input": [{"type": "custom_tool_call_output", "call_id": "c", "output": "x"}]}, True, True),
        ({"tools": [{"type": "web_search"}]}, True, False),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, True, False),
        ({"previous_response_id": "resp_1"}, True, False),
        ({"conversation": {"id": "conv_1"}}, True, False),
        ({"background": True}, True, False),
        ({"background": False}, False, True),
        ({"prompt": {"id": "pmpt_1"}}, True, False),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, True, False),
        ({"input": [{"id": "msg_1"}]}, True, False),
    ],
)
def test_what_only_openai_can_do_is_marked_and_what_has_a_state_is_never_cached(fields, is_native, is_cached):
    asked = read(**fields)

    assert bool(asked.sketch.get("native_only")) is is_native
    assert asked.controls.is_bypassed is not is_cached
    assert bool(asked.sketch.get("unseen_input")) is not is_cached


def test_input_may_be_left_out_where_something_else_is_to_go_on():
    document = {"model": "m", "previous_response_id": "resp_1"}

    assert responses.read(orjson.dumps(document), Head("r", 0.0)).body == document


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"type": 7}]}, "input[0].type"),
        ({"input": [{}]}, "input[0].role"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": ["user"], "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": 1}]}]}, "input[0].content"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
        ({"instructions": ["x"]}, "instructions"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": "9"}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"store": 1}, "store"),
        ({"background": "x"}, "background"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0]"),
        ({"tools": [{"type": None}]}, "tools[0]"),
        ({"text": []}, "text"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"text": {"format": {"type": 5}}}, "text.format.type"),
        ({"reasoning": "high"}, "reasoning"),
        ({"include": "x"}, "include"),
        ({"include": [1]}, "include"),
        ({"conversation": 5}, "conversation"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"user": {}}, "user"),
        ({"acron": {"nonsense": 1}}, "acron.nonsense"),
    ],
)
def test_what_is_wrong_is_refused_by_name(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        read(**fields)

    assert refused.value.param == param
