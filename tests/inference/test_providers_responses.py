"""OpenAI's Responses API relayed: what is sent, what is read, and whose kept things can be reached."""

from typing import Any

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError, RateLimitedError, UpstreamError
from analytics.events import TokenCounts
from inference import keeping
from inference.domain import Ask
from inference.providers.responses_native import ResponsesDialect
from inference.wire import responses
from inference.wire.http import Head
from tests.inference.asks import openai_model

SHARED = ResponsesDialect(api_key="operators")
OWN = ResponsesDialect(api_key="ours", is_own_key=True)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "The Rhine.", "annotations": []}],
}
USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {
        "cached_tokens": 5,
        "cache_write_tokens": 6,
        "cache_write_tokens_details": {"ttl_30m_tokens": 4, "ttl_12h_tokens": 2},
    },
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 29,
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_790_000_000,
    "status": "completed",
    "model": "gpt-2026-05-05",
    "output": [{"id": "rs_1", "type": "reasoning", "summary": []}, MESSAGE],
    "usage": USAGE,
    "service_tier": "flex",
    "something_new": {"kept": True},
}
FUNCTION_CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def ask(**fields: Any) -> Ask:
    body = {"model": "any", "input": "Hi", **fields}
    return responses.read(orjson.dumps(body), Head("req_1", 0.0, openai_beta="x=v1"))


def sent(dialect: ResponsesDialect, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(dialect.call(ask(**fields), openai_model()).body)
    return body


def test_a_request_goes_out_as_it_came_in():
    fields = {"tools": [{"type": "web_search"}], "some_new_field": {"x": 1}, "temperature": 0.5, "stream": True}

    call = OWN.call(ask(**fields), openai_model())

    assert (call.url, call.stream, call.dropped) == ("https://provider.test/v1/responses", True, ())
    assert call.headers["Authorization"] == "Bearer ours"
    assert call.headers["openai-beta"] == "x=v1"
    assert orjson.loads(call.body) == {"model": "gpt-2026", "input": "Hi", **fields}


def test_what_the_model_rejects_is_dropped_and_named():
    model = openai_model(capabilities=frozenset())

    call = OWN.call(ask(temperature=0.5, top_p=1, top_logprobs=0, stream_options={}), model)

    assert call.dropped == ("temperature", "top_p", "top_logprobs")
    assert orjson.loads(call.body) == {"model": "gpt-2026", "input": "Hi"}


def test_nothing_is_kept_under_the_operators_key():
    assert sent(SHARED)["store"] is False
    assert sent(SHARED, store=True)["store"] is False
    assert SHARED.call(ask(store=True), openai_model()).dropped == ("store",)
    assert "store" not in sent(OWN)
    assert sent(OWN, store=True)["store"] is True


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        (
            {"prompt_cache_options": {"comparison_response_id": "resp_1"}},
            "prompt_cache_options.comparison_response_id",
        ),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].id"),
        ({"input": [{"role": "user", "content": "x"}, {"id": "msg_1"}]}, "input[1].id"),
        ({"input": [{"type": None, "id": "msg_1"}]}, "input[0].id"),
        (
            {"tools": [{"type": "shell", "environment": {"skills": [{"type": "skill_reference", "skill_id": "s"}]}}]},
            "tools[0].skill_id",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
            "input[0].file_id",
        ),
        (
            {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f"}}]},
            "input[0].file_id",
        ),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools[0].vector_store_ids"),
        ({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "tools[0].container"),
        (
            {"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}]},
            "tools[0].file_ids",
        ),
        (
            {"tools": [{"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}}]},
            "tools[0].container_id",
        ),
    ],
)
def test_what_is_kept_is_reached_with_an_own_key_only(fields, param):
    with pytest.raises(InvalidRequestError, match="/settings/providers") as refused:
        SHARED.call(ask(**fields), openai_model())

    assert refused.value.param == param
    assert sent(OWN, **fields) == {"model": "gpt-2026", "input": "Hi", **fields}


def test_a_function_may_have_a_parameter_of_any_name():
    function = {"type": "function", "name": "f", "parameters": {"properties": {"file_id": {"type": "string"}}}}

    assert sent(SHARED, tools=[function])["tools"] == [function]


def test_an_item_that_is_nested_without_end_is_looked_through():
    deep: Any = "x"
    for _ in range(240):
        deep = [deep]

    assert sent(SHARED, input=[{"type": "new_item", "inner": deep}])["store"] is False


def completion(**changes: Any) -> Any:
    return OWN.completion(orjson.dumps({**RESPONSE, **changes}), ask())


def test_an_answer_is_relayed_byte_for_byte_and_counted():
    body = orjson.dumps(RESPONSE)

    read = OWN.completion(body, ask())

    assert read.body is body
    assert (read.finish_reasons, read.model_answered, read.is_empty) == (("stop",), "gpt-2026-05-05", False)
    assert read.usage.service_tier == "flex"
    assert read.usage.tokens == TokenCounts(
        input=9, cache_read=5, cache_write=4, cache_write_long=2, output=9, reasoning=3
    )


def test_searches_are_counted_as_the_provider_bills_them():
    searches = [{"type": "web_search_call", "status": "completed"}] * 3
    told = {"web_search": {"num_requests": 2}, "image_gen": {}}

    assert completion(output=[*searches, MESSAGE]).usage.tokens.web_searches == 3
    assert completion(output=[*searches, MESSAGE], tool_usage=told).usage.tokens.web_searches == 2
    assert completion(tool_usage={"web_search": {"num_requests": "many"}}).usage.tokens.web_searches == 0


@pytest.mark.parametrize(
    ("changes", "reason", "is_kept"),
    [
        ({}, "stop", True),
        ({"output": [FUNCTION_CALL]}, "tool_calls", False),
        ({"output": [MESSAGE, {"type": "custom_tool_call"}]}, "tool_calls", False),
        ({"output": [{"type": "mcp_approval_request"}]}, "tool_calls", False),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length", False),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter", False),
        ({"status": "incomplete", "incomplete_details": None}, "incomplete", False),
        ({"status": "queued", "output": [], "usage": None}, "queued", False),
        ({"status": "in_progress", "output": []}, "queued", False),
        ({"output": []}, "stop", False),
        ({"output": [{"type": "reasoning"}]}, "stop", False),
        ({"output": [{**MESSAGE, "content": [{"type": "output_text", "text": ""}]}]}, "stop", False),
        ({"output": [{**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]}]}, "content_filter", False),
    ],
)
def test_only_whole_answers_are_kept(changes, reason, is_kept):
    read = completion(**changes)

    assert read.finish_reasons == (reason,)
    assert (not keeping.flaw(read, keep_tool_calls=False)) is is_kept


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed", "error": {"code": "server_error", "message": "It broke."}},
        {"status": "cancelled"},
        {"status": None},
        {"output": None},
    ],
)
def test_a_failure_is_no_answer(changes):
    with pytest.raises(UpstreamError):
        completion(**changes)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{}", b"null", b"<html>", b'{"output":[],"status":[]}'])
