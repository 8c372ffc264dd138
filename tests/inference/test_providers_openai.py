"""The dialect of OpenAI and of servers like it."""

from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletion

from acron_site.lib.errors import InvalidRequestError, UpstreamError
from inference.providers.openai import OpenAIDialect
from inference.wire import sse
from tests.inference.asks import ask, openai_model

DIALECT = OpenAIDialect(api_key="sk-secret")
SAMPLING: dict[str, Any] = {"temperature": 0.2, "top_p": 0.9, "logit_bias": {"50256": -100}}
REASONING = frozenset({"streaming", "reasoning"})


def sent(asked, model=None):
    return orjson.loads(DIALECT.call(asked, model or openai_model()).body)


def chunk(delta, reason=None, *, index=0, **fields):
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-2026"}
    return sse.event({**head, "service_tier": "default", "choices": [choice], **fields})


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
USAGE_EVENT = chunk({}, choices=[], usage=USAGE)
HELLO = [
    chunk({"role": "assistant", "content": ""}, usage=None, obfuscation="x1"),
    chunk({"content": "Grüße "}, usage=None),
    chunk({"content": "🌍 \n\n data: [DONE] "}, usage=None),
    chunk({"content": '"usage":{ "error" "delta"'}, usage=None),
    b": keep-alive\n\n",
    chunk({}, "stop", usage=None),
]
STREAM = b"".join([*HELLO, USAGE_EVENT, b"data: [DONE]\n\n"])
TEXT = 'Grüße 🌍 \n\n data: [DONE] "usage":{ "error" "delta"'


def read(*pieces, asked=None):
    reader = DIALECT.reader(asked or ask(stream=True), openai_model())
    return reader, b"".join([reader.feed(piece) for piece in pieces])


def message_of(reader, choice=0):
    return orjson.loads(reader.completion().body)["choices"][choice]["message"]


# --- requests


def test_a_request_goes_out_under_the_providers_name_of_the_model():
    call = DIALECT.call(ask(), openai_model())

    assert call.url == "https://provider.test/v1/chat/completions"
    assert call.headers["Authorization"] == "Bearer sk-secret"
    assert orjson.loads(call.body)["model"] == "gpt-2026"
    assert not call.stream


def test_fields_nobody_knows_pass_unchanged():
    asked = ask(brand_new={"deep": [1, None, "ü"]}, temperature=0.2)

    assert sent(asked) == {**asked.body, "model": "gpt-2026"}


def test_usage_is_always_asked_for_in_a_stream_and_the_callers_other_options_stay():
    asked = ask(stream=True, stream_options={"include_usage": False, "include_obfuscation": False})

    body = sent(asked)

    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_a_whole_answer_is_not_asked_for_with_the_options_of_a_stream():
    body = sent(ask(stream_options={"include_usage": True}))

    assert "stream" not in body
    assert "stream_options" not in body


def test_what_a_reasoning_model_rejects_is_dropped_and_named():
    call = DIALECT.call(ask(**SAMPLING, seed=1), openai_model(capabilities=REASONING))

    assert call.dropped == ("temperature", "top_p", "logit_bias")
    assert not SAMPLING.keys() & orjson.loads(call.body).keys()
    assert orjson.loads(call.body)["seed"] == 1


def test_a_model_that_samples_gets_what_was_asked():
    call = DIALECT.call(ask(**SAMPLING), openai_model())

    assert call.dropped == ()
    assert SAMPLING.items() <= orjson.loads(call.body).items()


def test_openais_reasoning_models_get_the_token_limit_under_its_new_name():
    assert sent(ask(max_tokens=9), openai_model(capabilities=REASONING))["max_completion_tokens"] == 9
    assert sent(ask(max_tokens=9), openai_model(capabilities=REASONING, provider="local"))["max_tokens"] == 9
    assert sent(ask(max_tokens=9))["max_tokens"] == 9


def test_a_server_without_a_key_gets_no_authorization():
    call = OpenAIDialect(api_key="").call(ask(), openai_model(base_url="http://localhost:11434/v1/"))

    assert "Authorization" not in call.headers
    assert call.url == "http://localhost:11434/v1/chat/completions"


def test_what_is_nested_too_deeply_is_the_callers_mistake():
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]

    with pytest.raises(InvalidRequestError):
        DIALECT.call(ask(metadata=deep), openai_model())


# --- whole answers


