"""The guards, in the order in which they are asked: the cheap and the telling ones first."""

from collections.abc import Callable, Mapping

from caching.likeness import (
    actions,
    antonyms,
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


# among so many other words what these find may be another way to say the same; then the score counts it
LENIENT: Mapping[str, int] = {
    "negation": 3,
    "names": 3,
    "scope": 3,
    "question": 2,
    "moments": 3,
    "quantifiers": 3,
    "tenses": 3,
    "persons": 2,
    "directions": 3,
}
# the words that a guard looks at differ for their own sake
_TELLING = {
    "negation": frozenset(map(wording.stand_for, antonyms.WORDS | negation.NEGATORS)),
    "question": frozenset(map(wording.stand_for, questions.OPENING_WORDS)),
    "quantifiers": frozenset(map(wording.stand_for, quantifiers.AMOUNTS)),
}
# for each word worded otherwise
_MOST_SHARED = 2
_ABOUT_NAMES = frozenset({"names", "scope", "directions"})


def refusing(asked: Reading, kept: Reading) -> str:
    """The name of the first guard that refuses, or an empty text."""
    found = (name for name, guard in GUARDS.items() if guard(asked, kept))
    return next((name for name in found if not _is_lenient(name, asked, kept)), "")


def doubts(asked: Reading, kept: Reading) -> int:
    """How many guards found something and were lenient."""
    if len(_worded_otherwise(asked, kept)) < min(LENIENT.values()):
        return 0
    return sum(_is_lenient(name, asked, kept) and GUARDS[name](asked, kept) for name in LENIENT)


def _is_lenient(name: str, asked: Reading, kept: Reading) -> bool:
    """Whether so much is worded otherwise that what the guard found need not be what sets the two apart.

    Long texts that differ in a few words are near each other, however many those are.
    """
    if name not in LENIENT:
        return False
    others = len(_worded_otherwise(asked, kept) - _telling(name, asked, kept))
    shared = set(wording.content(asked)) & set(wording.content(kept))
    return others >= LENIENT[name] and len(shared) <= _MOST_SHARED * others


def _worded_otherwise(asked: Reading, kept: Reading) -> set[str]:
    mine, yours = wording.beyond(asked, kept)
    return {word for word in mine | yours if word.isalpha()}


def _telling(name: str, asked: Reading, kept: Reading) -> frozenset[str]:
    if name in _ABOUT_NAMES:
        return frozenset(map(wording.stand_for, names.named(asked) | names.named(kept)))
    return _TELLING.get(name, frozenset())
