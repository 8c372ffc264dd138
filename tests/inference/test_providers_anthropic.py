"""OpenAI's requests in the words of Anthropic: limits, sampling, system prompts and turns of text."""

from typing import Any

import orjson
import pytest

from acron_site.lib.errors import InvalidRequestError
from tests.inference.anthropic_kit import ABLE, DIALECT, SAMPLING, says, sent, text_block
from tests.inference.asks import anthropic_model, ask

NO_SAMPLING = anthropic_model(capabilities=frozenset({"streaming"}))


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


TEXTS = [text_block("a"), text_block("b")]
MARK = {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("messages", "system", "turns"),
    [
        ([says("user", "a")], None, [says("user", "a")]),
        ([says("system", "s"), says("user", "a")], "s", [says("user", "a")]),
        ([says("system", "s"), says("user", "a"), says("developer", [text_block("d")])], "s\n\nd", [says("user", "a")]),
        ([says("user", "a"), says("user", "b")], None, [says("user", TEXTS)]),
        ([says("user", TEXTS)], None, [says("user", TEXTS)]),
        (
            [says("user", "a"), says("assistant", "b"), says("user", "c")],
            None,
            [says("user", "a"), says("assistant", "b"), says("user", "c")],
        ),
        ([says("user", "a"), says("assistant", ""), says("user", "b")], None, [says("user", TEXTS)]),
        ([says("user", "a"), says("assistant", None)], None, [says("user", "a")]),
        ([says("user", [text_block("a"), text_block(" \n")])], None, [says("user", "a")]),
        ([says("system", "s")], None, [says("user", "s")]),
        (
            [says("user", "a"), says("assistant", [{"type": "refusal", "refusal": "no"}])],
            None,
            [says("user", "a"), says("assistant", "no")],
        ),
        (
            [says("user", "a"), says("assistant", None, refusal="no")],
            None,
            [says("user", "a"), says("assistant", "no")],
        ),
        ([says("user", "a", name="Ada")], None, [says("user", "a")]),
        ([says("assistant", "hello"), says("user", "a")], None, [says("assistant", "hello"), says("user", "a")]),
        (
            [says("system", [text_block("s", cache_control=MARK), text_block("t")]), says("user", "a")],
            [text_block("s", cache_control=MARK), text_block("t")],
            [says("user", "a")],
        ),
        (
            [says("user", [text_block("a", cache_control=MARK)])],
            None,
            [says("user", [text_block("a", cache_control=MARK)])],
        ),
        (
            [says("user", TEXTS, cache_control=MARK)],
            None,
            [says("user", [text_block("a"), text_block("b", cache_control=MARK)])],
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
    assert sent(ask(**fields), anthropic_model())["max_tokens"] == limit


def test_a_model_that_thinks_gets_room_for_it():
    assert sent(ask(), ABLE)["max_tokens"] == 16_384


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
        ({"top_p": 0.5, "top_k": 5}, {"top_p": 0.5, "top_k": 5}, ()),
        ({"temperature": 0.3, "top_p": 0.5}, {"temperature": 0.3}, ("top_p",)),
        ({"temperature": None}, {}, ()),
        # a model that thinks does not sample
        ({"temperature": 0.3, "thinking": {"type": "adaptive"}}, {}, ("temperature",)),
        ({"top_p": 0.3, "reasoning_effort": "low"}, {}, ("top_p",)),
        ({"top_p": 0.3, "thinking": {"type": "disabled"}}, {"top_p": 0.3}, ()),
    ],
)
def test_sampling_is_brought_into_anthropics_range(fields, kept, dropped):
    call = DIALECT.call(ask(**fields), SAMPLING)

    body = orjson.loads(call.body)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == kept
    assert call.dropped == dropped


def test_what_anthropic_has_no_word_for_is_dropped_and_named():
    asked = ask(
        seed=1,
        user="grace@example.com",
        temperature=0.1,
        top_k=5,
        frequency_penalty=0,
        parallel_tool_calls=True,
        reasoning_effort="high",
    )

    call = DIALECT.call(asked, NO_SAMPLING)

    dropped = {"seed", "user", "temperature", "top_k", "frequency_penalty", "parallel_tool_calls", "reasoning_effort"}
    assert set(call.dropped) == dropped
    assert set(orjson.loads(call.body)) == {"model", "max_tokens", "messages"}
    assert b"grace" not in call.body


def test_anthropics_own_fields_pass_unchanged():
    own: dict[str, Any] = {
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "container": "c",
        "cache_control": MARK,
    }

    body = sent(ask(**own))

    assert {name: body[name] for name in own} == own


def test_fields_that_ask_for_nothing_special_are_no_obstacle():
    asked = ask(
        n=1, tools=[], tool_choice="none", response_format={"type": "text"}, modalities=["text"], logprobs=False
    )

    assert set(sent(asked)) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "a"}}, "audio"),
        ({"messages": "hello"}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [says("user", " ")]}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [says("user", 7)]}, "messages[0].content"),
        ({"messages": [says("user", [7])]}, "messages[0].content[0]"),
        ({"messages": [says("user", [{"type": ["text"], "text": "a"}])]}, "messages[0].content[0]"),
        ({"messages": [says("user", [{"type": "text", "text": 7}])]}, "messages[0].content[0].text"),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "messages[0].role"),
        ({"messages": [says("user", "a"), says("assistant", None, audio={"id": "a"})]}, "messages[1].audio"),
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
        DIALECT.call(ask(**fields), SAMPLING)

    assert refused.value.param == param


def test_a_refusal_is_told_in_the_words_of_anthropic():
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens is too large"}}'

    error = DIALECT.refusal(400, {}, body)

    assert isinstance(error, InvalidRequestError)
    assert error.message == "max_tokens is too large"


def test_an_overloaded_anthropic_is_an_overload_with_a_pause():
    error = DIALECT.refusal(529, {"retry-after": "3"}, b"")

    assert (error.status, error.headers["Retry-After"]) == (503, "3")
