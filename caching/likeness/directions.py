"""Whether what goes from one to the other in one text goes the other way in the other."""

from itertools import pairwise

from caching.likeness import names
from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_ARROWS = frozenset(
    {
        "to",
        "into",
        "from",
        "than",
        "in",
        "on",
        "by",
        "for",
        "against",
        "over",
        "minus",
        "per",
        "before",
        "after",
        "as",
        "of",
        "with",
        "without",
        "towards",
        "via",
        "not",
    }
)
_FAMILIES = dict.fromkeys(("to", "into", "from", "towards"), "to")
# between these the order means nothing
_MUTUAL = words(
    "and or vs versus between & with married engaged dating related friends similar same equal different differ",
    "difference compare compared comparison together sibling siblings siblings cousins neighbours neighbors",
    "compatible connected acquainted linked close tied near next acquaintance acquaintances cousin colleague",
    "colleagues classmate classmates roommate roommates partner partners neighbour neighbor friend twin twins",
    "spouse sibling",
)
_SMALL = words(
    "a an the to of in on at for from by with is are was were be been do does did have has had i you we they it",
    "my your his her their our can could should would will what which who how when where why that this these",
    "those as if so there than into and or any some please not ever",
)
_EMPTY = _SMALL - _ARROWS
_PASSIVES = words("is are was were be been being get gets got")


def are_reversed(asked: Reading, kept: Reading) -> bool:
    return _arrows_turn(asked, kept) or _roles_turn(asked, kept) or _order_turns(asked, kept) or _ends_swap(asked, kept)


def _arrows_turn(asked: Reading, kept: Reading) -> bool:
    """English to French, French to English."""
    ours, theirs = _pairs_around_arrows(asked), _pairs_around_arrows(kept)
    return any((arrow, last, first) in theirs and (arrow, first, last) not in theirs for arrow, first, last in ours)


@once
def _pairs_around_arrows(reading: Reading) -> frozenset[tuple[str, str, str]]:
    carried = [
        (word, its_stem) for word, its_stem in zip(reading.words, reading.stems, strict=True) if word not in _EMPTY
    ]
    found = set()
    for (first, first_stem), (arrow, _), (last, last_stem) in zip(carried, carried[1:], carried[2:], strict=False):
        if arrow in _ARROWS and first not in _ARROWS and last not in _ARROWS:
            kind = _FAMILIES.get(arrow, arrow)
            found.add((kind, last_stem, first_stem) if arrow == "from" else (kind, first_stem, last_stem))
    return frozenset(found)


def _roles_turn(asked: Reading, kept: Reading) -> bool:
    """Ada pays Grace, Grace pays Ada; but Grace is paid by Ada is no turn."""
    shared = names.named(asked) & names.named(kept)
    if len(shared) < 2 or not _MUTUAL.isdisjoint(asked.words) or not _MUTUAL.isdisjoint(kept.words):  # noqa: PLR2004
        return False
    ours, theirs = _in_order(asked, shared), _in_order(kept, shared)
    if not ours[1:] or sorted(ours) != sorted(theirs) or len(set(ours)) != len(ours) or "'s " in asked.text + kept.text:
        return False
    if _stand_together(asked, ours) or _stand_together(kept, theirs):
        return False
    return (ours != theirs) != (_is_passive(asked) != _is_passive(kept))


def _stand_together(reading: Reading, chosen: list[str]) -> bool:
    """Ada Lovelace is one name, not two who do something to each other."""
    places = [place for place, word in enumerate(reading.words) if word in chosen]
    return places[1] - places[0] == 1


def _in_order(reading: Reading, chosen: frozenset[str]) -> list[str]:
    return [word for word in reading.words if word in chosen]


@once
def _is_passive(reading: Reading) -> bool:
    words = reading.words
    if "by" not in words or _PASSIVES.isdisjoint(words):
        return False
    before = words[words.index("by") - 1] if words.index("by") else ""
    return before.endswith(("ed", "en", "wn", "ght", "ung", "ade", "old", "elt", "ood", "urt"))


def _order_turns(asked: Reading, kept: Reading) -> bool:
    """The very same words in another order, unless only whole phrases have moved."""
    if sorted(asked.words) != sorted(kept.words) or asked.words == kept.words:
        return False
    if not _MUTUAL.isdisjoint(asked.words):
        return False
    ours, theirs = _carrying(asked), _carrying(kept)
    moved = set(pairwise(ours)) - set(pairwise(theirs))
    return len(moved) > _MOVED_PHRASES or (len(moved) == len(ours) - 1 and len(ours) > 1)


def _ends_swap(asked: Reading, kept: Reading) -> bool:
    """Do dogs chase cats, why do cats chase dogs: two words have changed places around others that stay."""
    ours, theirs = _carrying(asked), _carrying(kept)
    if len(ours) != len(theirs) or abs(len(asked.words) - len(kept.words)) > _NEARLY_AS_LONG:
        return False
    if not _MUTUAL.isdisjoint(asked.words + kept.words):
        return False
    moved = [place for place, (mine, yours) in enumerate(zip(ours, theirs, strict=True)) if mine != yours]
    if len(moved) != 2 or moved[1] == moved[0] + 1:  # noqa: PLR2004
        return False
    first, last = moved
    return (ours[first], ours[last]) == (theirs[last], theirs[first]) and _is_passive(asked) == _is_passive(kept)


# cats that hunt at night, night-hunting cats
_NEARLY_AS_LONG = 1
# a phrase that has moved breaks as many neighbourhoods
_MOVED_PHRASES = 2


@once
def _carrying(reading: Reading) -> list[str]:
    return [word for word in reading.stems if word not in _SMALL]
