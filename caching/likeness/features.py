"""What two texts share and what they do not, in numbers."""

import math
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from caching.likeness import names, negation, numbers, questions, synonyms
from caching.likeness.reading import Reading
from caching.likeness.word_lists import words

# whether more of it speaks for (1) or against (-1) a shared answer; 0 where the data may say
_SIGN_OF = {
    "missing": -1,
    "missing_smaller": -1,
    "missing_share": -1,
    "substitution": -1,
    "one_sided": 0,
    "foreign_names": -1,
    "foreign_numbers": -1,
    "neighbourhoods": 1,
    "characters": 1,
    "lengths": -1,
    "same_words": 1,
    "kind_differs": -1,
    "missing_count": -1,
    "denials": -1,
}
NAMES = tuple(_SIGN_OF)
SIGNS = tuple(_SIGN_OF.values())
_SMALL = words(
    "a an the to of in on at for from by with as and or but if is are was be been do did have has will would can",
    "could should shall may might must i me my you your we us our they them their he him his she her it its this",
    "that these those there here what which who whom whose when where why how so than then just really actually",
    "very also too please thank s t d ll any some ever about into get im indeed truly fact such",
)
_FEWEST_LETTERS = 4
_MOST_COMPARED = 12
_RARE = 255
BUCKETS = 16384


def bucket(word: str) -> int:
    """Where a word's rarity stands: the same in every process."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) % BUCKETS


def content(reading: Reading) -> list[str]:
    """The words that carry the meaning, one for all that mean the same, in their order."""
    return [synonyms.canonical(word) for word in reading.stems if word not in _SMALL]


def measure(asked: Reading, kept: Reading, rarity: bytes) -> Sequence[float]:
    """In the order of NAMES; symmetric."""
    ours, theirs = content(asked), content(kept)
    mine, yours = _unmatched(set(ours) - set(theirs), set(theirs) - set(ours))
    first, second = sorted((_weigh(mine, rarity), _weigh(yours, rarity)))
    whole = _weigh(set(ours) | set(theirs), rarity)
    foreign_ours, foreign_theirs = names.absent(asked, kept)
    kinds, other_kinds = questions.kinds(asked), questions.kinds(kept)
    return (
        first + second,
        first,
        (first + second) / whole if whole else 0.0,
        float(len(mine) == len(yours) == 1),
        float(bool(mine) != bool(yours)),
        min(len(foreign_ours) + len(foreign_theirs), 3),
        min(_foreign_numbers(asked, kept), 3),
        _overlap(set(pairwise(ours)), set(pairwise(theirs))),
        _overlap(_grams(asked), _grams(kept)),
        abs(math.log((len(asked.words) + 1) / (len(kept.words) + 1))),
        float(sorted(ours) == sorted(theirs)),
        float(kinds != other_kinds),
        math.log1p(len(mine) + len(yours)),
        float(negation.deny_differently(asked, kept)),
    )


def _unmatched(mine: set[str], yours: set[str]) -> tuple[set[str], set[str]]:
    """Without those that differ by a slip of the finger or a longer ending."""
    if not mine or not yours or max(len(mine), len(yours)) > _MOST_COMPARED:
        return mine, yours
    pairs = [(word, other) for word in mine for other in yours if _are_one(word, other)]
    return mine - {word for word, _ in pairs}, yours - {other for _, other in pairs}


def _are_one(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _FEWEST_LETTERS or word[0] != other[0]:
        return False
    if names.is_swap(word, other):
        return True
    short, long = sorted((word, other), key=len)
    shared = len(short) - 1 if len(short) > _FEWEST_LETTERS else len(short)
    return long[:shared] == short[:shared] and long[shared:] in _ENDINGS and short[shared:] in _ENDINGS


_ENDINGS = frozenset({""}) | words(
    "y e al ally ly er or ion ions ation ment ness ity ful less able ible ive ic ical s es d t",
    "ance ence ant ent ist ism",
)


def _weigh(words: set[str], rarity: bytes) -> float:
    return sum(rarity[bucket(word)] for word in words) / _RARE


def _foreign_numbers(asked: Reading, kept: Reading) -> int:
    ours, theirs = numbers.named(asked), numbers.named(kept)
    first, second = ours.exact + ours.spoken, theirs.exact + theirs.spoken
    return ((first - second) + (second - first)).total()


def _grams(reading: Reading) -> set[str]:
    text = " ".join(reading.words)[:2000]
    return {text[place : place + 3] for place in range(len(text) - 2)}


def _overlap(ours: set[Any], theirs: set[Any]) -> float:
    """Dice's coefficient; two empty sets are alike."""
    both = len(ours) + len(theirs)
    return 2 * len(ours & theirs) / both if both else 1.0
