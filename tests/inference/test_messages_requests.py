"""Messages requests: what is read of them, what is measured, and how they are told as chat completions."""

from typing import Any

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError
from inference import worst_case
from inference.domain import RoutingMode
from inference.routing.needs import needs_of
from inference.wire import messages
from inference.wire.http import Head
from inference.wire.messages_chat import MessagesTranslation
from tests.inference.asks import anthropic_model
from tests.inference.messages_kit import HELLO, TOOL, message_ask

HEAD = Head(request_id="req_1", started=0.0)
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
LINK = {"type": "image", "source": {"type": "url", "url": "https://pictures.test/a.png"}}
PDF = {
    "type": "document",
    "title": "a.pdf",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
}
NOTE = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a note"}}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
CALL_TOLD = {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def said(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def result(content: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **fields}


def told(**fields: Any) -> dict[str, Any]:
    return MessagesTranslation().request(message_ask(**fields))[0]


# --- reading


def test_the_callers_body_stays_as_it_is_but_for_our_own_fields():
    body = {"model": "auto", "max_tokens": 5, "messages": [HELLO], "betas": ["x"], "acron": {"routing_mode": "guided"}}

    asked = messages.read(orjson.dumps(body), HEAD)

    assert asked.body == {name: value for name, value in body.items() if name != "acron"}
    assert asked.mode is RoutingMode.GUIDED


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [HELLO, user(5)]}, "messages[1].content[0]"),
        ({"messages": [user({"type": "text", "text": 5})]}, "messages[0].content[0].text"),
        ({"messages": [user(result([5]))]}, "messages[0].content[0].content[0]"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"temperature": 1.5}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"system": 5}, "system"),
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"thinking": "yes"}, "thinking"),
        ({"acron": {"qualty": 5}}, "acron.qualty"),
    ],
)
def test_a_wrong_field_is_named(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        message_ask(**fields)

    assert refused.value.param == param


@pytest.mark.parametrize("header", ["x\ty", "é", "x" * 5000])
def test_a_header_that_cannot_be_passed_on_is_refused(header):
    with pytest.raises(InvalidRequestError, match="anthropic-beta"):
        message_ask(head={"anthropic_beta": header})


# --- measuring


def test_the_sketch_is_measured_like_a_chat():
    asked = message_ask(
        system=[text("s" * 400)],
        messages=[user(PNG, PDF, NOTE, text("x" * 400)), assistant(CALL), user(result([text("y" * 400), LINK]))],
        tools=[TOOL],
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        max_tokens=77,
    )

    needs = needs_of(asked.sketch)

    assert needs.capabilities == {"vision", "pdf", "tools", "json_schema"}
    assert needs.output_tokens == 77
    assert 300 < needs.input_tokens < 400
    assert "native_only" not in asked.sketch
    assert worst_case.tokens(asked) == needs.input_tokens + 77


def test_a_search_at_the_provider_is_seen_by_the_worst_case():
    searching = message_ask(tools=[{"type": "web_search_20260318", "name": "web_search"}])

    assert worst_case._may_search(searching.sketch)
    assert worst_case.cost(searching, anthropic_model(), sent_bytes=10) is None  # no prices: no crash
    assert not worst_case._may_search(message_ask(tools=[TOOL]).sketch)


@pytest.mark.parametrize(("speed", "is_seen"), [("fast", True), ("standard", False), (None, False)])
def test_only_speed_that_costs_more_counts(speed, is_seen):
    assert ("speed" in message_ask(speed=speed).sketch) is is_seen


NATIVE_ONLY = [
    ({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}, "tools[0].type"),
    ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type"),
    ({"mcp_servers": [{"type": "url", "url": "https://x.test", "name": "x"}]}, "mcp_servers"),
    ({"container": "c_1"}, "container"),
    ({"context_management": {"edits": [{"type": "clear"}]}}, "context_management"),
    ({"inference_geo": "us"}, "inference_geo"),
    ({"a_field_of_tomorrow": 1}, "a_field_of_tomorrow"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"messages": [HELLO, {"role": "assistant", "content": "The best is ("}]}, "messages[1].role"),
    ({"messages": [user({"type": "container_upload", "file_id": "f"})]}, "messages[0].content[0].type"),
    (
        {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
        "messages[0].content[0].source",
    ),
    (
        {"messages": [user({"type": "document", "source": {"type": "url", "url": "u"}})]},
        "messages[0].content[0].source",
    ),
    ({"messages": [user({**NOTE, "citations": {"enabled": True}})]}, "messages[0].content[0].citations"),
    (
        {"messages": [user(result([{"type": "tool_reference", "tool_name": "x"}]))]},
        "messages[0].content[0].content[0].type",
    ),
    (
        {
            "messages": [
                HELLO,
                assistant({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
                HELLO,
            ]
        },
        "messages[1].content[0].type",
    ),
]


@pytest.mark.parametrize(("fields", "name"), NATIVE_ONLY)
def test_what_only_anthropic_can_do_is_told_to_the_router_and_refused_by_name_elsewhere(fields, name):
    asked = message_ask(**fields)

    assert messages.is_native_only(asked.body)
    assert asked.sketch["native_only"] is True
    with pytest.raises(InvalidRequestError) as refused:
        MessagesTranslation().request(asked)
    assert refused.value.param == name


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "adaptive"}, "metadata": {"user_id": "u"}, "cache_control": {"type": "ephemeral"}},
        {"container": None, "mcp_servers": [], "inference_geo": "global"},
        {"tools": [{**TOOL, "type": "custom"}], "tool_choice": {"type": "any"}, "top_k": 5, "service_tier": "auto"},
        {"messages": [{"role": "system", "content": "s"}, HELLO]},
    ],
)
def test_what_others_can_do_as_well_is_not_bound_to_anthropic(fields):
    assert not messages.is_native_only(message_ask(**fields).body)


