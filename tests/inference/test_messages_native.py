"""Anthropic's own dialect: little is changed on the way there, nothing on the way back."""

import orjson
import pytest

from acron_site.lib.errors import UpstreamError
from inference import keeping
from inference.domain import Format
from inference.providers.messages_native import MessagesDialect
from inference.wire import framing, message_events
from tests.inference.asks import anthropic_model
from tests.inference.messages_kit import checked, events_in, message_ask, message_told_by

DIALECT = MessagesDialect(api_key="sk-ant-secret")


def test_a_request_is_the_callers_with_the_models_name_and_the_key():
    asked = message_ask(temperature=0.3, stream=True, system=[{"type": "text", "text": "s", "cache_control": {"a": 1}}])

    call = DIALECT.call(asked, anthropic_model())

    assert call.url == "https://provider.test/v1/messages"
    assert orjson.loads(call.body) == {**asked.body, "model": "claude-2026", "stream": True}
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert call.headers["x-api-key"] == "sk-ant-secret"
    assert call.dropped == ()


def test_a_plain_request_does_not_say_stream_and_passes_betas_on():
    asked = message_ask(
        stream=False, head={"anthropic_beta": "files-api-2025-04-14", "anthropic_version": "2024-01-01"}
    )

    call = DIALECT.call(asked, anthropic_model())

    assert "stream" not in orjson.loads(call.body)
    assert call.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert call.headers["anthropic-version"] == "2024-01-01"


def test_models_that_do_not_sample_are_not_asked_to():
    asked = message_ask(temperature=0.3, top_p=0.5, top_k=3)

    call = DIALECT.call(asked, anthropic_model(capabilities=frozenset()))

    assert call.dropped == ("temperature", "top_p", "top_k")
    assert not {"temperature", "top_p", "top_k"} & set(orjson.loads(call.body))


def message(*blocks, stop_reason="end_turn", **fields):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-2026-snapshot",
        "content": list(blocks),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 7},
        **fields,
    }


TEXT = {"type": "text", "text": "Grüße, Πηνειός 🐟"}
THOUGHT = {"type": "thinking", "thinking": "Let me see…", "signature": "c2ln"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Kraków", "days": [1, 2]}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rivers"}}
CITED = {
    "type": "text",
    "text": "It is long.",
    "citations": [
        {
            "type": "char_location",
            "cited_text": "long",
            "document_index": 0,
            "document_title": None,
            "file_id": None,
            "start_char_index": 0,
            "end_char_index": 4,
        }
    ],
}


@pytest.mark.parametrize(
    ("blocks", "stop_reason", "reason", "is_kept"),
    [
        ([TEXT], "end_turn", "stop", True),
        ([TEXT], "stop_sequence", "stop", True),
        ([THOUGHT, TEXT], "end_turn", "stop", True),
        ([THOUGHT], "end_turn", "stop", False),
        ([], "end_turn", "stop", False),
        ([{"type": "text", "text": ""}], "end_turn", "stop", False),
        ([TEXT], "max_tokens", "length", False),
        ([TEXT], "model_context_window_exceeded", "length", False),
        ([TEXT], "pause_turn", "length", False),
        ([TEXT], "refusal", "content_filter", False),
        ([TEXT, CALL], "tool_use", "tool_calls", False),
        ([SEARCH, TEXT], "end_turn", "hosted_tool", False),  # what was found today is not what is found tomorrow
        ([TEXT], "invented", "length", False),
    ],
)
def test_only_whole_answers_of_the_model_alone_are_kept(blocks, stop_reason, reason, is_kept):
    body = orjson.dumps(message(*blocks, stop_reason=stop_reason))

    completion = DIALECT.completion(body, message_ask())

    assert completion.body == body
    assert completion.finish_reasons == (reason,)
    assert (not keeping.flaw(completion, keep_tool_calls=False)) is is_kept
    assert (completion.model_answered, completion.usage.tokens.input) == ("claude-2026-snapshot", 9)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"5",
        b"{}",
        b'{"content":[]}',
        b'{"content":[5],"stop_reason":"end_turn"}',
        b'{"content":"x","stop_reason":"end_turn"}',
        b'{"content":[],"stop_reason":null}',
    ],
)
def test_what_is_no_message_is_an_upstream_error(body):
    with pytest.raises(UpstreamError):
        DIALECT.completion(body, message_ask())


def test_odd_blocks_and_usage_break_neither_the_answer_nor_its_replay():
    odd = message({"type": ["x"]}, {"text": 5}, {"citations": 5, "text": None}, usage=[1], invented={"a": 1})

    completion = DIALECT.completion(orjson.dumps(odd).replace(b'["x"]', b'"x"'), message_ask())

    assert b"message_stop" in b"".join(message_events.replay(completion.body))


# --- streams


