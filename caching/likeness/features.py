"""What two texts share and what they do not, in numbers."""

from collections.abc import Sequence

from caching.likeness import names, negation, numbers, questions, wording
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
_NARROWING = words("in on at for from near with as about within inside across around using via under among")
_ARTICLES = words("a an the my your our his her their all some most")
_MOST_COUNTED = 3


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


def measure(asked: Reading, kept: Reading) -> Sequence[float]:
    """In the order of NAMES; symmetric."""
    mine, yours = wording.beyond(asked, kept)
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
    return any(wording.stand_for(word) in added for word, _ in narrowed_to(reading))


def _foreign_numbers(asked: Reading, kept: Reading) -> int:
    ours, theirs = numbers.named(asked), numbers.named(kept)
    first, second = ours.exact + ours.spoken, theirs.exact + theirs.spoken
    return ((first - second) + (second - first)).total()
