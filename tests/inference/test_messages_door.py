"""`POST /v1/messages` as Anthropic's clients meet it: answers, streams, hits, errors and hostile bodies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import orjson
import pytest
from anthropic.types.shared import ErrorResponse

from acron_site.lib.errors import AcronError
from analytics.events import EventStatus
from inference.domain import Format
from inference.providers.messages_native import MessagesDialect
from inference.providers.transport import HttpTransport
from inference.wire import message_events
from tests.inference import stub
from tests.inference.asgi import call
from tests.inference.doors import hostile_bodies, key, make_door
from tests.inference.kit import Kit
from tests.inference.messages_kit import HELLO, TOOL, checked, events_in, message_told_by

ASKED = {"model": "mock-small", "max_tokens": 500, "messages": [HELLO]}
ANSWERED = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-2026",
    "content": [{"type": "text", "text": "Elbe, Rhein, Donau", "invented": 1}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 7},
}


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
def door(kit: Kit):
    return make_door(kit)


async def test_a_message_is_answered_in_anthropics_words(door, kit):
    response = await call(door, "/v1/messages", ASKED, headers={"x-api-key": "ada", "anthropic-version": "2023-06-01"})

    message = checked(response.json())
    assert response.status == 200
    assert message["id"].startswith("msg_")
    assert [block["type"] for block in message["content"]] == ["text"]
    assert message["stop_reason"] == "end_turn"
    row = kit.ledger.last
    assert (row.endpoint, row.status, row.tokens.output) == (
        "messages",
        EventStatus.OK,
        message["usage"]["output_tokens"],
    )


async def test_a_stream_tells_the_message_that_a_plain_request_gets_and_a_hit_tells_it_again(door):
    streamed = await call(door, "/v1/messages", {**ASKED, "stream": True}, headers=key())
    plain = await call(door, "/v1/messages", ASKED, headers=key())
    replayed = await call(door, "/v1/messages", {**ASKED, "stream": True}, headers=key())

    assert [answer.headers["x-acron-cache"] for answer in (streamed, plain, replayed)] == ["MISS", "HIT-T1", "HIT-T1"]
    told, whole, again = message_told_by(streamed.body), checked(plain.json()), message_told_by(replayed.body)
    for message in (told, again):
        assert message["content"] == whole["content"]
        assert message["usage"] == whole["usage"]
        assert message["stop_reason"] == whole["stop_reason"]
    assert events_in(streamed.body)[-1] == {"type": "message_stop"}


async def test_messages_and_chat_do_not_share_answers(door):
    chat = {"model": "mock-small", "max_tokens": 100, "messages": [HELLO]}
    await call(door, "/v1/chat/completions", chat, headers=key())

    response = await call(door, "/v1/messages", chat, headers=key())

    assert response.headers["x-acron-cache"] == "MISS"


@pytest.mark.parametrize(
    ("headers", "fields", "status", "kind", "code"),
    [
        ({}, {}, 401, "authentication_error", "invalid_api_key"),
        (key("reader"), {}, 403, "permission_error", "insufficient_scope"),
        (key(), {"model": "nothing-like-it"}, 404, "not_found_error", "model_not_found"),
        (key(), {"messages": "x" * 11_000}, 413, "request_too_large", "request_too_large"),
        (key(), {"model": "mock-429"}, 429, "rate_limit_error", "rate_limit_exceeded"),
        (key(), {"model": "mock-error"}, 502, "api_error", "upstream_error"),
        (key(), {"model": "auto", "acron": {"quality_threshold": 5}}, 503, "overloaded_error", "no_models_available"),
        (key(), {"messages": []}, 400, "invalid_request_error", "invalid_request_error"),
        ({**key(), "Content-Type": "text/plain"}, {}, 415, "invalid_request_error", "unsupported_media_type"),
    ],
)
async def test_errors_come_in_anthropics_shape(door, headers, fields, status, kind, code):
    response = await call(door, "/v1/messages", {**ASKED, **fields}, headers=headers)

    document = response.json()
    assert (response.status, document["type"], document["error"]["type"]) == (status, "error", kind)
    assert document["error"]["code"] == code
    assert document["error"]["message"]
    assert document["request_id"] == response.headers["x-request-id"]


def test_anthropics_sdk_knows_the_errors():
    class SlowError(AcronError):
        status = 504

    document = message_events.error_body(SlowError("too slow"), "req_1")

    assert ErrorResponse.model_validate(document).error.type == "timeout_error"


async def test_a_stream_that_breaks_off_ends_with_an_error_event_and_no_stop(door, kit):
    response = await call(door, "/v1/messages", {**ASKED, "model": "mock-cut-stream", "stream": True}, headers=key())

    *_, last = events_in(response.body)
    assert (last["type"], last["error"]["type"]) == ("error", "api_error")
    assert b"message_stop" not in response.body
    assert b'"end_turn"' not in response.body
    assert kit.ledger.last.status is EventStatus.ERROR


async def test_acrons_own_fields_steer_the_choice_and_the_cache():
    kit = Kit(mock=True)
    own = {"tags": {"team": "blue"}, "quality_threshold": 4.5, "cache": {"mode": "off"}}

    response = await call(make_door(kit), "/v1/messages", {**ASKED, "model": "auto", "acron": own}, headers=key())

    assert (response.headers["x-acron-model"], response.headers["x-acron-cache"]) == ("far-away", "BYPASS")
    assert kit.ledger.last.tags == {"team": "blue"}


async def test_what_only_anthropic_can_do_is_refused_by_name_where_another_model_answers(door):
    response = await call(
        door, "/v1/messages", {**ASKED, "mcp_servers": [{"type": "url", "url": "https://x"}]}, headers=key()
    )

    error = response.json()["error"]
    assert (response.status, error["param"]) == (400, "mcp_servers")
    assert "Anthropic" in error["message"]


async def test_what_another_model_has_no_word_for_is_dropped_and_named(door):
    asked = {**ASKED, "top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 2048}}

    response = await call(door, "/v1/messages", asked, headers=key())

    assert response.headers["x-acron-dropped-params"] == "top_k,reasoning_effort"


def native_kit(url: str) -> Kit:
    """A gateway whose provider is Anthropic's, at `url`."""
    kit = Kit(transport=HttpTransport())
    kit.provider = replace(kit.provider, name="anthropic", dialects={Format.MESSAGES: MessagesDialect(api_key="k")})
    for model in kit.catalog.models:  # the router has them already
        object.__setattr__(model, "base_url", url)
    return kit


