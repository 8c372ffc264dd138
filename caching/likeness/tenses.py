"""Whether a text asks what was, is or will be, and what may, can or must be."""

from caching.likeness.reading import Reading

_HAVE = frozenset({"have", "has", "had"})


def differ(asked: Reading, kept: Reading) -> bool:
    ours, theirs = times(asked), times(kept)
    if (ours ^ theirs) & _EXACT:
        return True
    return _is_past_against_future(ours, theirs) or _is_past_against_future(theirs, ours)


def _is_past_against_future(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return ours & _TENSES == {"past"} and theirs & _TENSES == {"future"}


_EXACT = frozenset({"once", "becoming"})
_TENSES = frozenset({"past", "future"})


def times(reading: Reading) -> frozenset[str]:
    words = reading.words
    found = set()
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        if word in {"did", "was", "were", "won", "died", "happened"}:
            found.add("past")
        elif word in {"will", "shall"} or (word == "going" and after == "to"):
            found.add("future")
        if (
            word in {"use", "used"}
            and after == "to"
            and words[place - 1 : place] not in {("is",), ("are",), ("be",), ("was",), ("were",)}
            and _follows_subject(words, place)
        ):
            found.add("once")
        elif word == "becoming":
            found.add("becoming")
    return frozenset(found)


def _follows_subject(words: tuple[str, ...], place: int) -> bool:
    return words[0] in {"did", "didn"} or (
        place > 0 and words[place] == "used" and words[place - 1] not in {"get", "be", "getting", "commonly", "not"}
    )
