"""The stand-in's own manners, which the clients lean on."""

import json

import pytest

from tests.clients import chat, faults, invention, messages
from tests.clients.exchange import Asked, Memory, Refusal
from tests.clients.invention import Heard, Tool

TOWN = {"type": "object", "properties": {"city": {"type": "string"}, "size": {"type": "integer", "maximum": 5}}}
WEATHER = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}})


def asked(path: str, **body: object) -> Asked:
    return Asked("POST", path, {"anthropic-version": "2023-06-01"}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TOWN, {"city": "Oslo", "size": 5}),
        ({"$ref": "#/$defs/town", "$defs": {"town": TOWN}}, {"city": "Oslo", "size": 5}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "Oslo"),
        ({"type": "array", "items": {"enum": ["red", "blue"]}, "minItems": 2}, ["red", "red"]),
        ({"type": ["null", "boolean"]}, True),
        ({"const": 4}, 4),
    ],
)
def test_what_is_invented_fits_the_schema(schema, value):
    assert invention.fill(schema, "How big is 'Oslo', above 30?", root=schema) == value


@pytest.mark.parametrize(
    ("heard", "cities"),
    [
        (Heard("Rome and Paris", tools=[WEATHER]), ["Paris", "Rome"]),
        (Heard("Rome and Paris", tools=[WEATHER], is_parallel=False), ["Paris"]),
        (Heard("Rome and Paris", tools=[WEATHER], choice="none"), []),
        (Heard("Rome and Paris", tools=[WEATHER], results=["18 degrees"]), []),
    ],
)
def test_tools_are_called_for_each_city_until_they_have_answered(heard, cities):
    assert [call.arguments["city"] for call in invention.answer(heard).calls] == cities


def test_usage_is_streamed_to_those_who_ask_only():
    question = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "x"}], "stream": True}

    def told(**options: object) -> bytes:
        return b"".join(chat.answer(asked("/v1/chat/completions", **question, **options), Memory()).events or ())

    assert b'"usage"' not in told()
    assert b'"completion_tokens"' in told(stream_options={"include_usage": True})


def test_a_kept_prompt_is_written_once_and_read_afterwards():
    kept = [{"type": "text", "text": "long " * 50, "cache_control": {"type": "ephemeral"}}]
    question = {"model": "claude-haiku-5-5", "max_tokens": 9, "system": kept}
    memory = Memory()

    usages = [
        messages.answer(
            asked("/v1/messages", **question, messages=[{"role": "user", "content": text}]), memory
        ).document["usage"]
        for text in ("one", "two")
    ]

    written = usages[0]["cache_creation_input_tokens"]
    assert written > 0
    assert [usage["cache_read_input_tokens"] for usage in usages] == [0, written]


def test_a_flaky_model_fails_once_for_each_question():
    memory = Memory()
    question = asked("/v1/chat/completions", model="flaky")

    with pytest.raises(Refusal):
        faults.of(question, memory)

    assert faults.of(question, memory) == "flaky"
