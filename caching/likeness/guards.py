"""The guards, in the order in which they are asked: the cheap and the telling ones first."""

from collections.abc import Callable, Mapping

from caching.likeness import (
    actions,
    code,
    directions,
    instructions,
    languages,
    material,
    moments,
    names,
    negation,
    numbers,
    persons,
    quantifiers,
    questions,
    scopes,
    tenses,
    units,
    wording,
)
from caching.likeness.reading import Reading

Guard = Callable[[Reading, Reading], bool]


def _is_unreadable(asked: Reading, kept: Reading) -> bool:
    return not asked.words or not kept.words


def _is_too_long(asked: Reading, kept: Reading) -> bool:
    return asked.is_too_long or kept.is_too_long


GUARDS: Mapping[str, Guard] = {
    "length": _is_too_long,
    "empty": _is_unreadable,
    "numbers": numbers.differ,
    "code": code.differs,
    "negation": negation.contradict,
    "names": names.differ,
    "scope": scopes.differ,
    "quotations": names.quotations_differ,
    "language": languages.differ,
    "question": questions.differ,
    "action": actions.differ,
    "form": actions.forms_differ,
    "units": units.differ,
    "moments": moments.differ,
    "quantifiers": quantifiers.differ,
    "tenses": tenses.differ,
    "persons": persons.differ,
    "directions": directions.are_reversed,
    "material": material.differs,
    "instructions": instructions.give_orders,
}


# among many other words what these find may be another way to say the same; then the score counts it
LENIENT = frozenset(
    {"negation", "names", "scope", "question", "moments", "quantifiers", "tenses", "persons", "directions"}
)
_FEWEST_APART = 3


def refusing(asked: Reading, kept: Reading) -> str:
    """The name of the first guard that refuses, or an empty text."""
    found = (name for name, guard in GUARDS.items() if guard(asked, kept))
    first = next(found, "")
    if first not in LENIENT or not _are_apart(asked, kept):
        return first
    return next((name for name in found if name not in LENIENT), "")


def doubts(asked: Reading, kept: Reading) -> int:
    """How many lenient guards would refuse, had the two more words in common."""
    if not _are_apart(asked, kept):
        return 0
    return sum(GUARDS[name](asked, kept) for name in LENIENT)


def _are_apart(asked: Reading, kept: Reading) -> bool:
    """Whether so much is worded otherwise that no one difference can be what sets the two apart.

    What they name does not count, nor do numbers: those differ for their own sake. Long texts that differ in a few
    words are never apart, however many those are.
    """
    mine, yours = wording.beyond(asked, kept)
    named = {wording.stand_for(name) for name in names.named(asked) | names.named(kept)}
    different = sum(word.isalpha() for word in (mine | yours) - named)
    return different >= _FEWEST_APART and len(set(wording.content(asked)) & set(wording.content(kept))) <= different
