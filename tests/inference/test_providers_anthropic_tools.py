"""OpenAI's tools, calls and results in the words of Anthropic."""

import pytest

from acron_site.lib.errors import InvalidRequestError
from tests.inference.anthropic_kit import (
    ABLE,
    DIALECT,
    NEWEST,
    called,
    function,
    result,
    says,
    sent,
    text_block,
    use,
)
from tests.inference.asks import anthropic_model, ask

MARK = {"type": "ephemeral", "ttl": "1h"}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
DESCRIBED = function(description="Looks a river up.", parameters=SCHEMA, strict=True)
TRANSLATED = {"name": "river", "description": "Looks a river up.", "input_schema": SCHEMA, "strict": True}
OWN = {"type": "web_fetch_20260318", "name": "web_fetch", "max_uses": 3}


@pytest.mark.parametrize(
    ("tool", "translated"),
    [
        (DESCRIBED, TRANSLATED),
        ({**DESCRIBED, "cache_control": MARK}, {**TRANSLATED, "cache_control": MARK}),
        (function(cache_control=MARK), {"name": "river", "input_schema": {"type": "object"}, "cache_control": MARK}),
        (function(parameters=None, strict=False), {"name": "river", "input_schema": {"type": "object"}}),
        (OWN, OWN),
        ({"name": "own", "input_schema": SCHEMA}, {"name": "own", "input_schema": SCHEMA}),
    ],
)
def test_a_tool_is_described_in_anthropics_words(tool, translated):
    assert sent(ask(tools=[tool]))["tools"] == [translated]


def test_functions_are_tools_that_are_called_one_at_a_time():
    body = sent(ask(functions=[DESCRIBED["function"]], function_call="auto"))

    assert body["tools"] == [TRANSLATED]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


NAMED = {"type": "function", "function": {"name": "river"}}


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": NAMED}, {"type": "tool", "name": "river"}),
        ({"tool_choice": {"type": "any"}}, {"type": "any"}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
    ],
)
def test_the_choice_of_a_tool_is_translated(fields, choice):
    assert sent(ask(tools=[DESCRIBED], **fields)).get("tool_choice") == choice


@pytest.mark.parametrize(("choice", "translated"), [("none", {"type": "none"}), ({"name": "river"}, "tool")])
def test_the_choice_of_a_function_is_translated(choice, translated):
    body = sent(ask(functions=[DESCRIBED["function"]], function_call=choice))

    assert translated in (body["tool_choice"], body["tool_choice"]["type"])


@pytest.mark.parametrize("choice", ["required", NAMED, {"type": "any"}])
def test_a_model_that_cannot_be_forced_to_call_says_so(choice):
    with pytest.raises(InvalidRequestError, match='use "auto"') as refused:
        DIALECT.call(ask(tools=[DESCRIBED], tool_choice=choice), NEWEST)

    assert refused.value.param == "tool_choice"


QUESTION = says("user", "How long?")
CALLS = says("assistant", None, tool_calls=[called("call_1"), called("call_2", arguments="")])
CALLED = says("assistant", [use("call_1"), {"type": "tool_use", "id": "call_2", "name": "river", "input": {}}])
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.test/map.png"}}


def answers(own_id, content, **fields):
    return says("tool", content, tool_call_id=own_id, **fields)


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        (
            [QUESTION, CALLS, answers("call_1", "1233"), answers("call_2", "2850")],
            [QUESTION, CALLED, says("user", [result("call_1", "1233"), result("call_2", "2850")])],
        ),
        # results first, whatever stands between them, in one turn
        (
            [QUESTION, CALLS, answers("call_2", "b"), says("user", "and?"), says("system", "s"), answers("call_1", "")],
            [
                QUESTION,
                CALLED,
                says(
                    "user",
                    [result("call_2", "b"), {"type": "tool_result", "tool_use_id": "call_1"}, text_block("and?")],
                ),
            ],
        ),
        (
            [QUESTION, says("assistant", "Wait.", tool_calls=[called("a")]), answers("a", [text_block("x"), IMAGE])],
            [
                QUESTION,
                says("assistant", [text_block("Wait."), use("a")]),
                says(
                    "user",
                    [
                        result(
                            "a",
                            [
                                text_block("x"),
                                {"type": "image", "source": {"type": "url", "url": "https://a.test/map.png"}},
                            ],
                        )
                    ],
                ),
            ],
        ),
        (
            [
                QUESTION,
                says("assistant", None, tool_calls=[called("a", cache_control=MARK)]),
                answers("a", "x", cache_control=MARK),
            ],
            [
                QUESTION,
                says("assistant", [{**use("a"), "cache_control": MARK}]),
                says("user", [result("a", "x", cache_control=MARK)]),
            ],
        ),
        # ids that Anthropic would refuse, or that come again in a later turn
        (
            [
                QUESTION,
                says("assistant", None, tool_calls=[called("functions.river:0"), called("functions_river_0")]),
                answers("functions_river_0", "2"),
                answers("functions.river:0", "1"),
                says("assistant", None, tool_calls=[called("functions.river:0")]),
                answers("functions.river:0", "3"),
            ],
            [
                QUESTION,
                says("assistant", [use("functions_river_0"), use("functions_river_0_2")]),
                says("user", [result("functions_river_0_2", "2"), result("functions_river_0", "1")]),
                says("assistant", [use("functions_river_0_3")]),
                says("user", [result("functions_river_0_3", "3")]),
            ],
        ),
        (
            [
                QUESTION,
                says("assistant", None, function_call=called("")["function"]),
                says("function", "1233", name="river"),
            ],
            [QUESTION, says("assistant", [use("river")]), says("user", [result("river", "1233")])],
        ),
    ],
)
def test_calls_and_results_are_translated(messages, turns):
    assert sent(ask(messages=messages, tools=[DESCRIBED]))["messages"] == turns


