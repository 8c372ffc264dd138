"""What one text says in words that the other does not have."""

from caching.likeness import stems, synonyms
from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

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
_ENDINGS = frozenset({""}) | words(
    "y e al ally ly er or ion ions ation ment ness ity ful less able ible ive ic ical s es d t",
    "ance ence ant ent ist ism",
)
# swapped letters that make another word
_WORD_PAIRS = (
    "brian brain/angel angle/trial trail/untied united/casual causal/marital martial/dairy diary/form from/calm clam"
)
_LOOK_MISTYPED = frozenset(frozenset(pair.split()) for pair in _WORD_PAIRS.split("/"))


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


def is_swap(one: str, other: str) -> bool:
    """Whether two neighbouring letters have changed places, and no other word has come of it."""
    if len(one) != len(other) or frozenset((one, other)) in _LOOK_MISTYPED:
        return False
    places = [place for place, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
    if len(places) != 2 or places[1] != places[0] + 1:  # noqa: PLR2004
        return False
    first, second = places
    return one[first] == other[second] and one[second] == other[first]


def _unmatched(mine: set[str], yours: set[str]) -> tuple[set[str], set[str]]:
    """Without those that differ by a slip of the finger or a longer ending."""
    if not mine or not yours or max(len(mine), len(yours)) > _MOST_COMPARED:
        return mine, yours
    pairs = [(word, other) for word in mine for other in yours if _are_one(word, other)]
    return mine - {word for word, _ in pairs}, yours - {other for _, other in pairs}


def _are_one(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _FEWEST_LETTERS or word[0] != other[0]:
        return False
    if is_swap(word, other):
        return True
    short, long = sorted((word, other), key=len)
    shared = len(short) - 1 if len(short) > _FEWEST_LETTERS else len(short)
    return long[:shared] == short[:shared] and long[shared:] in _ENDINGS and short[shared:] in _ENDINGS
