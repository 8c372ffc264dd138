"""What a request's text shows at a glance: microseconds, no model."""

import math
import re
import string
from collections import Counter
from collections.abc import Sequence

# a longer text is judged by its two ends: what is asked stands there, and reading all of it would take milliseconds
_HEAD_CHARACTERS, _TAIL_CHARACTERS = 3_000, 1_000
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d[\d.,]*")
_SENTENCE_END = re.compile(r"[.?!](?:\s|\Z)")
_CHOICE = re.compile(r"\n[ \t]*\(?[A-J][).:](?=\s)")
# each of them begins with a letter or sign that is written out: so the search skips what begins none of them, which is
# most of a text. An empty call counts unless it belongs to what is counted before it, as in `def f()` and `return()`.
_CODE = re.compile(
    r"```|d(?<=\bd)ef \w(?:\(\))?|r(?<=\br)eturn\b(?:\(\))?|a(?<=\ba)ssert\b(?:\(\))?|i(?<=\bi)mport \w(?:\(\))?"
    r"|\{\s*$|\}\s*$|;\s*$|\((?<=\w\()\)|==|=>|</\w+>",
    re.MULTILINE,
)
# the sign is looked for and what stands before it then: signs are fewer than letters. A sum ends with the sign behind
# it, because what stands between two signs belongs to one sum alone.
_MATHS = re.compile(
    r"""[\\$=^√∑∫≤≥+*/\u00d7-](?:
    (?<=[=^√∑∫≤≥])
    | (?<=\\)[a-z]+(?:\s?[-+*/\u00d7])?
    | (?<=\$)[^$\n]+\$
    | (?:(?<=\b[a-zA-Z][+*/-]) | (?<=\b[a-zA-Z]\s[+*/-]))\s?[a-zA-Z0-9](?:\s?[-+*/\u00d7])?
    | (?:(?<=\d[-+*/\u00d7]) | (?<=\d\s[-+*/\u00d7]))\s?\d(?:\s?[-+*/\u00d7])?
    )""",
    re.VERBOSE,
)
# without one of these there is no match, and most texts need not be searched
_CODE_SIGNS = ("```", "def ", "return", "assert", "import ", "{", "}", ";", "()", "==", "=>", "</")
_CAPITALS = string.ascii_uppercase.encode()
_FOREIGN = re.compile(r"[\u0250-\u1fff\u2c00-\uffff]+")
_TYPESET = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026"  # quotes, dashes: of many texts all that is not ASCII
# in ASCII, of which most texts are made, this and a split find the words ten times as fast
_LETTERS = bytes(byte if chr(byte) in string.ascii_lowercase else 32 for byte in bytes(range(256)).lower())
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
    encoded = read.encode("utf-8", "surrogatepass")
    words, numbers = _words(read), _NUMBER.findall(read)
    lengths = list(map(len, words))
    count, characters = len(words) or 1, len(read) or 1
    letters, digits = sum(lengths), sum(map(len, numbers))
    spaces = read.count(" ") + read.count("\n")
    return (
        math.log1p(len(text)),
        math.log1p(len(words)),
        math.log1p(len(_SENTENCE_END.findall(read))),
        min(10.0, letters / count / 5),  # a line of a million letters is no word
        len([length for length in lengths if length >= _LONG_WORD]) / count * 5,
        1 - len(set(words)) / count,
        math.log1p(read.count("\n")),
        digits / characters * 10,
        math.log1p(len(numbers)),
        (len(encoded) - len(encoded.translate(None, _CAPITALS))) / characters * 10,
        0.0 if read.isascii() else sum(map(len, _FOREIGN.findall(read))) / characters * 10,
        max(0, characters - letters - digits - spaces) / characters * 10,
        math.log1p(read.count("?")),
        *_choices(read),
        math.log1p(len(_CODE.findall(read)) if any(sign in read for sign in _CODE_SIGNS) else 0),
        math.log1p(len(_MATHS.findall(read))),
        *_kinds(words),
    )


def _words(read: str) -> list[str]:
    """What `_WORD` finds, in lower case."""
    for sign in _TYPESET:
        read = read.replace(sign, " ")
    return read.encode().translate(_LETTERS).decode().split() if read.isascii() else _WORD.findall(read.lower())


def _kinds(words: Sequence[str]) -> list[float]:
    counts = Counter([_KINDS[word] for word in words if word in _KINDS])
    return [math.log1p(counts[place]) for place in range(len(_WORDS))]


def _ends(text: str) -> str:
    if len(text) <= _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        return text
    return text[:_HEAD_CHARACTERS] + "\n" + text[-_TAIL_CHARACTERS:]


def _choices(read: str) -> Sequence[float]:
    """How many answers are offered, and how long they are: short ones are often numbers to be worked out."""
    found = [match.start() for match in _CHOICE.finditer("\n" + read)]
    if len(found) <= 1:  # a single one is a heading
        return 0.0, 0.0
    return math.log1p(len(found)), math.log1p((len(read) - found[0]) / len(found)) / 2
