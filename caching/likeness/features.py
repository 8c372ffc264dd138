"""What two texts share and what they do not, in numbers."""

from collections.abc import Sequence

from caching.likeness import names, negation, numbers, questions, stems, synonyms
from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

# between what its weight must lie; where guards are lenient and leave it to the score, it must count
_BOUNDS = {
    "substitution": (-99.0, 0.0),
    "one_sided": (-99.0, 0.0),
    "narrowed": (-99.0, -0.5),
    "foreign_names": (-99.0, -0.25),
    "foreign_numbers": (-99.0, -0.5),
    "kind_differs": (-99.0, -0.25),
    "denials": (-99.0, -0.5),
}
NAMES = tuple(_BOUNDS)
FLOORS, CEILINGS = zip(*_BOUNDS.values(), strict=True)
_SMALL = words(
    "a an the to of in on at for from by with as and or but if is are was be been do did have has will would can",
    "could should shall may might must i me my you your we us our they them their he him his she her it its this",
    "that these those there here what which who whom whose when where why how so than then just really actually",
    "very also too please thank s t d ll any some ever about into get im indeed truly fact such",
)
_NARROWING = words("in on at for from near with as about within inside across around using via under among")
_ARTICLES = words("a an the my your our his her their all some most")
_FEWEST_LETTERS = 4
_MOST_COMPARED = 12
_MOST_COUNTED = 3


@once
def content(reading: Reading) -> list[str]:
    """The words that carry the meaning, one for all that mean the same."""
    return [synonyms.canonical(word) for word in reading.stems if word not in _SMALL]


def beyond(asked: Reading, kept: Reading) -> tuple[set[str], set[str]]:
    """What the first says without the second, and the other way round."""
    ours, theirs = set(content(asked)), set(content(kept))
    return _unmatched(ours - theirs, theirs - ours)


@once
def narrowed_to(reading: Reading) -> frozenset[tuple[str, str]]:
    """The words right behind "in", "for" and the like, each with the next one: the rest of a name, perhaps."""
    found = set()
    for place, word in enumerate(reading.words[:-1]):
        if word in _NARROWING:
            is_article = reading.words[place + 1] in _ARTICLES and place + 2 < len(reading.words)
            at = place + 1 + is_article
            found.add((reading.words[at], "".join(reading.words[at + 1 : at + 2])))
    return frozenset(found)


def stand_for(word: str) -> str:
    return synonyms.canonical(stems.stem(word))


def measure(asked: Reading, kept: Reading) -> Sequence[float]:
    """In the order of NAMES; symmetric."""
    mine, yours = beyond(asked, kept)
    foreign_ours, foreign_theirs = names.absent(asked, kept)
    return (
        float(len(mine) == len(yours) == 1),
        float(bool(mine) != bool(yours)),
        float(bool(mine) != bool(yours) and _is_narrowed(asked if mine else kept, mine | yours)),
        min(len(foreign_ours) + len(foreign_theirs), _MOST_COUNTED),
        min(_foreign_numbers(asked, kept), _MOST_COUNTED),
        float(questions.kinds(asked) != questions.kinds(kept)),
        float(negation.deny_differently(asked, kept)),
    )


def _is_narrowed(reading: Reading, added: set[str]) -> bool:
    return any(stand_for(word) in added for word, _ in narrowed_to(reading))


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


def _foreign_numbers(asked: Reading, kept: Reading) -> int:
    ours, theirs = numbers.named(asked), numbers.named(kept)
    first, second = ours.exact + ours.spoken, theirs.exact + theirs.spoken
    return ((first - second) + (second - first)).total()
