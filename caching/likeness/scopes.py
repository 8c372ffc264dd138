"""Whether one text asks the same as the other, but only of a place, a thing or some people."""

from caching.likeness import features, names
from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_NARROWING = words("in on at for from near with as about within inside across around using via under among")
_ARTICLES = words("a an the my your our his her their all some most")
# of whom it is said, not that they are named: for women, for vegans
_GROUPS = words(
    "women woman men man boys girls kids children babies toddlers infants teenagers teens adults seniors elderly",
    "diabetics vegetarians vegans dogs cats puppies kittens horses students teachers parents couples males females",
)


def differ(asked: Reading, kept: Reading) -> bool:
    """Where both say more than the other, it is for the score."""
    mine, yours = features.beyond(asked, kept)
    if bool(mine) == bool(yours):
        return False
    wide, narrow = (kept, asked) if mine else (asked, kept)
    added = {word for word in _narrowed_to(narrow) if features.stand_for(word) in mine | yours}
    named_there, named_here = names.absent(asked, kept)
    return bool(added & (_GROUPS | named_there | named_here) - set(wide.words))


@once
def _narrowed_to(reading: Reading) -> frozenset[str]:
    """The words right behind "in", "for" and the like."""
    found = set()
    for place, word in enumerate(reading.words[:-1]):
        if word in _NARROWING:
            is_article = reading.words[place + 1] in _ARTICLES and place + 2 < len(reading.words)
            found.add(reading.words[place + 1 + is_article])
    return frozenset(found)