def test_an_answer_is_relayed_byte_for_byte():
    body = (
        b'{ "id":"1", "model":"gpt-2026-01", "choices":[{"message":{"content":"Rhein"},"finish_reason":"stop"}],'
        b' "usage":{"prompt_tokens":3,"completion_tokens":2}, "service_tier":"flex", "new":1e2 }'
    )

    completion = DIALECT.completion(body, ask())

    assert completion.body is body
    assert (completion.usage.tokens.input, completion.usage.tokens.output) == (3, 2)
    assert completion.usage.service_tier == "flex"
    assert completion.finish_reasons == ("stop",)
    assert completion.model_answered == "gpt-2026-01"
    assert not completion.is_empty


@pytest.mark.parametrize("message", [{"content": ""}, {"content": None}, {}])
def test_an_answer_without_words_or_tool_calls_is_empty(message):
    body = orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})

    assert DIALECT.completion(body, ask()).is_empty


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"<html>",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[{}]}',
        b'{"choices":{"0":1}}',
        b'{"choices":[1]}',
        b'{"error":{"message":"no"}}',
        b'{"choices":[{"message":',
    ],
)
def test_what_is_no_answer_is_the_providers_failure(body):
    with pytest.raises(UpstreamError, match="no answer"):
        DIALECT.completion(body, ask())


# --- streams


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_however_a_stream_is_torn_the_caller_gets_the_same_bytes_and_answer(newline):
    stream = STREAM.replace(b"\n\n", newline * 2)
    whole, relayed = read(stream)

    for position in range(len(stream) + 1):
        reader, pieces = read(stream[:position], stream[position:])
        assert pieces == relayed
        assert reader.completion() == whole.completion()
    assert relayed == b"".join(HELLO).replace(b"\n\n", newline * 2)
    assert message_of(whole)["content"] == TEXT


def test_a_stream_that_arrives_byte_by_byte_is_the_same_stream():
    reader, relayed = read(*(STREAM[i : i + 1] for i in range(len(STREAM))))

    assert relayed == b"".join(HELLO)
    assert message_of(reader)["content"] == TEXT


def test_the_first_token_is_not_held_back():
    reader = DIALECT.reader(ask(stream=True), openai_model())

    assert reader.feed(HELLO[0] + HELLO[1][:-1]) == HELLO[0]
    assert reader.feed(HELLO[1][-1:] + HELLO[2][:5]) == HELLO[1]


def test_the_usage_chunk_is_shown_only_to_those_who_asked():
    _, hidden = read(STREAM)
    _, shown = read(STREAM, asked=ask(stream=True, include_usage=True))

    assert hidden == b"".join(HELLO)
    assert shown == b"".join([*HELLO, USAGE_EVENT])


def test_a_spaced_out_usage_chunk_is_recognised_too():
    spaced = b'data: {"id": "1", "choices": [ ], "usage" : {"prompt_tokens": 7, "completion_tokens": 3}}\n\n'

    reader, relayed = read(*HELLO, spaced)

    assert relayed == b"".join(HELLO)
    assert reader.usage_so_far().tokens.output == 3


def test_a_streamed_answer_is_a_chat_completion():
    reader, _ = read(STREAM)

    completion = reader.completion()
    document = orjson.loads(completion.body)
    ChatCompletion.model_validate(document)
    assert document["object"] == "chat.completion"
    assert (document["id"], document["created"], document["model"]) == ("chatcmpl-1", 1, "gpt-2026")
    assert document["usage"] == USAGE
    assert "obfuscation" not in document
    assert completion.finish_reasons == ("stop",)
    assert completion.usage.tokens.output == 3
    assert not completion.is_empty


def test_choices_are_kept_apart():
    events = [
        chunk({"role": "assistant", "content": "one"}, index=1),
        chunk({"role": "assistant", "content": "zero"}, index=0),
        chunk({"content": "!"}, index=1),
        chunk({}, "length", index=1),
    ]
    reader, _ = read(*events, asked=ask(stream=True, n=2))
    assert not reader.is_complete

    reader.feed(chunk({}, "stop", index=0))

    assert reader.is_complete
    assert reader.completion().finish_reasons == ("stop", "length")
    assert message_of(reader, 1)["content"] == "one!"


