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
_MATHS = re.compile(r"\\[a-z]+|\$[^$\n]+\$|[=^√∑∫≤≥]|\b[a-zA-Z]\s?[+*/-]\s?[a-zA-Z0-9]|\d\s?[-+*/×]\s?\d")
_QUANTITY = re.compile(r"[$€£%]|\b(?:percent|times|twice|half|total|each|per|how many|how much|average)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|except|never|false|incorrect|least|cannot|n't|nor)\b", re.IGNORECASE)
_FORMAL = re.compile(
    r"\b(?:suppose|let|prove|theorem|determine|derive|statement|assume|consider|given|compute|calculate|find)\b", re.IGNORECASE
)
_WRITES = re.compile(
    r"\b(?:write|explain|describe|summari[sz]e|translate|rewrite|implement|list|classify|compare|draft)\b", re.IGNORECASE
)
_REASONS = re.compile(r"\b(?:why|how|which|therefore|because|if|implies|best|most likely)\b", re.IGNORECASE)
_SUBJECTS = {
    "law": r"plaintiff|defendant|court|statute|contract|jury|liab\w+|tort|constitution\w*|attorney|murder|property",
    "medicine": r"patient|disease|symptoms?|treatment|clinical|diagnos\w+|blood|cells?|drug|infection|therapy",
    "morals": r"moral\w*|ethic\w*|wrong|argument|virtue|duty|utilitarian\w*|philosoph\w+",
    "physics": r"mass|velocity|energy|force|electron\w*|current|voltage|temperature|pressure|atoms?|acid|reaction|solution",
    "society": r"war|government|policy|population|economic\w*|market|price|firm|state|president|century|political",
    "computing": r"algorithm|program|code|memory|network|function|array|string|python|compiler|bits?|security",
    "mathematics": r"integer|polynomial|group|ring|matrix|probability|triangle|equation|prime|finite|graph|vector",
    "mind": r"psycholog\w+|behaviou?r|therapist|children|anxiety|cognitive|personality|learning|memory",
}
_SUBJECT = {
    name: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE) for name, pattern in _SUBJECTS.items()
}

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
    "quantities",
    "negations",
    "formal",
    "writes",
    "reasons",
    *_SUBJECTS,
)
_LONG_WORD = 9


def measure(text: str) -> tuple[float, ...]:
    """One number for each of NAMES, all of about the same size. Pure."""
    read = _ends(text)
    words = _WORD.findall(read)
    count, characters = len(words) or 1, len(read) or 1
    return (
        math.log1p(len(text)),
        math.log1p(len(words)),
        math.log1p(len(_SENTENCE_END.findall(read))),
        sum(map(len, words)) / count / 5,
        sum(len(word) >= _LONG_WORD for word in words) / count * 5,
        1 - len({word.lower() for word in words}) / count,
        math.log1p(read.count("\n")),
        sum(map(str.isdigit, read)) / characters * 10,
        math.log1p(len(_NUMBER.findall(read))),
        sum(map(str.isupper, read)) / characters * 10,
        (0.0 if read.isascii() else sum(ord(sign) > 0x24F for sign in read) / characters * 10),
        sum(not (sign.isalnum() or sign.isspace()) for sign in read) / characters * 10,
        math.log1p(read.count("?")),
        *_choices(read),
        math.log1p(len(_CODE.findall(read))),
        *(math.log1p(len(pattern.findall(read))) for pattern in _COUNTED),
    )


def _ends(text: str) -> str:
    if len(text) <= _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        return text
    return text[:_HEAD_CHARACTERS] + "\n" + text[-_TAIL_CHARACTERS:]


def _choices(read: str) -> Sequence[float]:
    """How many answers are offered, and how long they are: short ones are often numbers to be worked out."""
    found = [match.start() for match in _CHOICE.finditer(read)]
    if len(found) < 2:  # noqa: PLR2004 - a single one is a heading
        return 0.0, 0.0
    return math.log1p(len(found)), math.log1p((len(read) - found[0]) / len(found)) / 2


_COUNTED = (_MATHS, _QUANTITY, _NEGATION, _FORMAL, _WRITES, _REASONS, *_SUBJECT.values())