# --- telling as a chat


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([HELLO], [HELLO]),
        ([user(text("a"))], [{"role": "user", "content": "a"}]),
        ([user(text("a"), text("b"))], [{"role": "user", "content": [said("a"), said("b")]}]),
        ([user(text("a"), PNG)], [{"role": "user", "content": [said("a"), PNG_PART]}]),
        (
            [user(LINK)],
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://pictures.test/a.png"}}]}],
        ),
        (
            [user(PDF)],
            [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
                        }
                    ],
                }
            ],
        ),
        ([user(NOTE)], [{"role": "user", "content": "a note"}]),
        ([user({**NOTE, "title": "T"})], [{"role": "user", "content": [said("T"), said("a note")]}]),
        (
            [user({"type": "search_result", "source": "s", "title": "t", "content": [said("found")]})],
            [{"role": "user", "content": "t\ns\nfound"}],
        ),
        (
            [HELLO, assistant(text("I look."), CALL), user(result("22 C"), text("and now?"))],
            [
                HELLO,
                {"role": "assistant", "content": "I look.", "tool_calls": [CALL_TOLD]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "22 C"},
                {"role": "user", "content": "and now?"},
            ],
        ),
        (
            [HELLO, assistant(CALL), user(result([text("a"), text("b")], is_error=True))],
            [
                HELLO,
                {"role": "assistant", "content": None, "tool_calls": [CALL_TOLD]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: a\nb"},
            ],
        ),
        (
            [HELLO, assistant(CALL), user(result([text("a"), PNG]))],
            [
                HELLO,
                {"role": "assistant", "content": None, "tool_calls": [CALL_TOLD]},
                {"role": "tool", "tool_call_id": "toolu_1", "content": "a"},
                {"role": "user", "content": [said("Attached to the result of toolu_1:"), PNG_PART]},
            ],
        ),
        ([HELLO, assistant({"type": "thinking", "thinking": "hm", "signature": "s"}), HELLO], [HELLO, HELLO]),
        (
            [HELLO, assistant({"type": "redacted_thinking", "data": "s"}, text("a"), text("b")), HELLO],
            [HELLO, {"role": "assistant", "content": "ab"}, HELLO],
        ),
        (
            [HELLO, {"role": "system", "content": [said("be brief")]}],
            [HELLO, {"role": "system", "content": "be brief"}],
        ),
    ],
)
def test_a_conversation_is_told(turns, expected):
    assert told(messages=turns)["messages"] == expected


@pytest.mark.parametrize("system", ["a\n\nb", [text("a"), text("b")]])
def test_the_system_prompt_comes_first(system):
    assert told(system=system)["messages"] == [{"role": "system", "content": "a\n\nb"}, HELLO]


FUNCTION = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather",
        "parameters": {"type": "object", "properties": {}},
    },
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"tools": [TOOL]}, {"tools": [FUNCTION]}),
        ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, {"tools": [FUNCTION], "tool_choice": "auto"}),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}}, {"tools": [FUNCTION], "tool_choice": "required"}),
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, {"tools": [FUNCTION], "tool_choice": "none"}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}},
            {
                "tools": [FUNCTION],
                "tool_choice": {"type": "function", "function": {"name": "weather"}},
                "parallel_tool_calls": False,
            },
        ),
        ({"tools": [], "tool_choice": {"type": "auto"}}, {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 32_000}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "adaptive"}}, {}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"reasoning_effort": "high"}),
        ({"output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
                }
            },
        ),
        ({"metadata": {"user_id": "grace"}, "cache_control": {"type": "ephemeral"}}, {}),
    ],
)
def test_what_is_wanted_is_told(fields, expected):
    assert told(**fields) == {"model": "mock-small", "messages": [HELLO], "max_tokens": 100, **expected}


def test_what_has_no_counterpart_is_left_out_and_named():
    asked = message_ask(top_k=5, service_tier="standard_only", speed="fast")

    _, dropped = MessagesTranslation().request(asked)

    assert dropped == ("top_k", "service_tier", "speed")