def test_garbage_is_no_answer(body):
    with pytest.raises(UpstreamError):
        OWN.completion(body, ask())


def test_refusals_are_told_as_for_chat():
    body = orjson.dumps({"error": {"message": "slow down"}})

    refused = OWN.refusal(429, {"retry-after": "7"}, body)

    assert isinstance(refused, RateLimitedError)
    assert refused.headers == {"Retry-After": "7"}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


BEGINNING = [
    event("response.created", response={**RESPONSE, "status": "in_progress", "error": None}),
    event("response.output_item.added", output_index=0, item={**MESSAGE, "content": []}),
]
DELTAS = [event("response.output_text.delta", delta=text, output_index=0) for text in ("The ", "Rhine", " und Köln.")]
LAST = event("response.completed", response=RESPONSE)
STREAM = b"".join([*BEGINNING, *DELTAS, LAST])


def reader() -> Any:
    return OWN.reader(ask(stream=True), openai_model())


def whole(raw: bytes) -> Any:
    reading = reader()
    reading.feed(raw)
    return reading.completion()


def test_a_stream_is_relayed_byte_for_byte_wherever_it_is_cut():
    for position in range(len(STREAM)):
        reading = reader()
        told = reading.feed(STREAM[:position]) + reading.feed(STREAM[position:])

        assert told == STREAM[: -len(LAST)]
        assert reading.ending() == LAST
    assert reading.completion().body == orjson.dumps(RESPONSE)
    assert reading.completion().usage == OWN.completion(orjson.dumps(RESPONSE), ask()).usage


def test_windows_line_ends_and_a_done_mark_do_no_harm():
    raw = STREAM.replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n"
    for size in (1, 3, 50, len(raw)):
        reading = reader()
        told = b"".join([reading.feed(raw[start : start + size]) for start in range(0, len(raw), size)])

        assert told + reading.ending() == STREAM.replace(b"\n", b"\r\n")


def test_an_answer_cut_by_length_is_an_answer():
    last = event(
        "response.incomplete",
        response={**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    )
    reading = reader()

    reading.feed(b"".join([*BEGINNING, *DELTAS, last]))

    assert reading.is_complete
    assert reading.completion().finish_reasons == ("length",)


def test_half_a_stream_is_no_answer_and_is_estimated():
    reading = reader()
    reading.feed(b"".join([*BEGINNING, *DELTAS]) + LAST[:-1])

    assert not reading.is_complete
    with pytest.raises(UpstreamError):
        reading.completion()
    used = reading.usage_so_far()
    assert used.is_estimate
    assert used.tokens.output == 3


@pytest.mark.parametrize(
    "last",
    [
        event("response.failed", response={**RESPONSE, "status": "failed", "error": {"message": "It broke."}}),
        event("error", code="server_error", message="It broke.", param=None),
        event("error", error={"message": "It broke."}),
        b'data: {"error":{"message":"It broke."}}\n\n',
    ],
)
def test_an_error_in_a_stream_is_raised_with_its_reason(last):
    reading = reader()
    reading.feed(b"".join(BEGINNING))

    with pytest.raises(UpstreamError, match=r"It broke\."):
        reading.feed(last)


@pytest.mark.parametrize(
    "last",
    [
        event("response.completed"),
        event("response.completed", response=7),
        event("response.completed", response={}),
        event("response.completed", response={**RESPONSE, "output": {}}),
        b"data: nonsense\n\n",
        b"data: [7]\n\n",
    ],
)
def test_an_end_that_makes_no_sense_is_no_answer(last):
    with pytest.raises(UpstreamError):
        whole(last)


def test_a_large_last_event_is_taken_in_and_an_endless_one_is_not():
    large = {**RESPONSE, "instructions": "x" * 2_000_000}
    raw = event("response.completed", response=large)
    reading, endless = reader(), reader()

    for start in range(0, len(raw), 65_536):
        reading.feed(raw[start : start + 65_536])

    assert reading.completion().body == orjson.dumps(large)
    with pytest.raises(UpstreamError):
        [endless.feed(b"x" * 65_536) for _ in range(300)]


def test_an_answer_made_in_the_background_is_relayed_as_it_is_queued():
    queued = event("response.queued", response={**RESPONSE, "status": "queued"})
    reading = reader()

    assert reading.feed(queued) == queued
