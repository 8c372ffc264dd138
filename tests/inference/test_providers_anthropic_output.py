"""How hard an Anthropic model is told to think, and in which form it is told to answer."""

import pytest

from acron_site.lib.errors import InvalidRequestError
from tests.inference.anthropic_kit import ABLE, BUDGETED, DIALECT, NEWEST, SAMPLING, called, function, says, sent
from tests.inference.asks import anthropic_model, ask

ADAPTIVE = {"type": "adaptive"}


def budget(tokens):
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "told"),
    [
        (NEWEST, "high", ADAPTIVE, "high"),
        (NEWEST, "minimal", ADAPTIVE, "low"),
        (NEWEST, "xhigh", ADAPTIVE, "xhigh"),
        (NEWEST, "max", ADAPTIVE, "max"),
        (NEWEST, "none", None, "low"),
        (SAMPLING, "xhigh", ADAPTIVE, "high"),
        (SAMPLING, "max", ADAPTIVE, "max"),
        (BUDGETED, "none", None, None),
        (BUDGETED, "minimal", budget(1024), None),
        (BUDGETED, "medium", budget(4096), None),
        (BUDGETED, "xhigh", budget(8192), None),  # half of the answer's limit
    ],
)
def test_reasoning_effort_is_told_as_each_generation_knows_it(model, effort, thinking, told):
    body = sent(ask(reasoning_effort=effort), model)

    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == told
    assert DIALECT.call(ask(reasoning_effort=effort), model).dropped == ()


AMID_CALLS = [
    says("user", "How long?"),
    says("assistant", None, tool_calls=[called("a")]),
    says("tool", "1233", tool_call_id="a"),
]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (anthropic_model(), {}),
        (BUDGETED, {"max_tokens": 2000}),
        (BUDGETED, {"tools": [function()], "tool_choice": "required"}),
        (BUDGETED, {"tools": [function()], "messages": AMID_CALLS}),
        (BUDGETED, {"thinking": budget(3000)}),
    ],
)
def test_an_effort_that_cannot_be_told_is_dropped_and_named(model, fields):
    call = DIALECT.call(ask(reasoning_effort="high", **fields), model)

    assert call.dropped == ("reasoning_effort",)
    assert sent(ask(reasoning_effort="high", **fields), model).get("thinking") == fields.get("thinking")


def test_what_was_thought_before_a_call_lets_the_model_think_on():
    thought = {"type": "thinking", "thinking": "hm", "signature": "xyz"}
    messages = [AMID_CALLS[0], {**AMID_CALLS[1], "thinking_blocks": [thought]}, AMID_CALLS[2]]

    body = sent(ask(reasoning_effort="low", tools=[function()], messages=messages), BUDGETED)

    assert body["thinking"] == budget(1024)


def test_a_model_that_is_forced_to_call_is_not_told_to_think_before():
    body = sent(ask(reasoning_effort="high", tools=[function()], tool_choice="required"), ABLE)

    assert "thinking" not in body
    assert body["output_config"] == {"effort": "high"}


SCHEMA = {"type": "object", "properties": {"river": {"type": "string"}}, "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}


def test_a_schema_becomes_a_structured_output():
    body = sent(ask(response_format=FORMAT))

    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert "response_format" not in body


def test_a_schema_an_effort_and_the_callers_own_word_go_together():
    body = sent(ask(response_format=FORMAT, reasoning_effort="low", output_config={"effort": "max"}))

    assert body["output_config"] == {"effort": "max", "format": {"type": "json_schema", "schema": SCHEMA}}


def test_the_callers_own_output_config_passes():
    assert sent(ask(output_config={"effort": "xhigh"}))["output_config"] == {"effort": "xhigh"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"reasoning_effort": 7}, "reasoning_effort"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": ["json_schema"]}}, "response_format"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "json_schema", "json_schema": 7}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": "x"}}},
            "response_format.json_schema.schema",
        ),
        ({"response_format": FORMAT, "output_config": "x"}, "output_config"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(fields, param):
    with pytest.raises(InvalidRequestError) as refused:
        DIALECT.call(ask(**fields), ABLE)

    assert refused.value.param == param


def test_json_without_a_schema_is_asked_for_among_the_instructions():
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where? In JSON."}]

    body = sent(ask(messages=messages, response_format={"type": "json_object"}))

    assert body["system"].startswith("Be brief.\n\nAnswer with one valid JSON object")
    assert "output_config" not in body
