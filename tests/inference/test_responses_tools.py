"""Tools of the Responses API at other providers: results that show something, and choices among the tools."""

from typing import Any

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError
from inference.domain import Ask, Format
from inference.providers.kinds import dialects_of
from inference.wire import responses
from inference.wire.http import Head
from tests.inference.anthropic_kit import ABLE
from tests.inference.asks import openai_model
from tests.inference.typed import response_of

CLAUDE = dialects_of("anthropic", api_key="k", name="anthropic")[Format.RESPONSES]
GROQ = dialects_of("compatible", api_key="k", name="groq")[Format.RESPONSES]
CAMERA = {"type": "function", "name": "camera", "parameters": {"type": "object"}}
CLOCK = {"type": "function", "name": "clock", "parameters": {"type": "object"}}
PICTURE, PAPER = "data:image/png;base64,AA", "data:application/pdf;base64,BB"
SHOWN = [
    {"type": "input_text", "text": "Before:"},
    {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
    {"type": "input_text", "text": "After:"},
    {"type": "input_file", "filename": "a.pdf", "file_data": PAPER},
]


def ask(**fields: Any) -> Ask:
    return responses.read(orjson.dumps({"model": "any", "input": "Hi", **fields}), Head("req_1", 0.0))


def at_claude(**fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(CLAUDE.call(ask(**fields), ABLE).body)
    return body


def at_groq(**fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(GROQ.call(ask(**fields), openai_model()).body)
    return body


def call(call_id: str, name: str = "camera") -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}


def result(call_id: str, output: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_tool_shows_stands_in_its_result_in_the_same_order_at_claude(stream):
    turns = [{"role": "user", "content": "Look."}, call("c1"), result("c1", SHOWN)]

    body = at_claude(input=turns, tools=[CAMERA], stream=stream)

    assert body["messages"][-1] == {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "content": [
                    {"type": "text", "text": "Before:"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
                    {"type": "text", "text": "After:"},
                    {
                        "type": "document",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": "BB"},
                        "title": "a.pdf",
                    },
                ],
            }
        ],
    }


def test_an_address_of_a_picture_is_passed_on_in_a_result():
    shown = [{"type": "input_image", "image_url": "https://example.com/a.png"}]

    body = at_claude(input=[call("c1"), result("c1", shown)], tools=[CAMERA])

    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    assert body["messages"][-1]["content"][0]["content"] == [picture]


@pytest.mark.parametrize("stream", [False, True])
def test_what_tools_show_follows_their_results_where_those_hold_texts_only(stream):
    both = [call("c1"), call("c2"), result("c1", SHOWN), result("c2", SHOWN[1:2])]
    asked = [{"role": "user", "content": "Look."}, *both, {"role": "user", "content": "And?"}]

    told = at_groq(input=asked, tools=[CAMERA], stream=stream)["messages"]

    picture = {"type": "image_url", "image_url": {"url": PICTURE, "detail": "auto"}}
    assert told[2:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "Before:\nAfter:"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Attached to the result of c1:"},
                picture,
                {"type": "file", "file": {"file_data": PAPER, "filename": "a.pdf"}},
                {"type": "text", "text": "Attached to the result of c2:"},
                picture,
            ],
        },
        {"role": "user", "content": "And?"},
    ]


def test_what_a_tool_showed_is_told_before_the_next_call():
    told = at_groq(input=[call("c1"), result("c1", SHOWN), call("c2"), result("c2", "ten")], tools=[CAMERA])["messages"]

    assert [message["role"] for message in told] == ["assistant", "tool", "user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_image", "file_id": "f"}, "input[1].output[0].file_id"),
        ({"type": "input_image"}, "input[1].output[0].image_url"),
        ({"type": "input_file", "file_url": "https://x"}, "input[1].output[0].file_url"),
        ({"type": "input_video"}, "input[1].output[0].type"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(part, param):
    with pytest.raises(InvalidRequestError) as refused:
        at_claude(input=[call("c1"), result("c1", [part])], tools=[CAMERA])

    assert refused.value.param == param


def test_a_question_with_shown_results_goes_to_models_that_see():
    shown = ask(input=[call("c1"), result("c1", SHOWN)], tools=[CAMERA]).sketch

    kinds = [part["type"] for message in shown["messages"] for part in message["content"] if isinstance(part, dict)]
    assert kinds == ["text", "image_url", "text", "file"]


def allowed(mode: str | None, *names: str) -> dict[str, Any]:
    named = [{"type": "function", "name": name} for name in names]
    return {"type": "allowed_tools", "tools": named, **({"mode": mode} if mode else {})}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("mode", "claudes", "others"), [("auto", "auto", "auto"), ("required", "any", "required"), (None, "auto", "auto")]
)
def test_only_the_allowed_tools_are_offered(mode, claudes, others, stream):
    fields: dict[str, Any] = {"tools": [CAMERA, CLOCK], "tool_choice": allowed(mode, "clock"), "stream": stream}

    claude, groq = at_claude(**fields), at_groq(**fields)

    assert [tool["name"] for tool in claude["tools"]] == ["clock"]
    assert claude["tool_choice"] == {"type": claudes}
    assert [tool["function"]["name"] for tool in groq["tools"]] == ["clock"]
    assert groq["tool_choice"] == others


def test_allowed_tools_are_offered_in_the_order_they_were_described_in():
    body = at_groq(tools=[CAMERA, CLOCK], tool_choice=allowed("auto", "clock", "camera"))

    assert [tool["function"]["name"] for tool in body["tools"]] == ["camera", "clock"]


def test_an_answer_repeats_what_was_allowed():
    fields: dict[str, Any] = {"tools": [CAMERA, CLOCK], "tool_choice": allowed("auto", "clock")}
    message = {
        "id": "msg_1",
        "model": "claude-2026",
        "content": [{"type": "tool_use", "id": "t1", "name": "clock", "input": {}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 5, "output_tokens": 3},
    }

    told = response_of(orjson.loads(CLAUDE.completion(orjson.dumps(message), ask(**fields)).body))

    assert told["tool_choice"] == fields["tool_choice"]
    assert [tool["name"] for tool in told["tools"]] == ["camera", "clock"]
    assert told["output"][0]["name"] == "clock"


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        (allowed("never", "clock"), "tool_choice.mode"),
        (allowed("auto"), "tool_choice.tools"),
        ({"type": "allowed_tools", "mode": "auto"}, "tool_choice.tools"),
        ({"type": "allowed_tools", "tools": "clock"}, "tool_choice.tools"),
        ({"type": "allowed_tools", "tools": ["clock"]}, "tool_choice.tools[0]"),
        (allowed("auto", "clock", "radio"), "tool_choice.tools[1].name"),
        (allowed("auto", ""), "tool_choice.tools[0].name"),
        ({"type": "allowed_tools", "tools": [{"type": "custom", "name": "x"}]}, "tool_choice.tools[0].type"),
        ({"type": "allowed_tools", "tools": [{"type": ["x"]}]}, "tool_choice.tools[0].type"),
    ],
)
def test_a_choice_that_allows_what_is_not_there_is_refused_by_name(choice, param):
    with pytest.raises(InvalidRequestError) as refused:
        at_claude(tools=[CAMERA, CLOCK], tool_choice=choice)

    assert refused.value.param == param


def test_a_custom_tool_is_refused_by_its_own_name():
    with pytest.raises(InvalidRequestError) as refused:
        at_claude(tools=[CAMERA, {"type": "custom", "name": "shell"}])

    assert refused.value.param == "tools[1].type"
    assert "the custom tool 'shell'" in refused.value.message
    assert "a function" in refused.value.message
