"""Chat completions told as messages, whole and as streams."""

import orjson
import pytest

from acron_site.lib.errors import UpstreamError
from inference.providers.openai import OpenAIDialect
from inference.providers.translated import TranslatedDialect
from inference.wire.messages_chat import MessagesTranslation
from tests.inference.asks import openai_model
from tests.inference.messages_kit import checked, events_in, message_ask, message_told_by

DIALECT = TranslatedDialect(MessagesTranslation(), OpenAIDialect(api_key="k"))
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def completion(reason="stop", usage=None, **message):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-2026",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": reason}
        ],
        "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def answered(document, **fields):
    told = DIALECT.completion(orjson.dumps(document), message_ask(**fields))
    return checked(orjson.loads(told.body)), told


def call(name="weather", arguments='{"city":"Ulm"}', **fields):
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def tool_use(**fields):
    return {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Ulm"}, **fields}


@pytest.mark.parametrize(
    ("document", "content", "stop_reason"),
    [
        (completion(content="Elbe 🐟"), [{"type": "text", "text": "Elbe 🐟"}], "end_turn"),
        (completion("length", content="Elb"), [{"type": "text", "text": "Elb"}], "max_tokens"),
        (completion("content_filter", content=""), [], "refusal"),
        (completion(refusal="I will not."), [{"type": "text", "text": "I will not."}], "refusal"),
        (completion("tool_calls", tool_calls=[call()]), [tool_use()], "tool_use"),
        (completion("stop", tool_calls=[call()]), [tool_use()], "tool_use"),
        (completion("tool_calls", tool_calls=[call(arguments="")]), [tool_use(input={})], "tool_use"),
        (
            completion("tool_calls", content="I look.", tool_calls=[call(), call(id="call_2", arguments="{}")]),
            [{"type": "text", "text": "I look."}, tool_use(), tool_use(id="call_2", input={})],
            "tool_use",
        ),
        (
            completion("length", tool_calls=[call(arguments='{"ci')]),
            [tool_use(input={"INVALID_JSON": '{"ci'})],
            "max_tokens",
        ),
        (completion(content="a", reasoning_content="hm"), [{"type": "text", "text": "a"}], "end_turn"),
    ],
)
def test_an_answer_is_told_as_a_message(document, content, stop_reason):
    message, told = answered(document)

    assert message["content"] == content
    assert (message["stop_reason"], message["stop_sequence"]) == (stop_reason, None)
    assert (message["id"], message["model"]) == ("msg_1", "gpt-2026")
    # an answer that was made to call a tool, or that refuses, says "stop" at some servers
    reason = {"tool_use": "tool_calls", "refusal": "content_filter"}.get(stop_reason)
    assert told.finish_reasons == (reason or document["choices"][0]["finish_reason"],)


def test_thinking_is_shown_to_who_asked_for_it():
    message, _ = answered(completion(content="a", reasoning_content="hm"), **THINKING)

    assert message["content"][0] == {"type": "thinking", "thinking": "hm", "signature": ""}


@pytest.mark.parametrize("thinking", [{"type": "disabled"}, {"type": "adaptive", "display": "omitted"}])
def test_thinking_is_not_shown_to_who_does_not_want_it(thinking):
    message, _ = answered(completion(content="a", reasoning_content="hm"), thinking=thinking)

    assert [block["type"] for block in message["content"]] == ["text"]


def test_usage_is_told_in_counts_that_do_not_overlap():
    counts = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 10, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 15, "audio_tokens": 2},
    }

    message, told = answered(completion(content="a", usage=counts))

    assert message["usage"] == {
        "input_tokens": 60,
        "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 10,
        "output_tokens": 20,
    }
    assert told.usage.tokens.total_input == 100


@pytest.mark.parametrize("calls", [[5], [{}], [{"id": "x", "function": {}}], [{"function": {"name": "x"}}], 5])
def test_a_call_that_makes_no_sense_is_an_upstream_error(calls):
    with pytest.raises(UpstreamError):
        answered(completion("tool_calls", tool_calls=calls))


@pytest.mark.parametrize(
    ("capabilities", "dropped"), [({"sampling"}, ("reasoning_effort",)), ({"sampling", "reasoning"}, ())]
)
def test_a_model_that_cannot_think_is_not_asked_to(capabilities, dropped):
    told = DIALECT.call(message_ask(**THINKING), openai_model(capabilities=frozenset(capabilities)))

    assert told.dropped == dropped
    assert ("reasoning_effort" in orjson.loads(told.body)) is not bool(dropped)


def test_the_limit_has_the_name_that_the_model_knows():
    told = DIALECT.call(message_ask(), openai_model(capabilities=frozenset({"reasoning"})))

    assert orjson.loads(told.body)["max_completion_tokens"] == 100


# --- streams


