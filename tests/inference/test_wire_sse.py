"""A kept answer, told again as a stream."""

from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletionChunk

from acron_site.lib.errors import UpstreamError
from inference.wire import framing, sse
from inference.wire.chunks import ChunkAssembler

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "gpt-2026",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Rhein, Donau und Elbe: drei Flüsse. " * 20, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14},
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}
CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Köln"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
]


def told(body: bytes, *, include_usage: bool = False) -> list[dict[str, Any]]:
    *events, last = sse.replay(body, include_usage=include_usage)
    assert last == b"data: [DONE]\n\n"
    return [orjson.loads(framing.payload(event)) for event in events]


def retold(body: bytes) -> dict[str, Any]:
    assembler = ChunkAssembler()
    for chunk in told(body, include_usage=True):
        ChatCompletionChunk.model_validate(chunk)
        assembler.add(chunk)
    return assembler.document()


def with_message(**message: object) -> dict[str, Any]:
    choice = {**COMPLETION["choices"][0], "message": {"role": "assistant", "content": None, **message}}
    return {**COMPLETION, "choices": [choice]}


@pytest.mark.parametrize(
    "completion",
    [
        COMPLETION,
        with_message(content=""),
        with_message(content="short"),
        with_message(content="einWortOhneLeerzeichen" * 50),
        with_message(refusal="I will not say that."),
        with_message(tool_calls=CALLS),
        with_message(content="Let me look.", tool_calls=CALLS),
        with_message(function_call={"name": "weather", "arguments": "{}"}),
        with_message(content="42", reasoning_content="six times seven " * 9),
        {**COMPLETION, "choices": [COMPLETION["choices"][0], {**COMPLETION["choices"][0], "index": 1}]},
    ],
)
def test_a_replayed_answer_adds_up_to_itself(completion):
    assert retold(orjson.dumps(completion)) == completion


def test_log_probabilities_are_told_once():
    logprobs: dict[str, Any] = {
        "content": [{"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}],
        "refusal": None,
    }
    choice = {**COMPLETION["choices"][0], "logprobs": logprobs}
    completion = {**COMPLETION, "choices": [choice]}

    assert retold(orjson.dumps(completion)) == completion


def test_a_replay_comes_in_a_few_pieces_that_end_with_words():
    contents = [chunk["choices"][0]["delta"].get("content") for chunk in told(orjson.dumps(COMPLETION))]

    pieces = [content for content in contents if content]
    assert 3 <= len(pieces) <= 13
    assert all(piece.endswith(" ") for piece in pieces)


def test_usage_is_told_only_to_those_who_asked():
    body = orjson.dumps(COMPLETION)

    assert not any("usage" in chunk for chunk in told(body))
    *others, last = told(body, include_usage=True)
    assert (last["choices"], last["usage"]) == ([], COMPLETION["usage"])
    assert all(chunk["usage"] is None for chunk in others)


def test_a_failed_stream_ends_with_the_error_as_an_event():
    event = sse.error_event(UpstreamError("it broke"), "req_1")

    error = orjson.loads(framing.payload(event))["error"]
    assert (error["code"], error["message"], error["request_id"]) == ("upstream_error", "it broke", "req_1")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: {}\n\n", b"{}"),
        (b"data:{}\r\n\r\n", b"{}"),
        (b": a comment\n\n", b""),
        (b"event: error\ndata: {}\n\n", b"{}"),
        (b"data: {\ndata: }\n\n", b"{\n}"),
        (b"\ndata: [DONE]\n\n", b"[DONE]"),
        (b"id: 7\n\n", b""),
    ],
)
def test_the_data_of_an_event_is_found(event, data):
    assert framing.payload(event) == data


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\r\n"])
def test_events_are_cut_where_empty_lines_stand_however_the_bytes_arrive(end):
    stream = b"data: 1" + end + b": ping\n\n" + "data: größer".encode() + end + b"data: torn"

    for position in range(len(stream) + 1):
        splitter = framing.EventSplitter()
        complete = splitter.push(stream[:position]) + splitter.push(stream[position:])
        assert complete == stream.removesuffix(b"data: torn")
        assert len(framing.split(complete)) == 3
