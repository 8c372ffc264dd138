"""How much of something a text speaks of: all or some, at least or at most, larger or largest."""

import re
from itertools import pairwise

from caching.likeness.reading import Reading, once, vocabulary
from caching.likeness.word_lists import words

# what is said of all is not said of some; "some" and "many" are often the same
_AMOUNTS = (
    (words("all every each always everyone everybody"), words("some few sometimes rarely seldom")),
    (words("most many often usually"), words("few rarely seldom")),
    (words("both"), words("either")),
)
AMOUNTS = frozenset().union(*(more | less for more, less in _AMOUNTS))
# each must stand in both texts or in neither
_LIMITS = re.compile(
    r"\b(?:at (?:least|most)|no (?:more|less|fewer) than|other than|"
    r"(?:more|less|fewer|greater|lower|higher) than(?=\s[$€£]?\d|\sa?\s?(?:one|two|three|four|five|ten|half)\b)|"
    r"up to (?=\d)|only if|not only|except|excluding|besides|all but)\b",
    re.IGNORECASE,
)
_LIMITING = words("than least most up only except excluding besides but")
_SAME_LIMIT = {
    "excluding": "except",
    "besides": "except",
    "other than": "except",
    "all but": "except",
    "greater than": "more than",
    "higher than": "more than",
    "fewer than": "less than",
    "lower than": "less than",
    "no more than": "at most",
    "no less than": "at least",
    "no fewer than": "at least",
    "up to ": "at most",
}
_COMMON_DEGREES = words("best better good most more")
_IDLE = frozenset({("all", "time"), ("every", "time"), ("each", "other"), ("at", "all")})
_SPANS = words("seconds minutes moments")
_NO_DEGREES = words(
    "number other whether after before under over ever never order paper computer user server letter water number",
    "center power offer answer together rather either another father mother brother sister winter summer",
    "september october november december interest test request rest west east forest contest protest latest guest",
    "quest honest harvest digest",
)


def differ(asked: Reading, kept: Reading) -> bool:
    return _amounts_differ(asked, kept) or limits(asked) != limits(kept) or _degrees_differ(asked, kept)


@once
def limits(reading: Reading) -> frozenset[str]:
    if _LIMITING.isdisjoint(reading.words):
        return frozenset()
    said = {" ".join(found.casefold().split()) for found in _LIMITS.findall(reading.text)}
    return frozenset(_SAME_LIMIT.get(limit, limit) for limit in said if limit != "not only")


def _amounts_differ(asked: Reading, kept: Reading) -> bool:
    ours, theirs = _counted(asked), _counted(kept)
    mine, yours = ours - theirs, theirs - ours
    return any((mine & more and yours & less) or (mine & less and yours & more) for more, less in _AMOUNTS)


@once
def _counted(reading: Reading) -> set[str]:
    """The words, but for the "all" of "all time" and the like."""
    idle = {first for first, second in pairwise(reading.words) if (first, second) in _IDLE or second in _SPANS}
    return set(reading.words) - idle


def _degrees_differ(asked: Reading, kept: Reading) -> bool:
    """Larger here and largest there."""
    ours, theirs = vocabulary(asked), vocabulary(kept)
    return any(
        _other_degree(word) in there - here
        for here, there in ((ours, theirs), (theirs, ours))
        for word in here - there
        if word.endswith("er") and word not in _NO_DEGREES
    )


def _other_degree(word: str) -> str:
    return word[:-2] + "est"
