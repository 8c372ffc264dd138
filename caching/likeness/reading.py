"""A text as guards look at it: its words, made once."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import Any, TypeVar

from acron_site.lib.values import quick
from caching.likeness import cleaning, stems

# beyond this nobody can say that two texts ask the same, and looking would cost the caller's time
MAX_CHARACTERS = 8000

_WORD = re.compile(r"[^\W_]+(?:['&][^\W_]+)*(?:\+\+|#)?|[%$€£¥₹°]")
_NUMBER_INSIDE = re.compile(r"\d+(?:[.,]\d+)+|[^\W\d_]+|\d+")
_CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "let's": "let us",
    "what's": "what is", "who's": "who is", "where's": "where is", "when's": "when is", "how's": "how is",
    "why's": "why is", "it's": "it is", "that's": "that is", "there's": "there is", "he's": "he is", "she's": "she is",
    "dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not", "wont": "will not",
    "cant": "can not", "shouldnt": "should not", "wouldnt": "would not", "couldnt": "could not", "arent": "are not",
    "wasnt": "was not", "havent": "have not", "hasnt": "has not", "im": "i am", "whats": "what is",
}  # fmt: skip
_ENDINGS = {"n't": " not", "'re": " are", "'m": " am", "'ve": " have", "'ll": " will", "'d": " would", "'s": ""}
_BLANKS = re.compile(r"[^\S\n]+")
_COURTESY = re.compile(
    r"^(?:\s*(?:hi|hello|hey|dear)(?:\s+(?:there|all|everyone))?\s*[,!.]+"
    r"|\s*(?:please|kindly)\b[,]?"
    r"|\s*(?:could|can|would|will)\s+you\s+(?:please\s+)?(?:help\s+me\s+with\s+this\s*[?.!:]+|tell\s+me\b|explain\s+to\s+me\b)"
    r"|\s*(?:i\s+(?:would\s+like|want)\s+to\s+know|tell\s+me|quick\s+question)\b[,:]?)+",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:[\s,.!?]*\b(?:please|thanks|thank\s+you|thanks\s+in\s+advance|cheers))+[\s.!?]*$", re.IGNORECASE
)


@quick
@dataclass(frozen=True, slots=True)
class Reading:
    """`words`, `cased` and `stems` run side by side; contractions are spoken out, so "don't" is two words."""

    original: str  # as it came, but for what cannot be seen: code is read from it
    text: str  # in one spelling, greetings and thanks taken off
    words: tuple[str, ...]  # in small letters
    cased: tuple[str, ...]
    stems: tuple[str, ...]
    openings: frozenset[int]  # the places of words that begin a sentence
    is_too_long: bool = False
    findings: dict[Callable[..., Any], Any] = field(default_factory=dict, compare=False, repr=False)


Found = TypeVar("Found")


def once(look: Callable[[Reading], Found]) -> Callable[[Reading], Found]:
    """Remembers in the reading what was found in it: a text is compared with several others."""

    @wraps(look)
    def remembered(reading: Reading) -> Found:
        try:
            found: Found = reading.findings[look]
        except KeyError:
            found = reading.findings[look] = look(reading)
        return found

    return remembered


@once
def vocabulary(reading: Reading) -> frozenset[str]:
    return frozenset(reading.words)


def read(text: str, wall: bytes = b"") -> Reading:
    """What was read lately is remembered, behind each `wall` on its own; the longer a text, the fewer like it.

    A text that was read already is compared sooner: nobody is to learn from that what is asked behind another wall.
    """
    if len(text) > MAX_CHARACTERS:
        return Reading("", "", (), (), (), frozenset(), is_too_long=True)
    return _read_short(text, wall) if len(text) <= _SHORT_CHARACTERS else _read_long(text, wall)


def _read(text: str, wall: bytes) -> Reading:  # noqa: ARG001 - what it is remembered by
    original = cleaning.clean_code(text)
    body = _BLANKS.sub(" ", _without_courtesies(cleaning.clean(text)))
    cased, openings = words_of(body)
    words = tuple(word.casefold() for word in cased)
    return Reading(original, body, words, cased, tuple(map(stems.stem, words)), openings)


_SHORT_CHARACTERS = 400
# some 10 kB each, and some 200 kB
_read_short = lru_cache(maxsize=1024)(_read)
_read_long = lru_cache(maxsize=16)(_read)


def _without_courtesies(text: str) -> str:
    # looked for at both ends alone, where they are short: a search through a long text would not be linear
    head, tail = text[:200], text[200:]
    kept = _COURTESY.sub("", head) + tail
    ending = kept[-80:]
    shorter = _THANKS.sub("", ending)
    return (kept[: len(kept) - len(ending)] + shorter).strip() or text.strip()


def words_of(text: str) -> tuple[tuple[str, ...], frozenset[int]]:
    words: list[str] = []
    openings: set[int] = set()
    end = 0
    for found in _WORD.finditer(text):
        gap, word = text[end : found.start()], found[0]
        if not words or (gap != " " and any(mark in gap for mark in ".?!:\n")):
            openings.add(len(words))
        if "'" in word or word.casefold() in _CONTRACTIONS:
            words += _spoken_out(word)
        else:
            words.append(word)
        end = found.end()
    return tuple(words), frozenset(openings)


def _spoken_out(word: str) -> list[str]:
    small = word.casefold()
    if small in _CONTRACTIONS:
        first, *rest = _CONTRACTIONS[small].split()
        return [first.capitalize() if word[0].isupper() else first, *rest]
    for ending, spoken in _ENDINGS.items():
        if small.endswith(ending) and len(small) > len(ending):
            return [word[: -len(ending)], *spoken.split()]
    return [word.replace("'", "") or word]
