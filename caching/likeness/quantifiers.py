"""How much of something a text speaks of: all or some, at least or at most, larger or largest."""

import re

from caching.likeness.reading import Reading
from caching.likeness.word_lists import words

# of two of these that differ, each in one text alone, the texts mean something else
_AMOUNTS = {
    "all": "all",
    "every": "all",
    "each": "all",
    "always": "all",
    "everyone": "all",
    "everybody": "all",
    "some": "some",
    "sometimes": "some",
    "few": "few",
    "several": "some",
    "many": "many",
    "most": "most",
    "none": "none",
    "never": "none",
    "nobody": "none",
    "no": "none",
    "rarely": "few",
    "seldom": "few",
    "often": "many",
    "usually": "most",
    "both": "both",
    "either": "either",
    "half": "half",
}
# each must stand in both texts or in neither
_LIMITS = re.compile(
    r"\b(?:at (?:least|most)|no (?:more|less|fewer) than|(?:more|less|fewer|greater|lower|higher|other) than|"
    r"up to (?=\d)|only if|not only|except|excluding|"
    r"without|all but)\b",
    re.IGNORECASE,
)
_SAME_LIMIT = {
    "excluding": "except",
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
_NO_DEGREES = words(
    "number other whether after before under over ever never order paper computer user server letter water number",
    "center power offer answer together rather either another father mother brother sister winter summer",
    "september october november december interest test request rest west east forest contest protest latest guest",
    "quest honest harvest digest",
)


def differ(asked: Reading, kept: Reading) -> bool:
    ours, theirs = _amounts(asked), _amounts(kept)
    if ours - theirs and theirs - ours:
        return True
    return limits(asked) != limits(kept) or _degrees_differ(asked, kept)


def limits(reading: Reading) -> frozenset[str]:
    said = {" ".join(found.casefold().split()) for found in _LIMITS.findall(reading.text)}
    return frozenset(_SAME_LIMIT.get(limit, limit) for limit in said if limit != "not only")


def _amounts(reading: Reading) -> frozenset[str]:
    return frozenset(_AMOUNTS[word] for word in reading.words if word in _AMOUNTS)


def _degrees_differ(asked: Reading, kept: Reading) -> bool:
    """Larger here and largest there."""
    ours, theirs = set(asked.words), set(kept.words)
    return any(
        _other_degree(word) in there - here
        for here, there in ((ours, theirs), (theirs, ours))
        for word in here - there
        if word.endswith("er") and word not in _NO_DEGREES
    )


def _other_degree(word: str) -> str:
    return word[:-2] + "est"
