"""The Responses API over chat completions: requests there, answers back, nothing lost without a word."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acron_site.lib.errors import InvalidRequestError, UpstreamError
from inference.domain import Ask
from inference.providers.anthropic import AnthropicDialect
from inference.providers.openai import OpenAIDialect
from inference.providers.translated import TranslatedDialect
from inference.wire import responses
from inference.wire.http import Head
from inference.wire.responses_chat import ResponsesTranslation
from tests.inference.asks import anthropic_model, openai_model
from tests.inference.typed import response_of

DIALECT = TranslatedDialect(ResponsesTranslation(), OpenAIDialect(api_key="k", name="groq"))
FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
SCHEMA = {"type": "json_schema", "name": "river", "schema": {"type": "object"}, "strict": True}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": '{"city":"Bonn"}'}
CHAT_CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bonn"}'}}


def ask(**fields: Any) -> Ask:
    return responses.read(orjson.dumps({"model": "any", "input": "Hi", **fields}), Head("req_1", 0.0))


def sent(**fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(
        DIALECT.call(ask(**fields), openai_model(capabilities=frozenset({"sampling", "streaming", "reasoning"}))).body
    )
    return body


def messages(*items: dict[str, Any], **fields: Any) -> Any:
    return sent(input=list(items), **fields)["messages"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"messages": [{"role": "user", "content": "Hi"}]}),
        ({"max_output_tokens": 99}, {"max_completion_tokens": 99}),
        ({"temperature": 0.5, "top_p": 0.9, "user": "u"}, {"temperature": 0.5, "top_p": 0.9, "user": "u"}),
        ({"service_tier": "flex", "seed": 7, "stop": ["x"]}, {"service_tier": "flex", "seed": 7, "stop": ["x"]}),
        ({"reasoning": {"effort": "high"}}, {"reasoning_effort": "high"}),
        ({"text": {"verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": SCHEMA}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "river", "schema": {"type": "object"}, "strict": True},
                }
            },
        ),
        (
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "weather"}, "parallel_tool_calls": False},
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True},
                    }
                ],
                "tool_choice": {"type": "function", "function": {"name": "weather"}},
                "parallel_tool_calls": False,
            },
        ),
    ],
)
def test_each_field_has_its_word_in_chat_completions(fields, expected):
    body = sent(**fields)

    assert {name: body[name] for name in expected} == expected
    assert not {"input", "text", "reasoning", "max_output_tokens", "instructions"} & set(body)


def test_items_become_messages():
    told = messages(
        {"role": "developer", "content": "Speak plainly."},
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        CALL,
        {**CALL, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "sun"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        instructions="Be brief.",
    )

    assert told == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Speak plainly."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CHAT_CALL, {**CHAT_CALL, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "tool", "tool_call_id": "c2", "content": "sun"},
        {"role": "assistant", "content": None, "refusal": "No."},
    ]


def test_pictures_files_and_sounds_are_passed_on():
    sound = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    content = [
        {"type": "input_text", "text": "Look:"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "original"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
        sound,
    ]

    told = messages({"role": "user", "content": content})

    assert told[0]["content"] == [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}},
        sound,
    ]


def test_what_is_left_out_is_named():
    call = DIALECT.call(
        ask(
            store=True,
            metadata={"a": "b"},
            truncation="auto",
            include=["reasoning.encrypted_content"],
            reasoning={"effort": "low", "summary": "auto"},
        ),
        openai_model(capabilities=frozenset({"sampling", "streaming", "reasoning"})),
    )

    assert set(call.dropped) == {"store", "truncation", "include", "reasoning.summary"}
    assert not {"store", "metadata", "truncation", "include", "reasoning"} & set(orjson.loads(call.body))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"background": True}, "background"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"top_logprobs": 2}, "top_logprobs"),
    ({"include": ["message.output_text.logprobs"]}, "include"),
    ({"n": 2}, "n"),
    ({"messages": []}, "messages"),
    ({"response_format": {"type": "text"}}, "response_format"),
    ({"metadata": {"a": 1}}, "metadata"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [FUNCTION, {"type": "custom", "name": "x"}]}, "tools[1].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].name"),
    ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "tools[0].parameters"),
    ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
    ({"tool_choice": 7}, "tool_choice"),
    ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
    ({"reasoning": {"effort": 5}}, "reasoning.effort"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].id"),
    ({"input": [{"type": "computer_call"}]}, "input[0].type"),
    ({"input": [{"type": "reasoning"}]}, "input"),
    ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
    ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0].name"),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
    (
        {"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_video"}]}]},
        "input[0].output[0].type",
    ),
    ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
    ({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}, "input[0].content[0].type"),
    ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "input[0].content[0].file_id",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}]},
        "input[0].content[0].file_url",
    ),
    ({"input": [{"role": "assistant", "content": [{"type": "input_image"}]}]}, "input[0].content[0].type"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED)
def test_what_chat_cannot_express_is_refused_by_name(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        DIALECT.call(ask(**fields), openai_model(capabilities=frozenset({"sampling", "streaming", "reasoning"})))

    assert refused.value.param == param
    assert refused.value.message


WORDS = st.sampled_from(["", "x", "auto", "function", "message", "user", "input_text", "Grüße"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 2) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "text", "name", "call_id", "output", "format", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
NAMES = """input instructions tools tool_choice text reasoning include metadata store stream temperature top_p user
max_output_tokens parallel_tool_calls service_tier truncation conversation prompt background n stop"""
FIELDS = st.dictionaries(st.sampled_from(NAMES.split()), JSON, max_size=4)


@given(FIELDS)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_request_is_translated_or_refused_by_name(fields):
    try:
        asked = ask(**fields)
        call = DIALECT.call(asked, openai_model(capabilities=frozenset({"sampling", "streaming", "reasoning"})))
    except InvalidRequestError as error:
        assert error.param  # noqa: PT017 (most are refused, and then there is no more to see)
        return

    body, own = orjson.loads(call.body), {"input", "instructions", "tools", "text", "max_output_tokens"}
    assert body["messages"]
    for name, value in fields.items():
        is_told = name in own | {"reasoning", "metadata", "stream", "tool_choice", "parallel_tool_calls"}
        assert is_told or not value or name in body or name in call.dropped, name
    response_of(_answer(asked))


COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "llama-2026",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "The Rhine."}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 7,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
}


def _answer(asked: Ask, **changes: Any) -> Any:
    body = orjson.dumps({**COMPLETION, **changes})
    return orjson.loads(DIALECT.completion(body, asked).body)


def answered(message: dict[str, Any], reason: str = "stop", /, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return response_of(_answer(ask(**fields), choices=[choice]))


def test_an_answer_tells_all_that_was_asked_for():
    asked: dict[str, Any] = {
        "instructions": "Be brief.",
        "tools": [FUNCTION],
        "tool_choice": "required",
        "temperature": 0.5,
        "metadata": {"team": "blue"},
        "text": {"format": SCHEMA},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 50,
        "user": "u1",
    }

    told = answered({"content": "The Rhine."}, **asked)

    assert told["status"] == "completed"
    assert told["output"][0]["content"] == [
        {"type": "output_text", "text": "The Rhine.", "annotations": [], "logprobs": []}
    ]
    for name in ("instructions", "tool_choice", "temperature", "metadata", "max_output_tokens", "user"):
        assert told[name] == asked[name]
    assert told["tools"][0]["name"] == "weather"
    assert told["text"]["format"] == SCHEMA
    assert told["model"] == "llama-2026"
    assert told["store"] is False
    assert told["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 16,
    }


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        ({"content": "x"}, ["message"]),
        ({"content": ""}, ["message"]),
        ({"content": None, "refusal": "No."}, ["message"]),
        ({"content": "x", "reasoning_content": "hm"}, ["reasoning", "message"]),
        ({"content": "x", "reasoning": "hm"}, ["reasoning", "message"]),
        ({"content": None, "tool_calls": [CHAT_CALL, CHAT_CALL]}, ["function_call", "function_call"]),
        ({"content": "x", "tool_calls": [CHAT_CALL]}, ["message", "function_call"]),
    ],
)
def test_a_message_becomes_items(message, kinds):
    told = answered(message)

    assert [item["type"] for item in told["output"]] == kinds
    assert len({item["id"] for item in told["output"]}) == len(kinds)


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
        ("error", "incomplete", {"reason": None}),
    ],
)
def test_how_it_ended_is_told(reason, status, details):
    told = answered({"content": "x"}, reason)

    assert (told["status"], told["incomplete_details"], told["output"][0]["status"]) == (status, details, status)


@pytest.mark.parametrize(
    "choices",
    [
        [{"message": {"content": "x", "tool_calls": "no list"}}],
        [{"message": {"tool_calls": [{"function": {}}]}}],
        [{"message": {"tool_calls": [7]}}],
        [],
        [{}],
    ],
)
def test_an_answer_that_makes_no_sense_is_the_providers_failure(choices):
    with pytest.raises(UpstreamError):
        _answer(ask(), choices=choices)


def test_two_requests_have_answers_with_ids_of_their_own():
    asked = ask()

    ids = {_answer(asked)["id"], _answer(asked)["id"], _answer(replace(asked, started=1.5))["id"]}

    assert len(ids) == 2


def test_anthropic_answers_in_this_format_too():
    dialect = TranslatedDialect(ResponsesTranslation(), AnthropicDialect(api_key="k"))
    asked = ask(instructions="Be brief.", max_output_tokens=20)
    message = {
        "id": "msg_1",
        "model": "claude-2026",
        "content": [{"type": "text", "text": "The Rhine."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 3},
    }

    body = orjson.loads(dialect.call(asked, anthropic_model()).body)
    completion = dialect.completion(orjson.dumps(message), asked)

    assert (body["system"], body["max_tokens"]) == ("Be brief.", 20)
    told = response_of(orjson.loads(completion.body))
    assert told["output"][0]["content"][0]["text"] == "The Rhine."
    assert completion.finish_reasons == ("stop",)
