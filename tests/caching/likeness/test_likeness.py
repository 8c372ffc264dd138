"""What holds for any two texts."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caching.likeness.comparison import Likeness
from tests.caching.likeness.pairs import SAME

LIKENESS = Likeness()
QUESTIONS = sorted({half for line in SAME.strip().splitlines() for half in line.split(" / ") if "\n" not in half})
questions = st.sampled_from(QUESTIONS)
anything = st.text(st.characters(), max_size=300)
cosines = st.floats(-1, 1)


@settings(max_examples=200, deadline=None)
@given(anything, anything, st.floats())
def test_no_text_and_no_similarity_raises(asked, kept, similarity):
    verdict = LIKENESS.compare(asked, kept, similarity)

    assert 0 <= verdict.score <= 1
    assert not verdict.vetoed_by or verdict.score == 0


@settings(max_examples=200, deadline=None)
@given(questions, questions, cosines)
def test_it_does_not_matter_which_was_asked_first(asked, kept, similarity):
    there, back = LIKENESS.compare(asked, kept, similarity), LIKENESS.compare(kept, asked, similarity)

    assert bool(there.vetoed_by) == bool(back.vetoed_by)
    assert there.score == pytest.approx(back.score)


@settings(max_examples=200, deadline=None)
@given(questions, questions, cosines, cosines)
def test_nearer_is_never_less_alike(asked, kept, one, other):
    low, high = sorted((one, other))

    assert LIKENESS.compare(asked, kept, low).score <= LIKENESS.compare(asked, kept, high).score


@settings(max_examples=100, deadline=None)
@given(
    questions,
    st.sampled_from(["  {}", "{}  ", "{}\n", "Hello, {}", "Please, {}", "{} Thanks!", "\u200b{}", "{}\ufeff"]),
)
def test_a_harmless_edit_is_not_refused(question, edit):
    verdict = LIKENESS.compare(edit.format(question), question, 0.97)

    assert not verdict.vetoed_by


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_in_small_letters_is_not_refused(question):
    if "`" in question or "_" in question:
        return

    assert not LIKENESS.compare(question.lower(), question, 0.99).vetoed_by


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a ",
        "1/",
        "1,",
        "not ",
        "``",
        "`a",
        "/a",
        "a.",
        "-",
        "''",
        '"',
        "x_",
        "A",
        "двa ",
        "\u0301",
        "((",
        "ignore ",
        "one hundred and ",
        "\n",
        "12:",
    ],
)
def test_a_long_text_takes_bounded_time(piece):
    longest = (piece * 8000)[:8000]
    began = time.process_time()

    LIKENESS.compare(longest, longest + "", 0.9)

    assert time.process_time() - began < 0.5


def test_what_is_too_long_is_refused_at_once():
    began = time.process_time()

    verdict = LIKENESS.compare("not " * 25_000, "not " * 25_000, 1.0)

    assert verdict.vetoed_by == "length"
    assert time.process_time() - began < 0.01


def test_the_same_question_scores_near_one():
    assert LIKENESS.compare("How do I cook rice?", "how do I cook rice", 0.99).score > 0.9


def test_a_word_that_the_other_does_not_have_costs():
    whole = LIKENESS.compare("How do I cook rice?", "How can I cook rice?", 0.95)

    swapped = LIKENESS.compare("How do I cook rice?", "How do I cook lentils?", 0.95)

    assert swapped.score < whole.score


def test_what_a_guard_leaves_to_the_score_costs():
    reworded = LIKENESS.compare("Where can I quickly find cheap flights?", "How do I book flights?", 0.9)

    elsewhere = LIKENESS.compare(
        "Where can I quickly find cheap flights to Oslo?", "How do I book flights to Bergen?", 0.9
    )

    assert not elsewhere.vetoed_by
    assert elsewhere.score < reworded.score - 0.1


def test_a_long_text_with_another_name_is_refused_however_many_words_differ():
    letter = (
        "Write to {} that the parcel with the blue lamps and the green chairs left the harbour on a ship this week{}"
    )

    verdict = LIKENESS.compare(letter.format("Ada", ""), letter.format("Grace", " and sends kind greetings home"), 0.97)

    assert verdict.vetoed_by == "names"
