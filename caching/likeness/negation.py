"""Whether two texts say the contrary: a "not" more, or a word and its opposite."""

from collections import defaultdict
from collections.abc import Mapping

from caching.likeness import antonyms
from caching.likeness.reading import Reading, once, vocabulary
from caching.likeness.word_lists import words

NEGATORS = words(
    "not non no never none nobody nothing nowhere neither nor without cannot hardly barely except excluding",
    "besides unless unlike lacks lacking instead rather avoid avoiding prevent preventing",
)
# with the word behind them they deny too
_DENYING_PAIRS = frozenset({("fail", "to"), ("failed", "to"), ("fails", "to"), ("refused", "to"), ("other", "than")})
_DENYING_FIRST = frozenset(first for first, _ in _DENYING_PAIRS)
_INVERTED = words("is are was were does did should would could has have")
# behind these a "not" that stands before the subject still reaches the verb
_SUBJECTS = words("i you we they he she it my your our their his her the a an this that these those")
_FAR_REACH = 6
# "my account no" is a number, unless something follows that it could be without
_NUMBERED = words("mobile phone telephone contact account serial registration roll card aadhaar pan")
_BEHIND_A_NUMBER = words("in of for from with to and is on at by linked registered")
_LESS = frozenset({"less", "least", "fewer", "fewest"})
# a negation reaches over an article and an adverb, not over a clause
_REACH = 3
_CLAUSE_WORDS = 3
# phrases in which "not" and "no" deny nothing
_IDLE = (
    ("or", "not"),
    ("not", "only"),
    ("or", "no"),
    ("whether", "not"),
    ("no", "matter"),
    ("why", "not"),
    ("if", "not"),
    ("no", "reason"),
    ("not", "just"),
    ("rather", "than"),
)


def contradict(asked: Reading, kept: Reading) -> bool:
    ours, theirs = _sense(asked), _sense(kept)
    shared = set(ours.ends.keys() & theirs.ends.keys())
    # who asks for both ends is not content with one
    if any(ours.ends[axis] != theirs.ends[axis] for axis in (_joined(asked) | _joined(kept)) & shared):
        return True
    if ours.denials(set()) == theirs.denials(set()):
        # to have no friends and not to have any: one word denied once in each, however near the denial stands
        shared = {axis for axis in shared if ours.words[axis] != theirs.words[axis]}
    if any(ours.ends[axis].isdisjoint(theirs.ends[axis]) for axis in shared):
        return True
    is_denied = ours.denials(shared) != theirs.denials(shared)
    # less patient is more impatient: two contraries are none
    if is_denied == _hold_negated_forms(vocabulary(asked), vocabulary(kept)):
        return False
    return not has_another_clause(asked, kept)


@once
def _joined(reading: Reading) -> frozenset[int]:
    """The axes of which both ends are asked for in one breath: advantages and disadvantages."""
    spoken, stems = reading.words, reading.stems
    found: set[int] = set()
    for place in range(1, len(spoken) - 1):
        if spoken[place] in {"and", "&"}:
            turned = {(axis, -end) for axis, end in antonyms.ends_of(spoken[place - 1], stems[place - 1])}
            found |= {axis for axis, _ in turned & set(antonyms.ends_of(spoken[place + 1], stems[place + 1]))}
    return frozenset(found)


def deny_differently(asked: Reading, kept: Reading) -> bool:
    return _sense(asked).denials(set()) != _sense(kept).denials(set())


def has_another_clause(asked: Reading, kept: Reading) -> bool:
    """Whether one says so much more that the "not" may belong to that; the score counts what it says."""
    return abs(len(asked.words) - len(kept.words)) > _CLAUSE_WORDS


class _Sense:
    """Which end of which axis a text speaks of, and what is denied in it."""

    def __init__(self, reading: Reading) -> None:
        self.ends: Mapping[int, set[int]] = defaultdict(set)
        self.words: Mapping[int, set[str]] = defaultdict(set)
        self._spent: Mapping[int, set[int]] = defaultdict(set)  # axis -> places of denials that turned its word around
        self._deniers = [
            place
            for place, word in enumerate(reading.words)
            if (word in NEGATORS or word in _DENYING_FIRST) and _denies(reading.words, place)
        ]
        self._lesseners = [
            place for place, word in enumerate(reading.words) if word in _LESS and not _compares(reading.words, place)
        ]
        turners = {*self._deniers, *self._lesseners}
        for place, (word, its_stem) in enumerate(zip(reading.words, reading.stems, strict=True)):
            for axis, end in antonyms.ends_of(word, its_stem):
                near = [at for at in turners if _reaches(reading.words, at, place)]
                self.words[axis].add(its_stem)
                self.ends[axis].add(-end if len(near) % 2 else end)
                self._spent[axis].update(near)

    def denials(self, shared: set[int]) -> tuple[int, bool]:
        """Denials, and whether it is said "less", beyond those that made one word of the other's opposite."""
        spent = {at for axis in shared for at in self._spent[axis]}
        lessened = any(at not in spent for at in self._lesseners)
        return sum(at not in spent for at in self._deniers), lessened


@once
def _sense(reading: Reading) -> _Sense:
    return _Sense(reading)


def _compares(spoken: tuple[str, ...], place: int) -> bool:
    """Less than ten is a limit, and more or less says nothing."""
    return spoken[place + 1 : place + 2] == ("than",) or spoken[max(0, place - 1) : place] == ("or",)


def _denies(words: tuple[str, ...], place: int) -> bool:
    before, after = words[max(0, place - 1) : place + 1], words[place : place + 2]
    if after in _DENYING_PAIRS:
        return True
    if words[place] not in NEGATORS or before in _IDLE or after in _IDLE:
        return False
    if words[place] == "no" and before[0] in _NUMBERED and (not after[1:] or after[1] in _BEHIND_A_NUMBER):
        return False
    # "isn't it so" asks what "is it so" asks
    return not (place == 1 and words[place] == "not" and words[0] in _INVERTED)


def _reaches(words: tuple[str, ...], place: int, word_place: int) -> bool:
    if not 0 < word_place - place <= _FAR_REACH:
        return False
    return word_place - place <= _REACH or words[place + 1] in _SUBJECTS


def _hold_negated_forms(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    mine, yours = ours - theirs - antonyms.WORDS, theirs - ours - antonyms.WORDS
    return any(antonyms.negate(word, yours) for word in mine) or any(antonyms.negate(word, mine) for word in yours)
