"""What two texts share and what they do not, in numbers."""

from collections.abc import Sequence

from caching.likeness import guards, names, negation, numbers, questions, wording
from caching.likeness.reading import Reading

# between what its weight must lie; where guards are lenient and leave it to the score, it must count
_BOUNDS = {
    "substitution": (-99.0, 0.0),
    "one_sided": (-99.0, 0.0),
    "narrowed": (-99.0, -0.5),
    "foreign_names": (-99.0, -0.5),
    "foreign_numbers": (-99.0, -0.5),
    "kind_differs": (-99.0, -0.25),
    "denials": (-99.0, -0.5),
    "doubts": (-99.0, -0.5),
}
NAMES = tuple(_BOUNDS)
FLOORS, CEILINGS = zip(*_BOUNDS.values(), strict=True)
_MOST_COUNTED = 3


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
        min(guards.doubts(asked, kept), _MOST_COUNTED),
    )


def _is_narrowed(reading: Reading, added: set[str]) -> bool:
    return any(wording.stand_for(word) in added for word, _ in wording.narrowed_to(reading))


def _foreign_numbers(asked: Reading, kept: Reading) -> int:
    ours, theirs = numbers.named(asked), numbers.named(kept)
    first, second = ours.exact + ours.spoken, theirs.exact + theirs.spoken
    return ((first - second) + (second - first)).total()
