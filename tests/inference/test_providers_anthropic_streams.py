"""Anthropic's streams, retold in OpenAI's chunks."""

import orjson
import pytest
from openai.types.chat import ChatCompletionChunk

from acron_site.lib.errors import UpstreamError
from inference.wire import framing, sse
from inference.wire.chunks import ChunkAssembler
from tests.inference.anthropic_kit import (
    CALLING,
    DIALECT,
    MESSAGE,
    OPENAI_USAGE,
    THOUGHT,
    delta,
    ended,
    event,
    read,
    started,
    streamed,
    text_block,
    use,
)
from tests.inference.asks import ask
from tests.inference.test_providers_anthropic_answers import CITED

FUNCTIONS = {"functions": [{"name": "river"}]}
STREAM = streamed(MESSAGE)


def chunks_of(relayed):
    chunks = [orjson.loads(framing.payload(told)) for told in framing.split(relayed)]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    return chunks


def deltas_of(relayed):
    return [chunk["choices"][0]["delta"] for chunk in chunks_of(relayed)]


def text(content):
    return delta(1, "text_delta", text=content)


def test_a_stream_is_retold_in_openais_chunks():
    _, relayed = read(*STREAM)

    assert deltas_of(relayed) == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "river"},
        {"reasoning_content": "s..."},
        {"content": "Rhein"},
        {"content": ", "},
        {"content": "Dönau"},
        {"content": ".\n\n🌍"},
        {"thinking_blocks": [THOUGHT]},
        {},
    ]
    chunks = chunks_of(relayed)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 8 + ["stop"]
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-01abc", 1_790_000_000, "claude-2026-11")
    }
    assert not any("usage" in chunk for chunk in chunks)


