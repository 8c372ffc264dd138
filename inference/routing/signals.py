"""What a request's text shows at a glance: microseconds, no model."""

import math
import re
from collections.abc import Sequence

# a longer text is judged by its two ends: what is asked stands there, and reading all of it would take milliseconds
_HEAD_CHARACTERS, _TAIL_CHARACTERS = 3_000, 1_000
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d[\d.,]*")
_SENTENCE_END = re.compile(r"[.?!](?:\s|\Z)")
_CHOICE = re.compile(r"^[ \t]*\(?[A-J][).:]\s", re.MULTILINE)
_CODE = re.compile(r"```|\bdef \w|\breturn\b|\bassert\b|\bimport \w|[{};]\s*$|\w\(\)|==|=>|</\w+>", re.MULTILINE)
_MATHS = re.compile(r"\\[a-z]+|\$[^$\n]+\$|[=^√∑∫≤≥]|\b[a-zA-Z]\s?[+*/-]\s?[a-zA-Z0-9]|\d\s?[-+*/\u00d7]\s?\d")
# without one of these there is no match, and most texts need not be searched, which is half of the work
_CODE_SIGNS = ("```", "def ", "return", "assert", "import ", "{", "}", ";", "()", "==", "=>", "</")
_MATHS_SIGNS = re.compile(r"[\\$=^√∑∫≤≥+*/\u00d7-]")
_CAPITALS = re.compile(r"[A-Z]+")
_FOREIGN = re.compile(r"[\u0250-\u1fff\u2c00-\uffff]")
_WORDS = {
    "quantities": "percent times twice half total each per many much average more less every left cost",
    "negations": "not except never false incorrect least cannot nor no none without neither",
    "formal": "suppose let prove theorem determine derive statement assume consider given compute calculate find value",
    "writes": "write explain describe summarize summarise translate rewrite implement list classify compare draft",
    "reasons": "why how therefore because if implies best likely most which following",
    "law": "plaintiff defendant court statute contract jury liable liability tort constitution constitutional attorney "
    "murder property",
    "medicine": "patient disease symptom symptoms treatment clinical diagnosis blood cell cells drug infection therapy",
    "morals": "moral morally ethics ethical wrong argument virtue duty utilitarian philosophy",
    "physics": "mass velocity energy force electron electrons current voltage temperature pressure atom atoms acid "
    "reaction solution",
    "society": "war government policy population economic market price firm state president century political",
    "computing": "algorithm program code memory network function array string python compiler bit bits security",
    "mathematics": "integer polynomial group ring matrix probability triangle equation prime finite graph vector",
    "mind": "psychology psychologist behavior behaviour therapist children anxiety cognitive personality learning",
}
_KINDS = {word: place for place, words in enumerate(_WORDS.values()) for word in words.split()}

NAMES = (
    "length",
    "words",
    "sentences",
    "word_length",
    "long_words",
    "repetition",
    "lines",
    "digits",
    "numbers",
    "capitals",
    "foreign",
    "marks",
    "questions",
    "choices",
    "choice_length",
    "code",
    "maths",
    *_WORDS,
)
_LONG_WORD = 9


def measure(text: str) -> tuple[float, ...]:
    """One number for each of NAMES, all of about the same size. Pure."""
    read = _ends(text)
    words, numbers = _WORD.findall(read.lower()), _NUMBER.findall(read)
    count, characters = len(words) or 1, len(read) or 1
    letters, digits = sum(map(len, words)), sum(map(len, numbers))
    spaces = read.count(" ") + read.count("\n")
    return (
        math.log1p(len(text)),
        math.log1p(len(words)),
        math.log1p(len(_SENTENCE_END.findall(read))),
        min(10.0, letters / count / 5),  # a line of a million letters is no word
        sum(len(word) >= _LONG_WORD for word in words) / count * 5,
        1 - len(set(words)) / count,
        math.log1p(read.count("\n")),
        digits / characters * 10,
        math.log1p(len(numbers)),
        sum(map(len, _CAPITALS.findall(read))) / characters * 10,
        0.0 if read.isascii() else len(_FOREIGN.findall(read)) / characters * 10,
        max(0, characters - letters - digits - spaces) / characters * 10,
        math.log1p(read.count("?")),
        *_choices(read),
        math.log1p(len(_CODE.findall(read)) if any(sign in read for sign in _CODE_SIGNS) else 0),
        math.log1p(len(_MATHS.findall(read)) if _MATHS_SIGNS.search(read) else 0),
        *_kinds(words),
    )


def _kinds(words: Sequence[str]) -> list[float]:
    counts = [0] * len(_WORDS)
    for word in words:
        place = _KINDS.get(word)
        if place is not None:
            counts[place] += 1
    return [math.log1p(count) for count in counts]


def _ends(text: str) -> str:
    if len(text) <= _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        return text
    return text[:_HEAD_CHARACTERS] + "\n" + text[-_TAIL_CHARACTERS:]


def _choices(read: str) -> Sequence[float]:
    """How many answers are offered, and how long they are: short ones are often numbers to be worked out."""
    found = [match.start() for match in _CHOICE.finditer(read)]
    if len(found) <= 1:  # a single one is a heading
        return 0.0, 0.0
    return math.log1p(len(found)), math.log1p((len(read) - found[0]) / len(found)) / 2