async def test_anthropics_own_answer_reaches_the_caller_byte_for_byte():
    body = orjson.dumps(ANSWERED, option=orjson.OPT_INDENT_2)
    async with stub.serve((stub.answer(body),)) as provider:
        kit = native_kit(provider.url)
        asked = {**ASKED, "metadata": {"user_id": "u-1"}, "invented_field": {"a": [1]}}
        first = await call(
            make_door(kit),
            "/v1/messages",
            asked,
            headers=key(**{"anthropic-version": "2024-01-01", "anthropic-beta": "b-1,b-2", "cookie": "secret"}),
        )
        again = await call(make_door(kit), "/v1/messages", asked, headers=key(**{"anthropic-beta": "b-1,b-2"}))
        await kit.transport.close()

    sent = provider.received[0]
    assert first.body == body
    assert sent.path == "/v1/messages"
    assert sent.json == {**asked, "model": "mock-small"}
    assert (sent.headers["anthropic-version"], sent.headers["anthropic-beta"]) == ("2024-01-01", "b-1,b-2")
    assert sent.headers["x-api-key"] == "k"
    assert "cookie" not in sent.headers
    assert again.headers["x-acron-cache"] == "MISS"  # asked of another version
    row = next(iter(kit.ledger.rows.values()))
    assert (row.tokens.input, row.tokens.cache_read, row.tokens.output, row.end_user) == (9, 5, 7, "u-1")


async def test_a_native_stream_is_relayed_as_it_is_and_told_again_from_the_cache():
    events = list(message_events.replay(orjson.dumps(ANSWERED)))
    async with stub.serve(stub.stream([b": hello\n\n", *events])) as provider:
        kit = native_kit(provider.url)
        first = await call(make_door(kit), "/v1/messages", {**ASKED, "stream": True}, headers=key())
        hit = await call(make_door(kit), "/v1/messages", {**ASKED, "stream": True}, headers=key())
        await kit.transport.close()

    assert first.body == b": hello\n\n" + b"".join(events)
    assert hit.headers["x-acron-cache"] == "HIT-T1"
    assert message_told_by(hit.body)["content"] == message_told_by(b"".join(events))["content"]
    assert len(provider.received) == 1


async def test_counting_tokens_asks_anthropic_and_leaves_no_row():
    async with stub.serve((stub.answer({"input_tokens": 42}),)) as provider:
        kit = native_kit(provider.url)
        asked = {"model": "mock-small", "messages": [HELLO]}
        response = await call(make_door(kit), "/v1/messages/count_tokens", asked, headers=key())
        await kit.transport.close()

    assert response.json() == {"input_tokens": 42}
    assert provider.received[0].path == "/v1/messages/count_tokens"
    assert provider.received[0].json == asked
    assert kit.ledger.rows == {}


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (
            stub.answer({"error": {"type": "rate_limit_error", "message": "slow down"}}, status=429),
            429,
            "rate_limit_error",
        ),
        (stub.answer({"error": {"message": "bad key"}}, status=401), 502, "api_error"),
        (stub.answer({"tokens": 5}), 502, "api_error"),
        (stub.answer(b"<html>"), 502, "api_error"),
    ],
)
async def test_a_count_that_fails_says_so_in_anthropics_shape(answer, status, kind):
    async with stub.serve((answer,)) as provider:
        kit = native_kit(provider.url)
        asked = {"model": "mock-small", "messages": [HELLO]}
        response = await call(make_door(kit), "/v1/messages/count_tokens", asked, headers=key())
        await kit.transport.close()

    assert (response.status, response.json()["error"]["type"]) == (status, kind)