def test_calls_are_told_by_name_first_and_then_in_pieces():
    _, relayed = read(*streamed(CALLING))

    calls = [told for part in deltas_of(relayed) for told in part.get("tool_calls", ())]
    heads = [call for call in calls if "id" in call]
    assert heads == [
        {"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "river", "arguments": ""}},
        {"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": ""}},
    ]
    arguments = ["".join(call["function"]["arguments"] for call in calls if call["index"] == index) for index in (0, 1)]
    assert [orjson.loads(text) for text in arguments] == [{"name": "Rhein", "length_km": 1233}, {}]
    assert calls[0] is heads[0]
    assert chunks_of(relayed)[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_who_asked_with_functions_hears_of_one_function_call():
    _, relayed = read(*streamed(CALLING), **FUNCTIONS)

    calls = [part["function_call"] for part in deltas_of(relayed) if "function_call" in part]
    assert calls[0] == {"name": "river", "arguments": ""}
    assert orjson.loads("".join(call["arguments"] for call in calls)) == {"name": "Rhein", "length_km": 1233}
    assert chunks_of(relayed)[-1]["choices"][0]["finish_reason"] == "function_call"


def test_a_search_of_the_servers_is_not_the_callers_to_run():
    _, relayed = read(*streamed(CITED))

    told = deltas_of(relayed)
    assert not any("tool_calls" in part for part in told)
    assert "".join(part.get("content", "") for part in told) == "So: 1233 km."
    assert told[-2]["annotations"][0]["url_citation"]["url"] == "https://a.test/"


def test_an_input_that_comes_whole_is_told_whole():
    stream = [started(), event("content_block_start", index=0, content_block=use("toolu_1"))]

    _, relayed = read(*stream, event("content_block_stop", index=0), *ended("tool_use"))

    assert deltas_of(relayed)[2]["tool_calls"][0]["function"]["arguments"] == '{"name":"Rhein"}'


def test_usage_is_told_at_the_end_to_those_who_asked():
    _, relayed = read(*STREAM, include_usage=True)

    *others, last = chunks_of(relayed)
    assert (last["choices"], last["usage"]) == ([], OPENAI_USAGE)
    assert all(chunk["usage"] is None for chunk in others)


@pytest.mark.parametrize("fields", [{}, FUNCTIONS])
@pytest.mark.parametrize("message", [MESSAGE, CALLING, CITED, {**MESSAGE, "stop_reason": "refusal", "content": []}])
def test_a_streamed_answer_equals_the_whole_one(message, fields):
    reader, _ = read(*streamed(message), **fields)

    assert reader.is_complete
    assert reader.ending() == sse.DONE
    assert reader.completion() == DIALECT.completion(orjson.dumps(message), ask(**fields))


@pytest.mark.parametrize("message", [MESSAGE, CALLING, CITED])
def test_the_chunks_add_up_to_the_whole_answer(message):
    reader, relayed = read(*streamed(message), include_usage=True)

    assembler = ChunkAssembler()
    for chunk in chunks_of(relayed):
        assembler.add(chunk)
    told, whole = assembler.document(), orjson.loads(reader.completion().body)
    for document in (told, whole):
        spoken = document["choices"][0]["message"]
        spoken["refusal"] = None
        spoken["tool_calls"] = [
            (call["id"], call["function"]["name"], orjson.loads(call["function"]["arguments"]))
            for call in spoken.get("tool_calls", ())
        ]
    assert told == whole


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("message", [MESSAGE, CALLING])
def test_however_a_stream_is_torn_it_is_retold_the_same(message, newline):
    stream = b"".join(streamed(message)).replace(b"\n", newline)
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


@pytest.mark.parametrize("told", ['{"name":"Rh', '"Rhein"'])
def test_a_call_that_is_cut_off_is_kept_as_it_was_told(told):
    block = event("content_block_start", index=0, content_block={**use("toolu_1"), "input": {}})
    reader, _ = read(started(), block, delta(0, "input_json_delta", partial_json=told), *ended("max_tokens"))

    choice = orjson.loads(reader.completion().body)["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == told
    assert choice["finish_reason"] == "length"


def test_counts_are_replaced_and_never_added():
    more = event("message_delta", delta={}, usage={"input_tokens": 12, "output_tokens": 9})
    reader, relayed = read(*STREAM[:-1], more, STREAM[-1])

    tokens = reader.usage_so_far().tokens
    assert (tokens.input, tokens.cache_read, tokens.output) == (12, 100, 9)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks_of(relayed)].count("stop") == 1


def test_a_cut_stream_is_counted_by_what_it_told():
    reader, _ = read(started(), *[text("word ") for _ in range(40)])

    usage = reader.usage_so_far()
    assert usage.is_estimate
    assert (usage.tokens.input, usage.tokens.cache_read, usage.tokens.output) == (10, 100, 40)


def test_thoughts_and_arguments_of_a_cut_stream_are_counted_too():
    thinking = [delta(0, "thinking_delta", thinking="hm ") for _ in range(20)]
    block = event("content_block_start", index=1, content_block={**use("toolu_1"), "input": {}})
    signature = delta(0, "signature_delta", signature="xyz" * 1000)
    arguments = [delta(1, "input_json_delta", partial_json="[1,") for _ in range(20)]

    reader, _ = read(started(), *thinking, signature, block, *arguments)

    assert reader.usage_so_far().tokens.output == 40


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
        b'{"type":"content_block_start"}',
        b'{"type":"content_block_start","index":["a"],"content_block":{"type":"text"}}',
        b'{"type":"content_block_start","content_block":7}',
        b'{"type":"content_block_start","content_block":{"type":"text","text":7}}',
        b'{"type":"content_block_start","content_block":{"type":"tool_use"}}',
        b'{"type":"content_block_stop","index":{}}',
        b'{"type":"content_block_delta"}',
        b'{"type":"content_block_delta","delta":{"type":["text_delta"]}}',
        b'{"type":"content_block_delta","delta":{"type":"text_delta","text":7}}',
        b'{"type":"content_block_delta","delta":{"type":"citations_delta"}}',
        b'{"type":"message_delta","delta":7}',
    ],
)
def test_events_that_make_no_sense_are_raised(garbage):
    with pytest.raises(UpstreamError, match="no sense"):
        read(b"data: " + garbage + b"\n\n")


def test_blocks_that_add_up_to_no_answer_are_raised():
    late = event("content_block_start", index="x", content_block=text_block("a"))
    reader, _ = read(*STREAM[:-1], late, STREAM[-1])

    with pytest.raises(UpstreamError, match="no answer"):
        reader.completion()


def test_what_is_no_stream_never_adds_up_to_an_answer():
    reader, relayed = read(b"<html>service unavailable</html>")

    assert relayed == b""
    assert not reader.is_complete