def stream_of(*blocks, stop_reason="end_turn"):
    """As Anthropic sends it: pings, counts that grow, an input in torn pieces."""
    events = list(message_events.replay(orjson.dumps(message(*blocks, stop_reason=stop_reason))))
    return b"".join([events[0], b'event: ping\ndata: {"type": "ping"}\n\n', *events[1:]])


WHOLE = stream_of(THOUGHT, TEXT, CITED, SEARCH, CALL, stop_reason="tool_use")
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def reader():
    return DIALECT.reader(message_ask(stream=True), anthropic_model())


@pytest.mark.parametrize("data", [WHOLE, WHOLE.replace(b"\n", b"\r\n")])
def test_a_stream_is_relayed_byte_for_byte_however_it_is_split(data):
    *_, stop = framing.split(data)
    for position in range(1, len(data)):
        follows = reader()

        relayed = follows.feed(data[:position]) + follows.feed(data[position:])

        assert follows.is_complete
        assert relayed == data.removesuffix(stop)
        assert follows.ending() == stop


def test_a_stream_in_single_bytes_is_the_same():
    follows = reader()

    relayed = b"".join(follows.feed(WHOLE[place : place + 1]) for place in range(len(WHOLE)))

    assert relayed + follows.ending() == WHOLE


def test_what_is_kept_of_a_stream_is_the_whole_message():
    follows = reader()
    follows.feed(WHOLE)

    kept = orjson.loads(follows.completion().body)

    checked(kept)
    assert kept["content"] == [THOUGHT, TEXT, CITED, SEARCH, CALL]
    assert kept["usage"] == {"input_tokens": 9, "output_tokens": 7}
    assert kept["stop_reason"] == "tool_use"
    again = message_told_by(b"".join(message_events.replay(orjson.dumps(kept))))
    assert [block["type"] for block in again["content"]] == ["thinking", "text", "text", "server_tool_use", "tool_use"]
    assert again["content"][-1]["input"] == CALL["input"]
    assert again["content"][0] == THOUGHT


def test_unknown_events_blocks_and_deltas_survive():
    told = [
        {"type": "message_start", "message": message(stop_reason=None) | {"content": []}},
        {"type": "invented_event", "x": 1},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "invented", "note": "a"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "invented_delta", "note": "b", "score": 5}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "invented_delta", "note": "c"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 3, "input_tokens": 20, "cache_read_input_tokens": None},
            "context_management": {"applied_edits": []},
        },
        {"type": "message_stop"},
    ]
    data = b"".join(map(message_events.event, told))
    follows = reader()

    relayed = follows.feed(data)

    assert relayed + follows.ending() == data
    kept = orjson.loads(follows.completion().body)
    assert kept["content"] == [{"type": "invented", "note": "abc", "score": 5}]
    assert kept["context_management"] == {"applied_edits": []}
    assert kept["usage"] == {"input_tokens": 20, "output_tokens": 3}  # cumulative: replaced, never added


def test_a_stream_cut_anywhere_is_not_complete_and_its_usage_is_an_estimate():
    events = framing.split(WHOLE)
    for count in range(len(events)):
        follows = reader()
        follows.feed(b"".join(events[:count]))

        assert not follows.is_complete
        with pytest.raises(UpstreamError):
            follows.completion()
        spent = follows.usage_so_far()
        assert spent.is_estimate or count == len(events) - 1
        assert spent.tokens.output <= 60


def test_a_stop_without_a_reason_is_no_end():
    follows = reader()

    follows.feed(STOP)

    assert not follows.is_complete


def test_an_error_event_ends_the_stream_in_our_words():
    follows = reader()
    follows.feed(stream_of(TEXT)[:-200].rpartition(b"event:")[0])

    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    with pytest.raises(UpstreamError, match="Overloaded"):
        follows.feed(error)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"5",
        b"{}",
        b'{"type":"content_block_delta","index":3,"delta":{}}',
        b'{"type":"message_start"}',
        b'{"type":"content_block_start","index":[],"content_block":{}}',
        b'{"type":"message_delta","delta":5}',
        b'{"type":"message_start","message":{"usage":"many"}}',
    ],
)
def test_an_event_that_makes_no_sense_is_an_upstream_error(data):
    with pytest.raises(UpstreamError):
        reader().feed(b"data: " + data + b"\n\n")


def test_the_events_told_again_are_what_the_sdk_knows():
    assert [event["type"] for event in events_in(stream_of(TEXT))][:3] == [
        "message_start",
        "ping",
        "content_block_start",
    ]


def test_a_tool_input_that_is_cut_off_is_handed_on_as_it_is():
    cut = WHOLE.replace(b'"partial_json":"{\\"city\\"', b'"partial_json":"{\\"city')
    follows = reader()
    follows.feed(cut)

    kept = orjson.loads(follows.completion().body)

    assert set(kept["content"][-1]["input"]) == {"INVALID_JSON"}


def test_the_ask_is_in_its_own_format():
    asked = message_ask(metadata={"user_id": "u-1"})

    assert (asked.format, asked.endpoint, asked.end_user) == (Format.MESSAGES, "messages", "u-1")