def test_thinking_goes_back_as_it_came():
    thoughts = [{"type": "thinking", "thinking": "", "signature": "xyz"}, {"type": "redacted_thinking", "data": "s"}]
    said = says("assistant", "Wait.", tool_calls=[called("a")], thinking_blocks=thoughts, reasoning_content="hm")

    body = sent(ask(messages=[QUESTION, said, answers("a", "x")], tools=[DESCRIBED]))

    assert body["messages"][1]["content"] == [*thoughts, text_block("Wait."), use("a")]


def test_tools_called_before_are_described_even_if_they_are_no_longer_offered():
    body = sent(ask(messages=[QUESTION, CALLS, answers("call_1", "a"), answers("call_2", "b")]))

    assert body["tools"] == [{"name": "river", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("options", "tool", "dropped"),
    [
        ({}, {}, ()),
        ({"search_context_size": "low"}, {}, ("web_search_options.search_context_size",)),
        (
            {"user_location": {"type": "approximate", "approximate": {"city": "Köln", "country": "DE"}}},
            {"user_location": {"type": "approximate", "city": "Köln", "country": "DE"}},
            (),
        ),
    ],
)
def test_a_web_search_is_a_tool_of_the_servers(options, tool, dropped):
    asked = ask(web_search_options=options)

    assert sent(asked)["tools"] == [{"type": "web_search_20250305", "name": "web_search", **tool}]
    assert DIALECT.call(asked, ABLE).dropped == dropped


def test_a_model_that_cannot_search_says_so():
    with pytest.raises(InvalidRequestError) as refused:
        DIALECT.call(ask(web_search_options={}), anthropic_model())

    assert refused.value.param == "web_search_options"


WAITING = [QUESTION, says("assistant", None, tool_calls=[called("a")])]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": "all"}, "tools"),
        ({"tools": [7]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": 7}}]}, "tools[0].function.name"),
        ({"tools": [function(parameters="none")]}, "tools[0].function.parameters"),
        ({"tools": [function(strict="yes")]}, "tools[0].function.strict"),
        ({"tools": [DESCRIBED, {"type": "custom", "custom": {"name": "free"}}]}, "tools[1]"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"functions": [7]}, "functions[0]"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"function_call": {"name": "river"}}, "function_call"),
        ({"tools": [DESCRIBED], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [DESCRIBED], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": [DESCRIBED], "tool_choice": 7}, "tool_choice"),
        ({"tools": [DESCRIBED], "parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"web_search_options": "on"}, "web_search_options"),
        ({"messages": WAITING}, "messages[1].tool_calls"),
        ({"messages": [*WAITING, says("assistant", "b")]}, "messages[1].tool_calls"),
        ({"messages": [*WAITING, answers("b", "x")]}, "messages[2].tool_call_id"),
        ({"messages": [*WAITING, answers("a", "x"), answers("a", "x")]}, "messages[3].tool_call_id"),
        ({"messages": [*WAITING, says("tool", "x")]}, "messages[2].tool_call_id"),
        ({"messages": [QUESTION, says("function", "x", name="river")]}, "messages[1].name"),
        ({"messages": [says("assistant", None, tool_calls="a")]}, "messages[0].tool_calls"),
        ({"messages": [says("assistant", None, tool_calls=[7])]}, "messages[0].tool_calls[0]"),
        ({"messages": [says("assistant", None, tool_calls=[{}])]}, "messages[0].tool_calls[0].id"),
        ({"messages": [says("assistant", None, tool_calls=[{"id": "a"}])]}, "messages[0].tool_calls[0].function.name"),
        (
            {"messages": [says("assistant", None, tool_calls=[called("a", type="custom")])]},
            "messages[0].tool_calls[0]",
        ),
        (
            {"messages": [says("assistant", None, tool_calls=[called("a"), called("a")])]},
            "messages[0].tool_calls[1].function",
        ),
        *(
            (
                {"messages": [says("assistant", None, tool_calls=[called("a", arguments=given)])]},
                "messages[0].tool_calls[0].function.arguments",
            )
            for given in ("[1]", '{"a"', 7, {"name": "Rhein"}, "null")
        ),
        ({"messages": [says("assistant", "a", thinking_blocks="hm")]}, "messages[0].thinking_blocks"),
        (
            {"messages": [says("assistant", "a", thinking_blocks=[{"type": "thinking", "thinking": "hm"}])]},
            "messages[0].thinking_blocks[0]",
        ),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        DIALECT.call(ask(**fields), ABLE)

    assert refused.value.param == param
