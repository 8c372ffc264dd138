"""What a request can do without, and what must stay as it is."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.optimising.optimiser import BLANK, OLD, POLITE, REPEATED, optimised
from inference.routing.needs import estimate_tokens

CONTEXT = (
    "The warranty covers every part of the boiler for two years from the day of installation, except for the filter,"
    " which counts as a wearing part."
)
PROTECTED = (
    "```python\nx = 1   \n\n\n\ny = 2\n```",
    '{"a": [1,   2],\n\n\n"b": "c"   }',
    "    indented = True   ",
    "> quoted by somebody, at some length, more than eighty characters of it so that it could be repeated",
    '"She said   \n\n\nthat it was over, and went on for quite a while so that this text is a long one too"',
    "| a | b   |\n|---|---|",
    "https://example.com/a?b=c and some more words so that this line is longer than the shortest repeated one",
)


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def test_a_paragraph_that_was_said_before_is_left_out():
    talk = [user(f"{CONTEXT}\n\nIs the pump covered?"), assistant("Yes."), user(f"{CONTEXT}\n\nAnd the filter?")]

    found = optimised(talk)

    assert [message["content"] for message in found.messages] == [talk[0]["content"], "Yes.", "And the filter?"]
    assert found.what == (REPEATED,)
    assert found.removed_tokens == estimate_tokens({"messages": talk}) - estimate_tokens({"messages": found.messages})
    assert found.removed_tokens > 20


def test_what_is_said_again_on_purpose_is_not_emptied():
    talk = [user(CONTEXT), assistant("I see."), user(CONTEXT)]

    assert list(optimised(talk).messages) == talk


def test_what_the_assistant_said_and_tools_returned_stays():
    talk = [user(CONTEXT), assistant(f"{CONTEXT}  \n\n\n\nYes."), {"role": "tool", "content": f"{CONTEXT}\n\n\n\n1"}]

    assert list(optimised(talk).messages) == talk


def test_blank_space_between_sentences_goes():
    found = optimised([user("One.   \n\n\n\nTwo.\t\nThree.")])

    assert found.messages[0]["content"] == "One.\n\nTwo.\nThree."
    assert found.what == (BLANK,)


def test_a_closing_phrase_goes_unless_it_is_all():
    assert optimised([user("What is rye?\n\nThank you in advance!")]).messages == (user("What is rye?"),)
    assert optimised([user("What is rye?\n\nThanks.")]).what == (POLITE,)
    assert optimised([user("Thank you!")]).messages == (user("Thank you!"),)


@pytest.mark.parametrize("text", PROTECTED)
def test_code_and_quotes_stay_as_they_are_even_twice(text):
    talk = [user(f"Look:\n\n{text}"), assistant("So?"), user(f"Again:\n\n{text}")]

    assert list(optimised(talk).messages) == talk


def test_pictures_stay():
    parts = [{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": "What is it?  "}]

    [message] = optimised([user(parts)]).messages

    assert message["content"] == [parts[0], {"type": "text", "text": "What is it?"}]


def _long_talk():
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "42 " * 100}
    talk = [{"role": "system", "content": "Be brief."}, user("Help me plan a trip."), assistant("Where to?")]
    talk += [user("Look it up. " * 20), call, result, assistant("Found.")]
    for number in range(4):
        talk += [user(f"Question {number}. " * 30), assistant(f"Answer {number}. " * 30)]
    return talk


def test_the_oldest_exchanges_go_until_the_rest_fits():
    talk = _long_talk()

    found = optimised(talk, 600)

    assert OLD in found.what
    assert found.messages[:3] == tuple(talk[:3])
    assert found.messages[-4:] == tuple(
        {**m, "content": m["content"].rstrip()} if m["role"] == "user" else m for m in talk[-4:]
    )
    assert not any(message["role"] == "tool" for message in found.messages)


def test_what_fits_is_left_alone():
    talk = [user("Hello."), assistant("Hi."), user("Who are you?")]

    assert optimised(talk, 10_000).what == ()


def test_a_budget_that_cannot_be_kept_leaves_the_first_and_the_newest():
    found = optimised(_long_talk(), 1)

    assert [message["role"] for message in found.messages] == ["system", *["user", "assistant"] * 3]


_PIECES = st.sampled_from(
    [
        *PROTECTED,
        CONTEXT,
        f"{CONTEXT}  ",
        "Plain words.",
        "Trailing.   ",
        "Thanks.",
        "",
        "\n\n\n",
        " ",
        "a\tb",
        '"',
        "```",
        "{",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=6).map("\n\n".join) | st.text(alphabet='a "\n`{}[]<>|\t.', max_size=60)
_TURNS = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "user", "user", "assistant"]),
    _TEXTS,
)
_CALLS = st.uuids().map(
    lambda key: [
        {"role": "assistant", "content": None, "tool_calls": [{"id": str(key)}]},
        {"role": "tool", "tool_call_id": str(key), "content": "found"},
    ]
)
_TALKS = st.lists(_TURNS.map(lambda turn: [turn]) | _CALLS, max_size=9).map(
    lambda parts: [turn for part in parts for turn in part]
)
_BUDGETS = st.none() | st.integers(0, 400)


@settings(max_examples=150, deadline=None)
@given(_TALKS, _BUDGETS)
def test_it_is_shorter_or_the_same_and_done_once(talk, budget):
    once = optimised(talk, budget)

    again = optimised(once.messages, budget)

    assert again.messages == once.messages
    assert again.removed_tokens == 0
    assert estimate_tokens({"messages": once.messages}) <= estimate_tokens({"messages": talk})


@settings(max_examples=150, deadline=None)
@given(_TALKS)
def test_without_a_budget_roles_stay_and_nothing_is_emptied(talk):
    found = optimised(talk).messages

    assert [message["role"] for message in found] == [message["role"] for message in talk]
    for before, after in zip(talk, found, strict=True):
        assert len(after["content"] or "") <= len(before["content"] or "")
        assert bool((after["content"] or "").strip()) == bool((before["content"] or "").strip())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*PROTECTED, CONTEXT, "Plain. ", "Thanks."]), min_size=1), max_size=5))
def test_protected_pieces_survive_word_for_word(texts):
    talk = [user("\n\n\n".join(pieces)) for pieces in texts]

    found = optimised(talk).messages

    for pieces, message in zip(texts, found, strict=True):
        for piece in PROTECTED:
            assert message["content"].count(piece) >= pieces.count(piece)


@settings(max_examples=150, deadline=None)
@given(_TALKS, st.integers(0, 400))
def test_calls_of_tools_keep_their_results(talk, budget):
    found = optimised(talk, budget).messages

    called = [call["id"] for message in found for call in message.get("tool_calls", ())]
    answered = [message["tool_call_id"] for message in found if message["role"] == "tool"]
    assert called == answered
    assert all(after["role"] == "tool" for before, after in pairwise(found) if before.get("tool_calls"))
