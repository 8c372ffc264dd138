"""OpenAI's words for Anthropic, and Anthropic's answers for OpenAI's clients."""

import orjson
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from acron_site.lib.errors import InvalidRequestError, UpstreamError
from inference.providers.anthropic import AnthropicDialect
from inference.wire import framing
from tests.inference.asks import anthropic_model, ask

DIALECT = AnthropicDialect(api_key="sk-ant-secret", clock=lambda: 1_790_000_000.5)
NO_SAMPLING = anthropic_model(capabilities=frozenset({"streaming"}))


def sent(asked, model=None):
    return orjson.loads(DIALECT.call(asked, model or anthropic_model()).body)


def says(role, content):
    return {"role": role, "content": content}


# --- requests


def test_a_request_goes_to_the_messages_api():
    call = DIALECT.call(ask(), anthropic_model())

    assert call.url == "https://provider.test/v1/messages"
    assert call.headers["x-api-key"] == "sk-ant-secret"
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert orjson.loads(call.body) == {
        "model": "claude-2026",
        "max_tokens": 4096,
        "messages": [says("user", "Name three rivers.")],
    }


def test_a_base_url_that_ends_in_v1_means_the_same():
    model = anthropic_model(base_url="https://provider.test/v1/")

    assert DIALECT.call(ask(), model).url == "https://provider.test/v1/messages"


TEXTS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


@pytest.mark.parametrize(
    ("messages", "system", "turns"),
    [
        ([says("user", "a")], None, [says("user", "a")]),
        ([says("system", "s"), says("user", "a")], "s", [says("user", "a")]),
        (
            [says("system", "s"), says("user", "a"), says("developer", [{"type": "text", "text": "d"}])],
            "s\n\nd",
            [says("user", "a")],
        ),
        ([says("user", "a"), says("user", "b")], None, [says("user", TEXTS)]),
        ([says("user", TEXTS)], None, [says("user", TEXTS)]),
        (
            [says("user", "a"), says("assistant", "b"), says("user", "c")],
            None,
            [says("user", "a"), says("assistant", "b"), says("user", "c")],
        ),
        (
            [says("user", "a"), says("assistant", ""), says("user", "b")],
            None,
            [says("user", TEXTS)],
        ),
        ([says("user", "a"), {"role": "assistant", "content": None}], None, [says("user", "a")]),
        ([says("system", "s")], None, [says("user", "s")]),
        (
            [says("user", "a"), says("assistant", [{"type": "refusal", "refusal": "no"}])],
            None,
            [says("user", "a"), says("assistant", "no")],
        ),
    ],
)
def test_a_conversation_becomes_turns_of_user_and_assistant(messages, system, turns):
    body = sent(ask(messages=messages))

    assert body.get("system") == system
    assert body["messages"] == turns


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, 4096),
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20, "max_tokens": 10}, 20),
        ({"max_tokens": None}, 4096),
        ({"max_tokens": 900_000}, 64_000),
    ],
)
def test_the_answer_is_never_allowed_to_be_longer_than_the_model_can_write(fields, limit):
    assert sent(ask(**fields))["max_tokens"] == limit


def test_a_small_model_gets_a_small_default():
    assert sent(ask(), anthropic_model(max_output_tokens=100))["max_tokens"] == 100


@pytest.mark.parametrize(("stop", "sequences"), [("END", ["END"]), (["a", "b"], ["a", "b"]), (None, None), ([], None)])
def test_stop_becomes_stop_sequences(stop, sequences):
    body = sent(ask(stop=stop))

    assert body.get("stop_sequences") == sequences
    assert "stop" not in body


@pytest.mark.parametrize(
    ("fields", "kept", "dropped"),
    [
        ({"temperature": 1.7}, {"temperature": 1}, ()),
        ({"temperature": 0}, {"temperature": 0}, ()),
        ({"top_p": 0.5}, {"top_p": 0.5}, ()),
        ({"temperature": 0.3, "top_p": 0.5}, {"temperature": 0.3}, ("top_p",)),
        ({"temperature": None}, {}, ()),
    ],
)
def test_sampling_is_brought_into_anthropics_range(fields, kept, dropped):
    call = DIALECT.call(ask(**fields), anthropic_model())

    body = orjson.loads(call.body)
    assert {name: body[name] for name in ("temperature", "top_p") if name in body} == kept
    assert call.dropped == dropped


