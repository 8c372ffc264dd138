"""Anthropic's whole answers, as OpenAI's clients read them."""

import orjson
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion

from acron_site.lib.errors import UpstreamError
from tests.inference.anthropic_kit import CALLING, COUNTS, DIALECT, MESSAGE, OPENAI_USAGE, THOUGHT, text_block, use
from tests.inference.asks import ask

RIVER = {"name": "river", "arguments": '{"name":"Rhein","length_km":1233}'}
CITED = {
    **MESSAGE,
    "content": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "Rhein"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        text_block("So: "),
        text_block(
            "1233 km.",
            citations=[
                {
                    "type": "web_search_result_location",
                    "url": "https://a.test/",
                    "title": "Rhein",
                    "cited_text": "1233",
                    "encrypted_index": "e",
                }
            ],
        ),
    ],
}


def document_of(message, **fields):
    document = orjson.loads(DIALECT.completion(orjson.dumps(message), ask(**fields)).body)
    ChatCompletion.model_validate(document)
    return document


def message_of(message, **fields):
    return document_of(message, **fields)["choices"][0]["message"]


@pytest.mark.parametrize("message", [MESSAGE, CALLING, CITED])
def test_the_answers_of_these_tests_are_as_anthropic_writes_them(message):
    assert Message.model_validate(message, strict=True)


def test_an_answer_becomes_a_chat_completion():
    completion = DIALECT.completion(orjson.dumps(MESSAGE), ask())

    document = orjson.loads(completion.body)
    assert document == document_of(MESSAGE)
    assert document["id"] == "chatcmpl-01abc"
    assert document["created"] == 1_790_000_000
    assert document["model"] == completion.model_answered == "claude-2026-11"
    assert document["choices"][0]["message"]["content"] == "Rhein, Dönau.\n\n🌍"
    assert document["usage"] == OPENAI_USAGE
    assert completion.finish_reasons == ("stop",)


def test_what_was_thought_is_told_with_its_signature():
    message = message_of(MESSAGE)

    assert message["reasoning_content"] == "rivers..."
    assert message["thinking_blocks"] == [THOUGHT]


def test_calls_become_tool_calls():
    completion = DIALECT.completion(orjson.dumps(CALLING), ask())

    message = message_of(CALLING)
    assert completion.finish_reasons == ("tool_calls",)
    assert message["content"] == "Looking."
    assert message["tool_calls"] == [
        {"id": "toolu_1", "type": "function", "function": RIVER},
        {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ]
    assert message["thinking_blocks"] == [THOUGHT, {"type": "redacted_thinking", "data": "sealed"}]


def test_calls_without_words_have_no_content():
    completion = DIALECT.completion(orjson.dumps({**CALLING, "content": [use("toolu_1")]}), ask())

    assert orjson.loads(completion.body)["choices"][0]["message"]["content"] is None
    assert not completion.is_empty


def test_who_asked_with_functions_is_answered_with_a_function_call():
    document = document_of(CALLING, functions=[{"name": "river"}])

    choice = document["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == RIVER
    assert "tool_calls" not in choice["message"]


def test_pages_that_are_cited_are_annotations():
    message = message_of(CITED)

    citation = {"start_index": 4, "end_index": 12, "url": "https://a.test/", "title": "Rhein"}
    assert message["content"] == "So: 1233 km."
    assert message["annotations"] == [{"type": "url_citation", "url_citation": citation}]
    assert "tool_calls" not in message


def test_the_buckets_of_usage_stay_apart():
    usage = DIALECT.completion(orjson.dumps(MESSAGE), ask()).usage

    tokens = usage.tokens
    assert (tokens.input, tokens.cache_read, tokens.cache_write, tokens.output) == (10, 100, 1000, 7)
    assert usage.service_tier == "priority"


def test_what_was_spent_on_thinking_is_told():
    counts = {**COUNTS, "output_tokens_details": {"thinking_tokens": 5}}

    usage = document_of({**MESSAGE, "usage": counts})["usage"]

    assert usage == {**OPENAI_USAGE, "completion_tokens_details": {"reasoning_tokens": 5}}


REASONS = [
    ("end_turn", "stop"),
    ("stop_sequence", "stop"),
    ("max_tokens", "length"),
    ("model_context_window_exceeded", "length"),
    ("tool_use", "tool_calls"),
    ("refusal", "content_filter"),
    ("pause_turn", "length"),
    ("something_new", "length"),
]


@pytest.mark.parametrize(("theirs", "ours"), REASONS)
def test_the_reason_to_stop_is_translated(theirs, ours):
    completion = DIALECT.completion(orjson.dumps({**MESSAGE, "stop_reason": theirs}), ask())

    assert completion.finish_reasons == (ours,)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"7",
        b"[]",
        b"{}",
        b'{"type":"error","error":{"message":"no"}}',
        orjson.dumps({**MESSAGE, "stop_reason": None}),
        orjson.dumps({**MESSAGE, "content": "text"}),
        orjson.dumps({**MESSAGE, "content": [{"type": "tool_use", "id": 7, "name": "river", "input": {}}]}),
        orjson.dumps({**MESSAGE, "content": [{"type": "tool_use", "id": "a", "input": {}}]}),
        orjson.dumps({**MESSAGE, "content": []})[:-1]
        + b',"content":'
        + b'[{"type":"thinking","x":'
        + b"[" * 300
        # deeper than JSON can be written
        + b"]" * 300
        + b"}]}",
    ],
)
def test_what_is_no_answer_is_the_providers_failure(body):
    with pytest.raises(UpstreamError, match="no answer"):
        DIALECT.completion(body, ask())


def test_blocks_that_make_no_sense_say_nothing():
    blocks = [7, None, {"type": ["text"]}, {"type": "text", "text": 7}, {"type": "new", "text": "x"}, text_block("a")]

    assert message_of({**MESSAGE, "content": blocks})["content"] == "a"


def test_nonsense_usage_does_not_spoil_an_answer():
    for counts in (
        None,
        7,
        {"input_tokens": -5, "output_tokens": "x", "output_tokens_details": {"thinking_tokens": 9}},
    ):
        assert document_of({**MESSAGE, "usage": counts})["usage"]["total_tokens"] == 0


def test_an_empty_answer_is_marked():
    assert DIALECT.completion(orjson.dumps({**MESSAGE, "content": []}), ask()).is_empty
    assert DIALECT.completion(orjson.dumps({**MESSAGE, "content": [THOUGHT]}), ask()).is_empty
