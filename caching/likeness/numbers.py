"""Which numbers a text names, in digits or in words."""

import re
from collections import Counter

from caching.likeness.reading import Reading, once

_DIGITS = re.compile(
    r"(?<![\w.])(?P<sign>-)?(?P<number>\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|\d+(?:[.,]\d+)*)(?P<tail>[A-Za-z°%][\w-]*)?"
    r"|(?<![A-Za-z_])[A-Za-z_]+\d[\w-]*"
)
# the ten best are the best
_TOP = re.compile(r"\btop\s(?:5|10|ten|20|50|100)\b", re.IGNORECASE)
# 401(k) is 401k
_LETTER_IN_BRACKETS = re.compile(r"(?<=\d)\(([A-Za-z])\)")
_ANY_DIGIT = re.compile(r"\d")
_FRACTION = re.compile(r"(?<![\w/.])(?<!/\s)(?:(\d{1,4})\s)?(\d{1,3})\s?/\s?(\d{1,3})(?!\w|\s?/)")
# 1,000,000 and 1,00,000; a comma before other than three last digits is a decimal one
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")
_SCALES = {
    "k": 3,
    "thousand": 3,
    "thousands": 3,
    "m": 6,
    "mn": 6,
    "million": 6,
    "millions": 6,
    "lakh": 5,
    "lakhs": 5,
    "lac": 5,
    "crore": 7,
    "crores": 7,
    "b": 9,
    "bn": 9,
    "billion": 9,
    "billions": 9,
    "trillion": 12,
    "hundred": 2,
    "hundreds": 2,
    "dozen": 0,
}
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_WORDS = {word: number for number, word in enumerate(_SMALL.split())}
_WORDS |= {word: 20 + 10 * place for place, word in enumerate(_TENS.split())}
_RANKS = {word: str(number) for number, word in enumerate(_ORDINALS.split())}
_PARTS = {
    "half": "0.5",
    "halves": "0.5",
    "quarter": "0.25",
    "dozen": "12",
    "dozens": "12",
    "twice": "2",
    "double": "2",
    "triple": "3",
    "thrice": "3",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
}
_BRACKETS = re.compile(r"(?<=\s)\([^()]{1,60}\)")
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}
_COUNTING = _WORDS.keys() | _RANKS.keys() | _PARTS.keys() | _ROMAN.keys()
_NEARLY_THE_SAME = 3
_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th", "s"})
_MEASURES = re.compile(r"[A-Za-z°%]{1,3}$")


def differ(asked: Reading, kept: Reading) -> bool:
    """Digits must be the same; a number in words may be missing in one text, but not be another."""
    ours, theirs = named(asked), named(kept)
    if ours.exact == theirs.exact and ours.spoken == theirs.spoken:
        return False
    first, second = set(ours.exact + ours.spoken), set(theirs.exact + theirs.spoken)
    if first - second and second - first:
        return True
    if set(ours.exact) == set(theirs.exact) or first == second:
        return False
    if ours.exact.keys() ^ theirs.exact.keys() == {"1"} and not {"a", "an"}.isdisjoint(asked.words + kept.words):
        return False
    # a number more in brackets or among many words more is counted by the score
    if _bare(ours, asked) == _bare(theirs, kept):
        return False
    return len(set(asked.stems) ^ set(kept.stems)) <= _NEARLY_THE_SAME


def _bare(found: "Numbers", reading: Reading) -> set[str]:
    """Without those in brackets."""
    text = _BRACKETS.sub(" ", reading.text)
    return set(found.exact if text == reading.text else _exact(text))


class Numbers:
    """Those in digits count exactly; those in words are often said without counting anything."""

    __slots__ = ("exact", "spoken")

    def __init__(self, exact: Counter[str], spoken: Counter[str]) -> None:
        self.exact = exact
        self.spoken = spoken


@once
def named(reading: Reading) -> Numbers:
    return Numbers(_exact(reading.text), Counter(_spoken(reading.words)))


def _exact(text: str) -> Counter[str]:
    exact: Counter[str] = Counter()
    if not _ANY_DIGIT.search(text):
        return exact
    rest = _FRACTION.sub(
        lambda found: _count_fraction(exact, found), _TOP.sub("top ", _LETTER_IN_BRACKETS.sub(r"\1", text))
    )
    for found in _DIGITS.finditer(rest):
        exact.update(_values(found, rest[found.end() : found.end() + 12]))
    return exact


def _count_fraction(exact: Counter[str], found: re.Match[str]) -> str:
    whole, over, under = found.groups()
    if int(under) == 0:
        exact[found[0]] += 1
    else:
        exact[_plain(f"{int(whole or 0) + int(over) / int(under):.6f}")] += 1
    return " "


def _values(found: re.Match[str], following: str) -> list[str]:
    if found["number"] is None:
        return [found[0].casefold()]  # an identifier such as A1C: a name with digits in it
    number, tail = _without_separators(found["number"]), (found["tail"] or "").casefold()
    if found["sign"] and found.start() and found.string[found.start() - 1] not in " \n(":
        number = number.lstrip("-")
    elif found["sign"]:
        number = "-" + number
    scale = tail if tail in _SCALES else _next_scale(tail, following)
    if scale:
        return [_scaled(number, _SCALES[scale])]
    is_measured = not tail or tail in _ORDINAL_ENDINGS or _MEASURES.match(tail)
    return [_plain(number)] if is_measured else [_plain(number), tail]


def _next_scale(tail: str, following: str) -> str:
    if tail or not following.startswith(" ") or not following.strip():
        return ""
    word = following.split(maxsplit=1)[0].casefold().strip(".,?!")
    return word if word in _SCALES and len(word) > 1 and word != "dozen" else ""


def _without_separators(number: str) -> str:
    return number.replace(",", "" if _GROUPED.fullmatch(number) else ".")


def _scaled(number: str, zeros: int) -> str:
    whole, _, decimals = number.partition(".")
    if not decimals.isdigit() and decimals:
        return number
    padded = decimals.ljust(zeros, "0")
    return _plain(f"{whole}{padded[:zeros]}.{padded[zeros:]}")


def _plain(number: str) -> str:
    """3.10 stays 3.10, for it may be a version; 5.0 is 5."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, dot, decimals = digits.partition(".")
    if dot and not decimals.strip("0"):
        decimals = ""
    if len(decimals) >= len("000000"):
        decimals = decimals.rstrip("0")
    return sign + (whole.lstrip("0") or "0") + ("." + decimals if decimals else "")


def _spoken(words: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    if _COUNTING.isdisjoint(words):
        return found
    place = 0
    while place < len(words):
        value, length = _phrase(words, place)
        if length:
            found.append(value)
        elif words[place] in _RANKS or words[place] in _PARTS or words[place] in _ROMAN:
            found.append(_RANKS.get(words[place]) or _PARTS.get(words[place]) or _ROMAN[words[place]])
        place += max(length, 1)
    return found


def _phrase(words: tuple[str, ...], start: int) -> tuple[str, int]:
    """ "Two hundred and five" from `start`: its value and how many words it has."""
    total = current = 0
    place = start
    while place < len(words):
        word = words[place]
        if word in _WORDS:
            current += _WORDS[word]
        elif place > start and word in _SCALES and len(word) > len("bn") and word != "dozen":
            scale: int = 10 ** _SCALES[word]
            current, total = (current * scale, total) if scale == 100 else (0, total + current * scale)  # noqa: PLR2004
        elif not (
            word == "and"
            and place > start
            and place + 1 < len(words)
            and words[place + 1] in _WORDS
            and words[place - 1] in _SCALES
        ):
            break
        place += 1
    return str(total + current), place - start