def test_what_anthropic_has_no_word_for_is_dropped_and_named():
    asked = ask(seed=1, user="grace@example.com", temperature=0.1, top_k=5, frequency_penalty=0)

    call = DIALECT.call(asked, NO_SAMPLING)

    assert set(call.dropped) == {"seed", "user", "temperature", "top_k", "frequency_penalty"}
    assert set(orjson.loads(call.body)) == {"model", "max_tokens", "messages"}
    assert b"grace" not in call.body


def test_anthropics_own_fields_pass_unchanged():
    thinking = {"type": "enabled", "budget_tokens": 2000}

    assert sent(ask(thinking=thinking))["thinking"] == thinking


def test_fields_that_ask_for_nothing_special_are_no_obstacle():
    asked = ask(
        n=1, tools=[], tool_choice="none", response_format={"type": "text"}, modalities=["text"], logprobs=False
    )

    assert set(sent(asked)) == {"model", "max_tokens", "messages"}


IMAGE = {"type": "image_url", "image_url": {"url": "https://a.test/cat.png"}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"functions": [{}]}, "functions"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "a"}}, "audio"),
        ({"messages": [says("user", [IMAGE])]}, "messages[0]"),
        ({"messages": [says("user", "a"), says("tool", "b")]}, "messages[1]"),
        ({"messages": [{"role": "assistant", "content": None, "tool_calls": [{}]}]}, "messages[0]"),
        ({"messages": "hello"}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [says("user", 7)]}, "messages[0]"),
        ({"messages": [says("user", [7])]}, "messages[0]"),
        ({"messages": [says("user", [{"type": ["text"], "text": "a"}])]}, "messages[0]"),
        ({"messages": [says(["user"], "a")]}, "messages[0]"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": 7}, "stop"),
        ({"stop": [7]}, "stop"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        DIALECT.call(ask(**fields), anthropic_model())

    assert refused.value.param == param


# --- whole answers

COUNTS = {
    "input_tokens": 10,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 1000,
    "output_tokens": 7,
    "service_tier": "priority",
}
MESSAGE = {
    "id": "msg_01abc",
    "type": "message",
    "role": "assistant",
    "model": "claude-2026-11",
    "content": [
        {"type": "thinking", "thinking": "rivers...", "signature": "x"},
        {"type": "text", "text": "Rhein, "},
        {"type": "text", "text": "Donau."},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": COUNTS,
}
OPENAI_USAGE = {
    "prompt_tokens": 1110,
    "completion_tokens": 7,
    "total_tokens": 1117,
    "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 1000},
}


def test_an_answer_becomes_a_chat_completion():
    completion = DIALECT.completion(orjson.dumps(MESSAGE), ask())

    document = orjson.loads(completion.body)
    ChatCompletion.model_validate(document)
    assert document["id"] == "chatcmpl-01abc"
    assert document["created"] == 1_790_000_000
    assert document["model"] == completion.model_answered == "claude-2026-11"
    assert document["choices"][0]["message"]["content"] == "Rhein, Donau."
    assert document["usage"] == OPENAI_USAGE
    assert completion.finish_reasons == ("stop",)


def test_the_buckets_of_usage_stay_apart():
    usage = DIALECT.completion(orjson.dumps(MESSAGE), ask()).usage

    tokens = usage.tokens
    assert (tokens.input, tokens.cache_read, tokens.cache_write, tokens.output) == (10, 100, 1000, 7)
    assert usage.service_tier == "priority"


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
    ],
)
def test_what_is_no_answer_is_the_providers_failure(body):
    with pytest.raises(UpstreamError, match="no answer"):
        DIALECT.completion(body, ask())


def test_nonsense_usage_does_not_spoil_an_answer():
    for counts in (None, 7, {"input_tokens": -5, "output_tokens": "x"}):
        completion = DIALECT.completion(orjson.dumps({**MESSAGE, "usage": counts}), ask())
        assert orjson.loads(completion.body)["usage"]["total_tokens"] == 0


def test_an_empty_answer_is_marked():
    assert DIALECT.completion(orjson.dumps({**MESSAGE, "content": []}), ask()).is_empty


# --- streams


def event(kind, **fields):
    return f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def text(content):
    return event("content_block_delta", index=1, delta={"type": "text_delta", "text": content})


START = event(
    "message_start",
    message={**MESSAGE, "content": [], "stop_reason": None, "usage": {**COUNTS, "output_tokens": 1}},
)
STREAM = [
    START,
    event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
    event("ping"),
    event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "rivers..."}),
    event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "x"}),
    event("content_block_stop", index=0),
    event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
    text("Rhein, "),
    text("Dönau.\n\n🌍"),
    event("content_block_stop", index=1),
    event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 7}),
    event("message_stop"),
]


