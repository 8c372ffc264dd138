"""When two answers count as one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caching.agreement import Agreement, Method, compare

AGREE = [
    ("Paris.", "paris", Method.EXACT),
    ("The  answer\nis Paris", "the answer is Paris.", Method.EXACT),
    ("Café", "Cafe", Method.EXACT),
    ("42", "42.0", Method.NUMERIC),
    ("$1,200", "1200", Method.NUMERIC),
    ("It is 3.1416.", "3.1415", Method.NUMERIC),
    ("So 6 + 6. #### 12", "6 and 6 make it. #### 12", Method.NUMERIC),
    ("(B)", "B", Method.CHOICE),
    ("The answer is C.", "C) Lima", Method.CHOICE),
    ("Answer: **D**", "D", Method.CHOICE),
    ("Yes", "yes, true", Method.TEXT),
    ("False.", "No", Method.TEXT),
    ('{"a": 1, "b": [1, 2]}', '{"b":[1,2.0],"a":1}', Method.JSON),
    ('```json\n{"a": 1}\n```', '{"a": 1}', Method.JSON),
    ("It is in the harbour", "In the harbour", Method.TEXT),
]
DISAGREE = [
    ("42", "43", Method.NUMERIC),
    ("12 km", "13 km", Method.NUMERIC),
    ("The total is 15 apples and the answer is 15", "We get 3 boxes of 6, so the answer is 18", Method.NUMERIC),
    ("Water boils at 100 degrees at the level of the sea, and it does so all over the world.",
     "Water boils at 90 degrees at the level of the sea, and it does so all over the world.", Method.NUMERIC),
    ("A", "B", Method.CHOICE),
    ("The answer is C", "The answer is D", Method.CHOICE),
    ("Yes, it does.", "No, it does not.", Method.TEXT),
    ("True", "False", Method.TEXT),
    ('{"a": 1}', '{"a": 2}', Method.JSON),
    ('{"a": true}', '{"a": 1}', Method.JSON),
    ("[1, 2]", "[2, 1]", Method.JSON),
    ("Paris", "Lyon", Method.TEXT),
]  # fmt: skip
UNDECIDED = [
    ("", "Paris"),
    ("   ", "   "),
    ("Paris", "It is Paris, which lies in France"),
    ('{"a": 1}', "a is 1"),
    ("Yes, because it is warm there", "Yes, since whales breathe air"),
    (
        "A long tale of a whale that swam to the north and met a ship there",
        "Another tale, of a bear who went to the south for honey",
    ),
    ("```py\nif a:\n    b()\nc()\n```", "```py\nif a:\n    b()\n    c()\n```"),
    ("I cannot say", "Nobody knows"),
]
LONG = "The lake lies high in the mountains, is fed by three rivers and freezes in most winters, so skaters come."
REWORDED = "High in the mountains lies the lake; three rivers feed it, and as it freezes in most winters skaters come."


@pytest.mark.parametrize(("fresh", "kept", "method"), AGREE)
def test_answers_that_say_the_same_agree(fresh, kept, method):
    assert compare(fresh, kept) == Agreement(True, method)
    assert compare(kept, fresh) == Agreement(True, method)


@pytest.mark.parametrize(("fresh", "kept", "method"), DISAGREE)
def test_answers_that_say_something_else_disagree(fresh, kept, method):
    assert compare(fresh, kept, similarity=0.99) == Agreement(False, method)
    assert compare(kept, fresh, similarity=0.99) == Agreement(False, method)


@pytest.mark.parametrize(("fresh", "kept"), UNDECIDED)
def test_what_cannot_be_told_is_no_evidence(fresh, kept):
    assert compare(fresh, kept) == Agreement(None, Method.UNDECIDED)


def test_prose_is_told_by_its_embedding():
    assert compare(LONG, REWORDED, similarity=0.97) == Agreement(True, Method.EMBEDDING)
    assert compare(LONG, REWORDED, similarity=0.80).agrees is None
    assert compare(LONG, "Whales sing.", similarity=0.20) == Agreement(False, Method.EMBEDDING)


@pytest.mark.parametrize(
    "other",
    [
        REWORDED.replace("three", "four"),
        REWORDED.replace("freezes", "never freezes"),
        REWORDED.replace("the lake;", "Lake Titicaca;") + " Some also come to see Loch Ness.",
        REWORDED + " " + REWORDED.replace("lake", "pond") + " " + REWORDED.replace("lake", "river"),
    ],
)
def test_prose_that_sounds_alike_is_not_taken_for_the_same(other):
    assert compare(LONG, other, similarity=0.98).agrees is not True


@pytest.mark.parametrize("similarity", [float("nan"), float("inf"), float("-inf")])
def test_a_similarity_that_is_no_number_tells_nothing(similarity):
    assert compare(LONG, REWORDED, similarity=similarity).agrees is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.none() | st.floats())
def test_no_answer_raises_and_order_does_not_matter(fresh, kept, similarity):
    there, back = compare(fresh, kept, similarity=similarity), compare(kept, fresh, similarity=similarity)

    assert there.agrees == back.agrees


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_an_answer_agrees_with_itself(answer):
    assert compare(answer, answer).agrees in {True, None}
    assert compare(answer, answer).agrees or not answer.strip()


def test_deep_json_is_no_crash():
    assert compare("[" * 100_000, "[" * 100_000 + "]").agrees is not True
