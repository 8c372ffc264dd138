"""What a text shows at a glance."""

import math
import re
from random import Random

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


# the shipped weights were fitted on these; what is measured in another way must come to the same
SIMPLY = {
    "words": re.compile(r"[^\W\d_]+"),
    "numbers": re.compile(r"\d[\d.,]*"),
    "code": re.compile(r"```|\bdef \w|\breturn\b|\bassert\b|\bimport \w|[{};]\s*$|\w\(\)|==|=>|</\w+>", re.MULTILINE),
    "maths": re.compile(r"\\[a-z]+|\$[^$\n]+\$|[=^√∑∫≤≥]|\b[a-zA-Z]\s?[+*/-]\s?[a-zA-Z0-9]|\d\s?[-+*/\u00d7]\s?\d"),
}
CAPITAL, FOREIGN = re.compile(r"[A-Z]"), re.compile(r"[\u0250-\u1fff\u2c00-\uffff]")
CHOICE = re.compile(r"^[ \t]*\(?[A-J][).:]\s", re.MULTILINE)
PIECES = [
    *("()", "f()", "_()", "==", "=>", "===", "{", "}", ";", "</b>", "</return>", "```", "`", "<", ">", "$x$", "$"),
    *("return", "return()", "assert", "assert()", "def", "import", "a", "b", "x", "ab", "Abc", "A", "_", "0a", "-y"),
    *("1", "12", "1.5", "3,000", ".", ",", "?", "!", "+", "-", "*", "/", "\u00d7", "^", "=", "\\frac", "\\a", "\u221a"),
    *("a+b", "a-b+c", "3+4", "A.", "B)", "(C)", "D:", "\u00e9", "\u0130", "\u043a\u0430", "\u4e2d", "\u0663", "\u00b2"),
    *("plaintiff", "percent", "whichever", "\u2019", "\u00a0"),
]
PIECES += [" ", "  ", "\n", "\t", "\r\n", "\u2028", "def ", "import x", "\ud800"]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_text_each_signal_is_what_its_plain_definition_says(seed: int) -> None:
    random = Random(seed)

    for _ in range(150):
        few = random.sample(PIECES, random.randint(2, 12))
        text = "".join(random.choices(few, k=random.randint(1, 40)))
        measured = dict(zip(signals.NAMES, signals.measure(text), strict=True))

        for name, pattern in SIMPLY.items():
            read = text.lower() if name == "words" else text
            assert measured[name] == math.log1p(len(pattern.findall(read))), (name, text)
        assert measured["capitals"] == len(CAPITAL.findall(text)) / len(text) * 10, text
        assert measured["foreign"] == len(FOREIGN.findall(text)) / len(text) * 10, text
        assert_words_and_choices(measured, text)


def assert_words_and_choices(measured: dict[str, float], text: str) -> None:
    words = SIMPLY["words"].findall(text.lower())
    count, starts = len(words) or 1, [match.start() for match in CHOICE.finditer(text)]
    offered = len(starts) if len(starts) > 1 else 0

    assert measured["choices"] == math.log1p(offered), text
    assert measured["choice_length"] == (math.log1p((len(text) - starts[0]) / offered) / 2 if offered else 0), text
    assert measured["long_words"] == sum(len(word) > 8 for word in words) / count * 5, text
    assert measured["repetition"] == 1 - len(set(words)) / count, text
    assert measured["law"] == math.log1p(words.count("plaintiff")), text