def test_tool_calls_are_put_together_by_index():
    def call(index, **fields):
        return {"tool_calls": [{"index": index, **fields}]}

    reader, _ = read(
        chunk({"role": "assistant", "content": None}),
        chunk(call(0, id="call_a", type="function", function={"name": "weather", "arguments": ""})),
        chunk(call(0, function={"arguments": '{"city":'})),
        chunk(call(1, id="call_b", type="function", function={"name": "clock", "arguments": "{}"})),
        chunk(call(0, function={"arguments": '"Köln"}'})),
        chunk({}, "tool_calls"),
    )

    message = message_of(reader)
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Köln"}'}},
        {"id": "call_b", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
    ]
    assert not reader.completion().is_empty


def test_what_other_servers_add_is_kept():
    reader, _ = read(
        chunk({"role": "assistant", "reasoning_content": "six "}),
        chunk({"role": "assistant", "reasoning_content": "times seven"}),
        chunk({"content": "42"}, citations=["https://a.test"]),
        chunk({}, "stop", usage=USAGE),
    )

    document = orjson.loads(reader.completion().body)
    assert document["choices"][0]["message"] == {
        "role": "assistant",
        "content": "42",
        "reasoning_content": "six times seven",
    }
    assert document["citations"] == ["https://a.test"]


def test_log_probabilities_are_strung_together():
    def told(token):
        choice = {"index": 0, "delta": {"content": token}, "finish_reason": None}
        return chunk({}, choices=[{**choice, "logprobs": {"content": [{"token": token}], "refusal": None}}])

    reader, _ = read(told("a"), told("b"), chunk({}, "stop"))

    choice = orjson.loads(reader.completion().body)["choices"][0]
    assert choice["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}


@pytest.mark.parametrize("end", range(len(HELLO)))
def test_a_stream_that_is_cut_before_its_finish_reason_is_never_complete(end):
    reader, _ = read(*HELLO[:end])

    assert not reader.is_complete
    with pytest.raises(UpstreamError, match="broke off"):
        reader.completion()


def test_done_without_a_finish_reason_does_not_make_a_stream_complete():
    reader, _ = read(*HELLO[:2], b"data: [DONE]\n\n")

    assert not reader.is_complete


def test_a_server_that_never_says_done_is_complete_with_its_finish_reason():
    reader, _ = read(*HELLO)

    assert reader.is_complete
    assert reader.completion().usage.is_estimate


def test_a_cut_stream_is_counted_by_what_it_told():
    reader, _ = read(*[chunk({"content": "word "}) for _ in range(40)])

    estimate = reader.usage_so_far()
    assert estimate.is_estimate
    assert estimate.tokens.output == 40
    assert estimate.tokens.input > 0


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error": {"message": "the server had an error", "type": "server_error"}}\n\n',
        b'event: error\ndata: {"error":"the server had an error"}\n\n',
        chunk({"content": ""}, "error", error={"code": 502, "message": "the server had an error"}),
    ],
)
def test_an_error_in_the_middle_of_a_stream_is_raised(event):
    reader, _ = read(*HELLO[:2])

    with pytest.raises(UpstreamError, match="the server had an error"):
        reader.feed(event)


def test_an_event_that_is_no_json_is_raised():
    with pytest.raises(UpstreamError, match="not JSON"):
        read(b"data: {]\n\n")


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>service unavailable</html>",
        b"\n\n" * 9,
        b"data: 7\n\n",
        b'data: ["delta"]\n\n',
        b'data: {"delta":1}\n\n',
        b'data: {"choices":[7],"delta":1}\n\n',
        b'data: {"choices":[{"delta":[]}]}\n\n',
        b'data: {"choices":[{"index":"a","delta":{}}]}\n\n',
        b'data: {"choices":[{"delta": nonsense}]}\n\n',
        b'{"choices":[{"message":{"content":"no stream"},"finish_reason":"stop"}]}',
    ],
)
def test_garbage_never_adds_up_to_an_answer(garbage):
    reader, _ = read(garbage)

    assert not reader.is_complete
    reader.usage_so_far()
    with pytest.raises(UpstreamError):
        reader.completion()


def test_an_event_without_end_is_given_up():
    megabyte = b"x" * 1_048_576

    with pytest.raises(UpstreamError, match="no event stream"):
        read(*[megabyte] * 20)


def test_a_long_stream_is_added_up_on_the_way():
    reader, relayed = read(*[chunk({"content": "word "}) for _ in range(2000)], chunk({}, "stop"))

    assert len(relayed) > 65_536
    assert message_of(reader)["content"] == "word " * 2000
