"""Whether one text asks the same as the other, but only of a place, a thing or some people."""

from caching.likeness import gazetteer, names, wording
from caching.likeness.reading import Reading
from caching.likeness.word_lists import words

# of whom it is said, not that they are named: for women, for vegans
_GROUPS = words(
    "women woman men man boys girls kids children babies toddlers infants teenagers teens adults seniors elderly",
    "diabetics vegetarians vegans dogs cats puppies kittens horses students teachers parents couples males females",
)


def differ(asked: Reading, kept: Reading) -> bool:
    """Where both say more than the other, it is for the score."""
    mine, yours = wording.beyond(asked, kept)
    if bool(mine) == bool(yours):
        return False
    wide, narrow = (kept, asked) if mine else (asked, kept)
    added = {
        word
        for word, following in wording.narrowed_to(narrow)
        if wording.stand_for(word) in mine | yours
        and gazetteer.KNOWN.get(following, following) not in names.named(wide)
    }
    named_there, named_here = names.absent(asked, kept)
    return bool(added & (_GROUPS | named_there | named_here) - set(wide.words))