def read(*pieces, **fields):
    reader = DIALECT.reader(ask(stream=True, **fields), anthropic_model())
    return reader, b"".join([reader.feed(piece) for piece in pieces])


def chunks_of(relayed):
    chunks = [orjson.loads(framing.payload(told)) for told in framing.split(relayed)]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    return chunks


def test_a_stream_is_retold_in_openais_chunks():
    _, relayed = read(*STREAM)

    chunks = chunks_of(relayed)
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Rhein, "},
        {"content": "Dönau.\n\n🌍"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-01abc", 1_790_000_000, "claude-2026-11")
    }
    assert not any("usage" in chunk for chunk in chunks)


def test_usage_is_told_at_the_end_to_those_who_asked():
    _, relayed = read(*STREAM, include_usage=True)

    *others, last = chunks_of(relayed)
    assert (last["choices"], last["usage"]) == ([], OPENAI_USAGE)
    assert all(chunk["usage"] is None for chunk in others)


def test_a_streamed_answer_equals_the_whole_one():
    reader, _ = read(*STREAM)

    whole = {**MESSAGE, "content": [{"type": "text", "text": "Rhein, Dönau.\n\n🌍"}]}
    assert reader.is_complete
    assert reader.completion() == DIALECT.completion(orjson.dumps(whole), ask())


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_however_a_stream_is_torn_it_is_retold_the_same(newline):
    stream = b"".join(STREAM).replace(b"\n", newline)
    whole, relayed = read(stream)

    for position in range(len(stream) + 1):
        reader, pieces = read(stream[:position], stream[position:])
        assert pieces == relayed
        assert reader.completion() == whole.completion()


@pytest.mark.parametrize("end", range(len(STREAM)))
def test_a_stream_is_complete_only_with_its_finish_marker(end):
    reader, _ = read(*STREAM[:end])

    assert not reader.is_complete
    with pytest.raises(UpstreamError, match="broke off"):
        reader.completion()


def test_counts_are_replaced_and_never_added():
    more = event("message_delta", delta={}, usage={"input_tokens": 12, "output_tokens": 9})
    reader, _ = read(*STREAM[:-1], more, STREAM[-1])

    tokens = reader.usage_so_far().tokens
    assert (tokens.input, tokens.cache_read, tokens.output) == (12, 100, 9)


def test_a_cut_stream_is_counted_by_what_it_told():
    reader, _ = read(START, *[text("word ") for _ in range(40)])

    usage = reader.usage_so_far()
    assert usage.is_estimate
    assert (usage.tokens.input, usage.tokens.cache_read, usage.tokens.output) == (10, 100, 40)


def test_a_stream_that_never_began_is_estimated_from_the_prompt():
    reader, _ = read()

    assert reader.usage_so_far().is_estimate
    assert reader.usage_so_far().tokens.input > 0


def test_an_error_in_the_middle_of_a_stream_is_raised():
    reader, _ = read(*STREAM[:8])

    with pytest.raises(UpstreamError, match="Overloaded"):
        reader.feed(event("error", error={"type": "overloaded_error", "message": "Overloaded"}))


@pytest.mark.parametrize(
    "garbage",
    [
        b"{]",
        b"7",
        b"{}",
        b'{"type":["a"]}',
        b'{"type":"message_start","message":7}',
        b'{"type":"content_block_delta"}',
        b'{"type":"content_block_delta","delta":{"type":"text_delta","text":7}}',
    ],
)
def test_events_that_make_no_sense_are_raised(garbage):
    with pytest.raises(UpstreamError, match="no sense"):
        read(b"data: " + garbage + b"\n\n")


def test_what_is_no_stream_never_adds_up_to_an_answer():
    reader, relayed = read(b"<html>service unavailable</html>")

    assert relayed == b""
    assert not reader.is_complete


def test_a_refusal_is_told_in_the_words_of_anthropic():
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens is too large"}}'

    error = DIALECT.refusal(400, {}, body)

    assert isinstance(error, InvalidRequestError)
    assert error.message == "max_tokens is too large"


def test_an_overloaded_anthropic_is_an_overload_with_a_pause():
    error = DIALECT.refusal(529, {"retry-after": "3"}, b"")

    assert (error.status, error.headers["Retry-After"]) == (503, "3")
