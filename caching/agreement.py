"""Whether two answers to the same question say the same: evidence for or against serving a kept one."""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from caching.likeness import cleaning, code, names, negation, numbers, reading
from caching.likeness.reading import Reading
from caching.likeness.word_lists import words

# answers longer than this are compared by their embeddings alone when they are not equal
_MAX_CHARACTERS = reading.MAX_CHARACTERS
# up to so many words an answer is a statement, beyond it is prose
_SHORT_WORDS = 12
_AGREEING_SIMILARITY = 0.93
_DISAGREEING_SIMILARITY = 0.60
# two prose answers of which one has this many words more leave room for something else
_LENGTH_RATIO = 2.0
_TOLERANCE = Decimal("0.001")

_CHOICE = re.compile(
    r"^\W*(?:(?:the\s+)?(?:correct\s+)?(?:answer|option|choice)\s*(?:is|:)?\s*)?\W*([A-Ja-j])\W*(?:[).:\s-].{0,200})?$",
    re.IGNORECASE | re.DOTALL,
)
_STATED_CHOICE = re.compile(r"\b(?:answer|option|choice)\s*(?:is|:)?\s*\(?\*{0,2}([A-J])\b", re.IGNORECASE)
_YES = re.compile(r"^\W*(yes|yeah|yep|true|correct|no|nope|not\s+really|false|incorrect)\b", re.IGNORECASE)
_AFFIRMING = frozenset({"yes", "yeah", "yep", "true", "correct"})
_FINAL = re.compile(
    r"(?:####|\banswer\s*(?:is|:|=)|\btotal\s*(?:is|:|=)|\bresult\s*(?:is|:|=)|\btherefore\b|=)\D{0,40}?(-?\d[\d,]*(?:\.\d+)?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\$?(\d[\d,]*(?:\.\d+)?)\s?%?(?!\w)")
_FENCE = re.compile(r"\A\s*```\w*\n(.*?)\n?```\s*\Z", re.DOTALL)
_SMALL = words("a an the is are was were it that this of to in on at and so")


class Method(StrEnum):
    """What settled it."""

    EXACT = "exact"
    NUMERIC = "numeric"
    CHOICE = "choice"
    JSON = "json"
    TEXT = "text"
    EMBEDDING = "embedding"
    JUDGE = "judge"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Agreement:
    agrees: bool | None  # None: cannot be told, and counts as no evidence
    method: Method


_CANNOT_TELL = Agreement(None, Method.UNDECIDED)


def compare(fresh: str, kept: str, *, similarity: float | None = None) -> Agreement:
    """`similarity`: the cosine of the answers' embeddings, if they were made. Never raises."""
    if not fresh.strip() or not kept.strip():
        return _CANNOT_TELL
    if _plain(fresh) == _plain(kept):
        return Agreement(True, Method.EXACT)
    for way in _WAYS:
        found = way(fresh, kept)
        if found is not None:
            return found
    return _by_embedding(fresh, kept, similarity)


def _plain(text: str) -> str:
    """In one spelling; code as it stands, for there a blank and a capital mean something."""
    if "`" in text:
        return text.strip()
    return " ".join(cleaning.clean(text).casefold().split()).rstrip(".!")


def _by_json(fresh: str, kept: str) -> Agreement | None:
    ours, theirs = _structure(fresh), _structure(kept)
    if ours is None and theirs is None:
        return None
    if ours is None or theirs is None:
        return _CANNOT_TELL
    return Agreement(ours == theirs, Method.JSON)


def _structure(text: str) -> str | None:
    """The JSON object or list that the text is, in one spelling."""
    fenced = _FENCE.match(text)
    body = (fenced[1] if fenced else text).strip()
    if not body.startswith(("{", "[")):
        return None
    try:
        return json.dumps(_canonical(json.loads(body)), sort_keys=True)
    except (ValueError, RecursionError):
        return None


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else value


def _by_choice(fresh: str, kept: str) -> Agreement | None:
    ours, theirs = _choice(fresh), _choice(kept)
    return Agreement(ours == theirs, Method.CHOICE) if ours and theirs else None


def _choice(text: str) -> str:
    short = text.strip()
    found = _CHOICE.match(short) if _is_lone_letter(short) else None
    found = found or _STATED_CHOICE.search(short[-400:])
    return found[1].upper() if found else ""


def _is_lone_letter(text: str) -> bool:
    """Not the article of "A dog": the letter stands alone, or is marked as a choice."""
    return bool(
        re.match(
            r"^\W*(?:[A-Ja-j]\W*$|\(?[A-Ja-j][).:]|(?:the\s+)?(?:correct\s+)?(?:answer|option|choice)\b)",
            text,
            re.IGNORECASE,
        )
    )


def _by_polarity(fresh: str, kept: str) -> Agreement | None:
    ours, theirs = _YES.match(fresh), _YES.match(kept)
    if not ours or not theirs:
        return None
    same = (ours[1].casefold() in _AFFIRMING) == (theirs[1].casefold() in _AFFIRMING)
    if not same:
        return Agreement(False, Method.TEXT)
    are_bare = all(len(_words(text)) <= 2 for text in (fresh, kept))  # noqa: PLR2004
    return Agreement(True, Method.TEXT) if are_bare else None


