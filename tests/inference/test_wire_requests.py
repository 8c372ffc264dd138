"""What callers send: read exactly, or refused with the field and the remedy."""

from decimal import Decimal

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError
from inference.domain import CacheControls, RoutingMode
from inference.wire import chat, controls, native
from inference.wire.http import Head

HEAD = Head("req_1", 0.0)
MESSAGES = [{"role": "user", "content": "hello"}]


def read_chat(**fields):
    return chat.read(orjson.dumps({"model": "m", "messages": MESSAGES, **fields}), HEAD)


def read_native(**fields):
    return native.read(orjson.dumps(fields), HEAD, default_mode=RoutingMode.AUTOPILOT)


def test_fields_unknown_today_stay_in_the_request():
    ask = read_chat(tomorrow={"a": [1]}, acron={"tags": {"team": "blue"}})

    assert ask.body["tomorrow"] == {"a": [1]}
    assert "acron" not in ask.body
    assert ask.tags == {"team": "blue"}


@pytest.mark.parametrize(
    ("model", "mode"),
    [("m", "explicit"), ("auto", "autopilot"), ("acron-auto", "autopilot"), ("acron-guided", "guided")],
)
def test_the_model_says_how_to_route(model, mode):
    assert read_chat(model=model).mode == mode


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"n": 0}, "n"),
        ({"user": 5}, "user"),
        ({"response_format": "json"}, "response_format"),
        ({"acron": []}, "acron"),
        ({"acron": {"qualty_threshold": 4}}, "acron.qualty_threshold"),
        ({"acron": {"quality_threshold": 6}}, "acron.quality_threshold"),
        ({"acron": {"quality_preference": "best"}}, "acron.quality_preference"),
        ({"acron": {"latency_budget_ms": -1}}, "acron.latency_budget_ms"),
        ({"acron": {"cost_budget_usd": "much"}}, "acron.cost_budget_usd"),
        ({"acron": {"tags": {"a": 1}}}, "acron.tags"),
        ({"acron": {"tags": {str(i): "" for i in range(40)}}}, "acron.tags"),
        ({"acron": {"routing_mode": "guided"}}, "acron.routing_mode"),
        ({"acron": {"cache": {"mode": "maybe"}}}, "acron.cache.mode"),
        ({"acron": {"cache": {"tiers": [4]}}}, "acron.cache.tiers"),
        ({"acron": {"cache": {"ttl": -1}}}, "acron.cache.ttl"),
        ({"acron": {"cache": {"namespace": 5}}}, "acron.cache.namespace"),
        ({"acron": {"cache": 1}}, "acron.cache"),
        ({"acron": {"cache": {"time": 1}}}, "acron.cache"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(fields, param):
    with pytest.raises(InvalidRequestError) as caught:
        read_chat(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", controls.DEFAULT),
        ("No-Cache", CacheControls(read=False)),
        ("no-store", CacheControls(read=False, write=False)),
        ("max-age=60, only-if-cached", CacheControls(max_age_seconds=60, only_if_cached=True)),
        ('max-age="5"', CacheControls(max_age_seconds=5)),
        ("private, , x=y", CacheControls()),
    ],
)
def test_cache_control_is_read_as_http_means_it(header, expected):
    assert controls.parse(header, "", None) == expected


@pytest.mark.parametrize("header", ["max-age", "max-age=", "max-age=x", "max-age=-1", "max-age=99999999999999"])
def test_an_age_that_is_no_number_is_refused(header):
    with pytest.raises(InvalidRequestError):
        controls.parse(header, "", None)


@pytest.mark.parametrize(
    ("options", "reads", "writes"),
    [
        ({"mode": "off"}, False, False),
        ({"mode": "read"}, True, False),
        ({"mode": "write"}, False, True),
        ({"tiers": [2]}, True, True),
        ({"tiers": []}, False, False),
    ],
)
def test_the_body_steers_the_cache(options, reads, writes):
    parsed = controls.parse("", "team", options)

    assert (parsed.read, parsed.write, parsed.namespace) == (reads, writes, "team")


def test_infer_takes_a_prompt_and_everything_that_steers_it():
    ask = read_native(
        prompt="Hi",
        system="Be kind.",
        routing_mode="guided",
        quality_preference="high",
        cost_budget_usd="0.01",
        tags=["a"],
    )

    assert [message["role"] for message in ask.body["messages"]] == ["system", "user"]
    assert (ask.mode, ask.quality_preference, ask.cost_budget_usd, ask.tags) == (
        RoutingMode.GUIDED,
        "high",
        Decimal("0.01"),
        {"a": ""},
    )


def test_infer_with_a_model_is_explicit():
    ask = read_native(prompt="Hi", model_override="mock-small", routing_mode="autopilot")

    assert (ask.mode, ask.model_requested) == (RoutingMode.EXPLICIT, "mock-small")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "a", "messages": MESSAGES}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"messages": [1]}, "messages[0]"),
        ({"prompt": "a", "promt": "b"}, "promt"),
        ({"prompt": "a", "routing_mode": "magic"}, "routing_mode"),
        ({"prompt": "a", "routing_mode": "explicit"}, "model_override"),
        ({"prompt": "a", "workflow": {"steps": []}}, "prompt"),
        ({"prompt": "a", "max_tokens": "x"}, "max_tokens"),
        ({"prompt": "a", "stream": 1}, "stream"),
    ],
)
def test_infer_names_what_is_wrong(fields, param):
    with pytest.raises(InvalidRequestError) as caught:
        read_native(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b'{"a":1e400}', b"\xff\xfe", b'"\\ud800"', b"[" * 5000, b'{"a":NaN}']
)
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(InvalidRequestError):
        chat.read(body, HEAD)
