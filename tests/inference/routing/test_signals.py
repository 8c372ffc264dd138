"""What a text shows at a glance."""

import pytest

from inference.routing import signals


@pytest.mark.parametrize(
    ("signal", "telling", "plain"),
    [
        ("code", "def total(rows):\n    return sum(rows)", "Add the rows, please"),
        ("maths", "Solve x^2 + 3*x = 10", "Solve my problem"),
        ("choices", "Which one?\nA. red\nB. blue\nC. green", "Which one, red, blue or green?"),
        ("digits", "Is 4096 more than 2048?", "Is this more than that?"),
        ("negations", "Which is NOT an acid, except for none?", "Which is an acid?"),
        ("law", "The plaintiff sued under tort", "The neighbour came for tea"),
        ("medicine", "The patient has an infection", "The neighbour has a garden"),
        ("foreign", "\u041a\u0430\u043a \u0434\u0435\u043b\u0430?", "How are you?"),
        ("lines", "one\ntwo\nthree", "one two three"),
    ],
)
def test_a_signal_rises_with_what_it_stands_for(signal: str, telling: str, plain: str) -> None:
    place = signals.NAMES.index(signal)

    assert signals.measure(telling)[place] > signals.measure(plain)[place]


@pytest.mark.parametrize("text", ["", " ", "\n", "?", "\ud800", "a" * 1_000_000, "A. x\n" * 5_000])
def test_any_text_has_every_signal(text: str) -> None:
    measured = signals.measure(text)

    assert len(measured) == len(signals.NAMES)
    assert all(0 <= value < 50 for value in measured)


def test_of_a_long_text_the_ends_are_read() -> None:
    middle = "The plaintiff sued. " * 10_000

    measured = signals.measure("word " * 1_000 + middle + "word " * 1_000)

    assert measured[signals.NAMES.index("law")] == 0