def _by_numbers(fresh: str, kept: str) -> Agreement | None:
    """Figures that are the answer: alone, stated as the result, or all that differs in the same wording."""
    ours, theirs = _lone_number(fresh), _lone_number(kept)
    if ours is not None and theirs is not None:
        return Agreement(_are_close(ours, theirs), Method.NUMERIC)
    finals = _final_number(fresh), _final_number(kept)
    if finals[0] is not None and finals[1] is not None and not _are_close(finals[0], finals[1]):
        return Agreement(False, Method.NUMERIC)
    if finals[0] is not None and finals[1] is not None and _state_results(fresh, kept):
        return Agreement(True, Method.NUMERIC)
    return Agreement(False, Method.NUMERIC) if _differ_in_numbers_alone(fresh, kept) else None


def _lone_number(text: str) -> Decimal | None:
    """The one number of a short answer."""
    found = _NUMBER.findall(text)
    if len(found) != 1 or len(_words(text)) > _SHORT_WORDS:
        return None
    return _decimal(found[0])


def _final_number(text: str) -> Decimal | None:
    found = _FINAL.findall(text)
    return _decimal(found[-1]) if found else None


def _state_results(fresh: str, kept: str) -> bool:
    return all("####" in text for text in (fresh, kept))


def _decimal(number: str) -> Decimal | None:
    try:
        return Decimal(number.replace(",", ""))
    except InvalidOperation:
        return None


def _are_close(ours: Decimal, theirs: Decimal) -> bool:
    """Equal, or one is the other rounded; whole numbers are not rounded."""
    if ours == theirs:
        return True
    if ours == ours.to_integral_value() and theirs == theirs.to_integral_value():
        return False
    return abs(ours - theirs) <= _TOLERANCE * max(abs(ours), abs(theirs))


def _differ_in_numbers_alone(fresh: str, kept: str) -> bool:
    ours, theirs = _NUMBER.sub("#", _plain(fresh)), _NUMBER.sub("#", _plain(kept))
    return ours == theirs and "#" in ours and not _are_all_close(fresh, kept)


def _are_all_close(fresh: str, kept: str) -> bool:
    pairs = zip_longest(map(_decimal, _NUMBER.findall(fresh)), map(_decimal, _NUMBER.findall(kept)))
    return all(ours is not None and theirs is not None and _are_close(ours, theirs) for ours, theirs in pairs)


def _by_short_text(fresh: str, kept: str) -> Agreement | None:
    ours, theirs = _words(fresh), _words(kept)
    if max(len(ours), len(theirs)) > _SHORT_WORDS or "`" in fresh + kept:
        return None
    mine, yours = _carrying(ours), _carrying(theirs)
    if mine == yours and mine:
        return Agreement(True, Method.TEXT)
    # "Paris" and "Lyon" share nothing; "Paris" and "It is Paris, in France" may be one
    if mine and yours and max(len(mine), len(yours)) <= 2 and not set(mine) & set(yours) and _are_named(fresh, kept):  # noqa: PLR2004
        return Agreement(False, Method.TEXT)
    return None


def _are_named(fresh: str, kept: str) -> bool:
    return fresh.strip()[:1].isupper() and kept.strip()[:1].isupper()


def _words(text: str) -> list[str]:
    return (
        re.findall(r"[^\W_]+(?:'[^\W_]+)?", cleaning.clean(text).casefold())
        if len(text) <= _MAX_CHARACTERS
        else list(text.split())
    )


def _carrying(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _SMALL]


def _by_embedding(fresh: str, kept: str, similarity: float | None) -> Agreement:
    if similarity is None or not math.isfinite(similarity):
        return _CANNOT_TELL
    if similarity < _DISAGREEING_SIMILARITY:
        return _CANNOT_TELL if _holds(fresh, kept) else Agreement(False, Method.EMBEDDING)
    if similarity < _AGREEING_SIMILARITY or _are_unequal_in_substance(fresh, kept):
        return _CANNOT_TELL
    return Agreement(True, Method.EMBEDDING)


def _holds(fresh: str, kept: str) -> bool:
    """Whether one is the other with more words around it: "Paris", and what is said of Paris besides."""
    ours, theirs = set(_carrying(_words(fresh))), set(_carrying(_words(kept)))
    return ours <= theirs or theirs <= ours


def _are_unequal_in_substance(fresh: str, kept: str) -> bool:
    """Whether numbers, denials, names or the length set two answers apart that sound alike."""
    ours, theirs = reading.read(fresh), reading.read(kept)
    if ours.is_too_long or theirs.is_too_long or not ours.words or not theirs.words:
        return True
    short, long = sorted((len(ours.words), len(theirs.words)))
    return long > _LENGTH_RATIO * short or any(differ(ours, theirs) for differ in _DIFFERENCES)


_DIFFERENCES: Sequence[Callable[[Reading, Reading], bool]] = (
    numbers.differ,
    negation.contradict,
    code.differs,
    lambda ours, theirs: any(names.absent(ours, theirs)),
)
_WAYS: Sequence[Callable[[str, str], Agreement | None]] = (
    _by_json,
    _by_choice,
    _by_polarity,
    _by_numbers,
    _by_short_text,
)
