"""Streams of the Responses API: made of chat chunks, told again from a kept answer, and broken off."""

from typing import Any

import httpx2
import openai
import orjson
import pytest

from acron_site.lib.errors import UpstreamError
from inference.domain import Ask
from inference.providers.openai import OpenAIDialect
from inference.providers.translated import TranslatedDialect
from inference.wire import responses, responses_events, sse
from inference.wire.http import Head
from inference.wire.responses_chat import ResponsesTranslation
from tests.inference.asks import openai_model
from tests.inference.typed import events_of, rebuilt, response_of

DIALECT = TranslatedDialect(ResponsesTranslation(), OpenAIDialect(api_key="k"))
ASK = responses.read(
    orjson.dumps({"model": "any", "input": "Hi", "stream": True, "metadata": {"a": "b"}}), Head("req_1", 0.0)
)


def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return sse.event({"id": "chatcmpl-1", "created": 17, "model": "llama", "choices": [choice]})


USAGE = sse.event({"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 6}})


def call(index: int, **function: str) -> dict[str, Any]:
    named = {"id": f"call_{index}", "type": "function"} if "name" in function else {}
    return {"tool_calls": [{"index": index, **named, "function": function}]}


WORDS = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Grüße "}), chunk({"content": "aus Köln"})]
STREAMS: dict[str, tuple[list[bytes], list[str]]] = {
    "words": ([*WORDS, chunk({}, "stop")], ["message"]),
    "thoughts, then words": (
        [chunk({"reasoning_content": "hm"}), chunk({"reasoning_content": "m"}), *WORDS, chunk({}, "stop")],
        ["reasoning", "message"],
    ),
    "thoughts between words": (
        [*WORDS, chunk({"reasoning": "wait"}), *WORDS, chunk({}, "stop")],
        ["message", "reasoning", "message"],
    ),
    "a refusal": ([chunk({"refusal": "I can"}), chunk({"refusal": "not."}), chunk({}, "stop")], ["message"]),
    "words and a refusal": ([*WORDS, chunk({"refusal": "No."}), chunk({}, "stop")], ["message"]),
    "calls": (
        [
            *WORDS,
            chunk(call(0, name="weather", arguments="")),
            chunk(call(0, arguments='{"city":')),
            chunk(call(1, name="clock", arguments="{}")),
            chunk(call(0, arguments='"Köln"}')),
            chunk({}, "tool_calls"),
        ],
        ["message", "function_call", "function_call"],
    ),
    "a call, then words": (
        [chunk(call(0, name="clock", arguments="{}")), *WORDS, chunk({}, "tool_calls")],
        ["function_call", "message"],
    ),
    "a call whose name comes late": (
        [
            chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": "{"}}]}),
            chunk(call(0, name="clock", arguments="}")),
            chunk({}, "tool_calls"),
        ],
        ["function_call"],
    ),
    "cut by length": ([*WORDS, chunk({}, "length")], ["message"]),
    "nothing": ([chunk({"role": "assistant", "content": ""}), chunk({}, "stop")], ["message"]),
}


def told_of(raw: bytes, size: int, asked: Ask = ASK) -> bytes:
    reader = DIALECT.reader(asked, openai_model())
    told = b"".join([reader.feed(raw[start : start + size]) for start in range(0, len(raw), size)])
    return told + reader.ending()


@pytest.mark.parametrize("name", STREAMS)
def test_a_client_builds_the_answer_from_the_events(name):
    chunks, kinds = STREAMS[name]
    raw = b"".join([*chunks, USAGE, sse.DONE])

    told = events_of(told_of(raw, len(raw)))

    final = response_of(told[-1]["response"])
    assert [event["type"] for event in told[:2]] == ["response.created", "response.in_progress"]
    assert told[-1]["type"] == f"response.{final['status']}"
    assert final["status"] == ("incomplete" if name == "cut by length" else "completed")
    assert [item["type"] for item in final["output"]] == kinds
    assert rebuilt(told) == final["output"]
    assert {event["response"]["id"] for event in told if "response" in event} == {final["id"]}
    assert final["usage"]["total_tokens"] == 10
    assert final["metadata"] == {"a": "b"}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_may_be_cut_anywhere_and_tells_the_same(name):
    raw = b"".join([*STREAMS[name][0], USAGE, sse.DONE])
    whole = told_of(raw, len(raw))

    assert all(told_of(raw, size) == whole for size in (1, 2, 3, 7, 64, 1000))
    for position in range(len(raw)):
        reader = DIALECT.reader(ASK, openai_model())
        told = reader.feed(raw[:position]) + reader.feed(raw[position:])
        assert told + reader.ending() == whole


@pytest.mark.parametrize("name", ["words", "thoughts, then words", "a refusal", "calls", "cut by length"])
def test_the_kept_answer_is_what_the_stream_told_and_is_told_again(name):
    raw = b"".join([*STREAMS[name][0], USAGE, sse.DONE])
    reader = DIALECT.reader(ASK, openai_model())
    reader.feed(raw)
    kept = reader.completion()

    again = events_of(b"".join(responses_events.replay(kept.body)))

    last = events_of(told_of(raw, len(raw)))[-1]["response"]
    assert orjson.loads(kept.body) == last == again[-1]["response"]
    assert rebuilt(again) == last["output"]
    assert again[0]["response"] == {**last, "status": "in_progress", "output": [], "usage": None} | {
        "incomplete_details": None
    }


def test_the_first_words_are_not_held_back():
    reader = DIALECT.reader(ASK, openai_model())

    first = reader.feed(WORDS[0])
    second = reader.feed(WORDS[1])

    assert b"response.created" in first
    assert "Grüße ".encode() in second


def test_a_native_answer_is_told_again_with_all_its_items():
    summary = [{"type": "summary_text", "text": "Thought about rivers."}]
    output = [
        {"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": "AAAA"},
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "The Rhine. " * 20, "annotations": [], "logprobs": []}],
        },
    ]
    kept = orjson.loads(DIALECT.completion(orjson.dumps(CHAT), ASK).body) | {"output": output}

    told = events_of(b"".join(responses_events.replay(orjson.dumps(kept))))

    kinds = [event["type"] for event in told]
    assert kinds.count("response.output_item.done") == 3
    assert kinds.count("response.reasoning_summary_text.delta") == 1
    assert kinds.count("response.output_text.delta") > 3
    assert told[-1]["response"] == kept


