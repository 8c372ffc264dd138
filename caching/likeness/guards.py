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


def refusing(asked: Reading, kept: Reading) -> str:
    """The name of the first guard that refuses, or an empty text."""
    return next((name for name, guard in GUARDS.items() if guard(asked, kept)), "")