USAGE = {
    "id": "chatcmpl-1",
    "model": "gpt-2026",
    "choices": [],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
}


def chunk(reason=None, **delta):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "gpt-2026",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def tool_chunk(index, arguments="", **fields):
    function = {"arguments": arguments} | ({"name": fields.pop("name")} if "name" in fields else {})
    return chunk(tool_calls=[{"index": index, "function": function, **fields}])


def stream(*chunks):
    return b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in chunks) + b"data: [DONE]\n\n"


def retold(data, *, split=0, **fields):
    reader = DIALECT.reader(message_ask(stream=True, **fields), openai_model())
    events = reader.feed(data[:split]) + reader.feed(data[split:]) if split else reader.feed(data)
    assert reader.is_complete
    whole = orjson.loads(reader.completion().body)
    return events, reader.ending(), checked(whole)


PLAIN = stream(chunk(role="assistant", content=""), chunk(content="El"), chunk(content="be 🐟"), chunk("stop"), USAGE)
TOOLS = stream(
    chunk(role="assistant", content="I look."),
    tool_chunk(0, id="call_1", name="weather"),
    tool_chunk(0, '{"city"'),
    tool_chunk(0, ':"Ulm"}'),
    tool_chunk(1, id="call_2", name="weather"),
    tool_chunk(1, "{}"),
    chunk("tool_calls"),
    USAGE,
)
MIXED = stream(
    tool_chunk(0, '{"city"', id="call_1", name="weather"),
    tool_chunk(1, '{"city":', id="call_2", name="weather"),
    tool_chunk(0, ':"Ulm"}'),
    tool_chunk(1, '"Köln"}'),
    chunk(content="There."),
    chunk("tool_calls"),
    USAGE,
)
THOUGHTFUL = stream(
    chunk(role="assistant", reasoning_content="h"),
    chunk(reasoning_content="m"),
    chunk(content="Elbe"),
    chunk("stop"),
    USAGE,
)


@pytest.mark.parametrize(("data", "fields"), [(PLAIN, {}), (TOOLS, {}), (MIXED, {}), (THOUGHTFUL, THINKING)])
def test_a_stream_tells_the_same_message_at_every_split(data, fields):
    events, ending, whole = retold(data, **fields)

    told = message_told_by(events + ending)
    blocks = sorted(told["content"], key=lambda block: block["type"] == "tool_use")
    assert blocks == whole["content"]
    assert told["usage"] == whole["usage"]
    assert (told["stop_reason"], told["id"]) == (whole["stop_reason"], "msg_1")
    for split in range(1, len(data)):
        assert retold(data, split=split, **fields)[:2] == (events, ending)


def test_the_end_is_held_back_with_the_reason_and_the_usage():
    events, ending, _ = retold(PLAIN)

    assert [event["type"] for event in events_in(ending)] == ["message_delta", "message_stop"]
    assert events_in(ending)[0]["usage"] == {
        "input_tokens": 6,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 0,
        "output_tokens": 5,
    }
    assert b'stop_reason":"' not in events
    assert [event["type"] for event in events_in(events)] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
    ]


def test_the_first_words_are_not_held_back():
    reader = DIALECT.reader(message_ask(stream=True), openai_model())

    told = reader.feed(stream(chunk(role="assistant", content="El")).removesuffix(b"data: [DONE]\n\n"))

    assert [event["type"] for event in events_in(told)][-1] == "content_block_delta"


def test_calls_that_come_mixed_are_told_one_after_the_other():
    events, ending, _ = retold(MIXED)

    told = message_told_by(events + ending)

    assert [block.get("input") for block in told["content"]] == [{"city": "Ulm"}, {"city": "Köln"}, None]


def test_a_stream_without_a_word_is_a_message_without_content():
    events, ending, whole = retold(stream(chunk(role="assistant"), chunk("stop"), USAGE))

    assert message_told_by(events + ending)["content"] == whole["content"] == []


@pytest.mark.parametrize(
    "data",
    [
        {"choices": [{"delta": 5}]},
        {"choices": 5, "delta": 1},
        {"choices": [{"delta": {"tool_calls": [5]}}]},
        {"choices": [5], "delta": 1},
    ],
)
def test_a_chunk_that_makes_no_sense_is_an_upstream_error(data):
    reader = DIALECT.reader(message_ask(stream=True), openai_model())

    with pytest.raises(UpstreamError):
        reader.feed(b"data: " + orjson.dumps(data) + b"\n\n")


def test_a_call_without_a_name_ends_in_an_error_and_not_in_an_answer():
    reader = DIALECT.reader(message_ask(stream=True), openai_model())
    reader.feed(stream(tool_chunk(0, "{}", id="call_1"), chunk("tool_calls"), USAGE))

    with pytest.raises(UpstreamError):
        reader.completion()
