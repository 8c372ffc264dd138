"""About whom a text asks: me, you, him or her."""

from caching.likeness.reading import Reading, once

_OWNERS = {
    "my": "mine", "mine": "mine", "your": "yours", "yours": "yours", "his": "his", "her": "her", "hers": "her",
    "their": "theirs", "theirs": "theirs", "our": "ours", "ours": "ours", "he": "his", "him": "his", "she": "her",
}  # fmt: skip
_RIVALS = (frozenset({"mine", "yours"}), frozenset({"his", "her"}), frozenset({"ours", "theirs"}))
_BEINGS = frozenset({("am", "i"), ("are", "you"), ("is", "he"), ("is", "she"), ("are", "we"), ("are", "they")})


def differ(asked: Reading, kept: Reading) -> bool:
    """Whether each has an owner that the other has not, or one asks "am I" and the other "are you"."""
    ours, theirs = _owners(asked), _owners(kept)
    if any({here} == ours & pair and pair - {here} == theirs & pair for pair in _RIVALS for here in pair):
        return not _address_everybody(asked, kept)
    we, they = _beings(asked), _beings(kept)
    if we and they and we != they:
        return True
    return _is_named_instead(asked, kept) or _is_named_instead(kept, asked)


def _address_everybody(asked: Reading, kept: Reading) -> bool:
    """How do I wash my dog, ways to wash your dog when you are alone: here you and I are anybody."""
    return any(not {"i", "you", "one"}.isdisjoint(each.words) for each in (asked, kept))


@once
def _owners(reading: Reading) -> frozenset[str]:
    return frozenset(_OWNERS[word] for word in reading.words if word in _OWNERS)


@once
def _beings(reading: Reading) -> frozenset[tuple[str, ...]]:
    pairs = {reading.words[place : place + 2] for place in range(len(reading.words) - 1)}
    return frozenset(pairs & _BEINGS)


def _is_named_instead(asked: Reading, kept: Reading) -> bool:
    """Her family in one text, Brandon's in the other: only who knows the two can tell whether it is the same."""
    words = set(asked.words)
    return (
        not words.isdisjoint({"his", "her"})
        and set(kept.words).isdisjoint({"his", "her", "he", "she"})
        and "'s " in kept.text
    )
