"""Whether a text asks what was, what is becoming, or what will be."""

from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_PAST = words("did was were won died happened")
_FUTURE = words("will shall")
_NOT_OF_SOMEBODY = words("in of to for by from with at about")
_BEING = words("is are am was were be")


def differ(asked: Reading, kept: Reading) -> bool:
    if _was_once(asked.words) != _was_once(kept.words) or _is_becoming(asked.words) != _is_becoming(kept.words):
        return True
    ours, theirs = _times(asked), _times(kept)
    return {"past", "future"} == ours | theirs and len(ours) == len(theirs) == 1


@once
def _times(reading: Reading) -> frozenset[str]:
    spoken = set(reading.words)
    # "would happen if it was so" speaks of no past
    found = {"past"} if spoken & _PAST and not {"would", "if"} <= spoken else set()
    return frozenset(found | {"future"} if spoken & _FUTURE else found)


def _was_once(spoken: tuple[str, ...]) -> bool:
    """Did she use to fly, or she used to be a pilot; but not what a thing is used to do."""
    triples = zip(spoken, spoken[1:], spoken[2:], strict=False)
    return any(
        (first == "use" and second == "to" and spoken[0] == "did") or (first, second, third) == ("used", "to", "be")
        for first, second, third in triples
    )


def _is_becoming(spoken: tuple[str, ...]) -> bool:
    """Only of somebody: is she becoming a judge; but not what helps in becoming one."""
    if "becoming" not in spoken or spoken[0] not in _BEING:
        return False
    return spoken[spoken.index("becoming") - 1] not in _NOT_OF_SOMEBODY