async def test_other_models_tokens_are_counted_here(door, kit):
    counts = []
    for asked in (
        {"messages": [HELLO]},
        {"messages": [HELLO], "system": "Answer in one word."},
        {"messages": [HELLO], "tools": [TOOL]},
        {"messages": [{"role": "user", "content": "Name three rivers. " * 200}]},
    ):
        response = await call(door, "/v1/messages/count_tokens", {"model": "mock-small", **asked}, headers=key())
        assert response.status == 200, response.body
        counts.append(response.json()["input_tokens"])

    assert counts[0] == 11  # 4 of text, 4 for the message, 3 for the answer's beginning
    assert counts[1] == counts[0] + 4 + 5
    assert counts[2] > counts[0] + 20
    assert 800 < counts[3] < 1010
    assert kit.ledger.rows == {}


@pytest.mark.parametrize("model", ["auto", "small"])
async def test_tokens_are_counted_by_alias_and_before_a_model_is_chosen(door, model):
    asked = {"model": model, "messages": [HELLO]}

    response = await call(door, "/v1/messages/count_tokens", asked, headers=key())

    assert response.json() == {"input_tokens": 11}


@pytest.mark.parametrize(("fields", "status"), [({"model": "nothing"}, 404), ({"messages": 5}, 400)])
async def test_a_count_of_nonsense_is_refused(door, fields, status):
    asked = {"model": "mock-small", "messages": [HELLO], **fields}

    response = await call(door, "/v1/messages/count_tokens", asked, headers=key())

    assert (response.status, response.json()["type"]) == (status, "error")


ODD: list[Any] = [None, 7, -1, 1.5, "x", "", [], {}, True, [[]], {"a": None}, "\x00", 2**63, ["x", 5], {"type": 5}]
ODD += [{"type": "x"}, [{"type": "text"}], [{"type": "text", "text": 5}], [None], {"type": "enabled"}]
FIELDS = """model messages system max_tokens stream temperature top_p top_k stop_sequences tools tool_choice thinking
output_config metadata service_tier speed acron container mcp_servers context_management cache_control"""
KINDS = ("text", "image", "document", "tool_use", "tool_result", "thinking", "search_result", "invented")
BLOCK_FIELDS = ("text", "source", "content", "id", "name", "input", "tool_use_id", "citations", "title")


def hostile_messages() -> Iterator[dict[str, Any]]:
    """Every field, and every field of every kind of block, with everything that does not belong there."""
    yield from ({**ASKED, name: value} for name in FIELDS.split() for value in ODD)
    for kind, name, value in product(KINDS, BLOCK_FIELDS, ODD):
        block = {"type": kind, name: value}
        yield {**ASKED, "messages": [{"role": "user", "content": [block]}]}
        yield {**ASKED, "messages": [{"role": "assistant", "content": [block]}, HELLO]}
    for value in ODD:
        sources = ({"type": "base64", "data": value}, {"type": "content", "content": value}, {"type": value})
        for source, kind in product(sources, ("image", "document")):
            yield {**ASKED, "messages": [{"role": "user", "content": [{"type": kind, "source": source}]}]}
        yield from ({**ASKED, "tools": [{**TOOL, name: value}]} for name in ("name", "input_schema", "type", "strict"))
        yield {**ASKED, "tools": [TOOL], "tool_choice": {"type": value, "name": value}}
        yield from ({**ASKED, "output_config": {name: value}} for name in ("effort", "format"))
        yield from ({**ASKED, "messages": turns} for turns in ([value], [HELLO, value]))


def deep_messages() -> Iterator[bytes]:
    nested: Any = "x"
    for _ in range(200):
        nested = [{"type": "tool_result", "tool_use_id": "t", "content": nested}]
    yield json.dumps({**ASKED, "messages": [{"role": "user", "content": nested}]}).encode()
    call_deep = {"type": "tool_use", "id": "a", "name": "b", "input": {"a": "HERE"}}
    asked = orjson.dumps({**ASKED, "messages": [{"role": "assistant", "content": [call_deep]}, HELLO]})
    yield asked.replace(b'"HERE"', b"[" * 600 + b"]" * 600)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_malformed_messages_are_refused_in_anthropics_shape_and_are_never_our_failure(path, caplog):
    door = make_door(Kit())
    for body in [*map(orjson.dumps, hostile_messages()), *deep_messages(), *hostile_bodies()]:
        response = await call(door, path, body, headers=key())

        assert response.status == 200 or 400 <= response.status < 500, (body[:300], response.body)
        if response.status != 200:
            assert response.json()["type"] == "error", body[:200]
            assert response.json()["error"]["message"], body[:200]
    assert "gateway.failed" not in caplog.text


async def test_a_stranger_never_gets_our_message(door):
    await call(door, "/v1/messages", ASKED, headers=key())

    theirs = await call(door, "/v1/messages", ASKED, headers=key("mallory"))

    assert theirs.headers["x-acron-cache"] == "MISS"