CHAT = {
    "id": "chatcmpl-1",
    "created": 17,
    "model": "llama",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
}


def test_the_sdk_raises_where_a_stream_is_broken_off():
    raw = b"".join(WORDS)
    reader = DIALECT.reader(ASK, openai_model())
    error = responses_events.error_event(UpstreamError("the provider broke the answer off; try again"), "req_1")
    body = reader.feed(raw) + error
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})
    )
    seen: list[str] = []

    with openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport)) as client:
        stream = client.responses.create(model="any", input="Hi", stream=True)
        with pytest.raises(openai.APIError, match="broke the answer off") as raised:
            seen.extend(event.type for event in stream)

    assert seen[-1] == "response.output_text.delta"
    assert raised.value.code == "upstream_error"
    assert not reader.is_complete
    (document,) = events_of(error)
    assert (document["type"], document["code"]) == ("error", "upstream_error")


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[{"delta":7}]}\n\n',
        b'data: {"choices":7,"delta":1}\n\n',
        b'data: {"choices":[{"delta":{"content":["x"]}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[7]}}]}\n\n',
        b'data: {"delta": broken\n\n',
        b"data: [1]\n\n",
    ],
)
def test_a_chunk_that_makes_no_sense_is_the_providers_failure(event):
    with pytest.raises(UpstreamError):
        told_of(event, len(event))
