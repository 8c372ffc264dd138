"""What kind of answer a text asks for: a reason, a place, a yes or no."""

from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

# each line is one kind of answer; an opening of two or three words goes before one of a single word
_KINDS = """
count: how many; how much; what number of; what is the number of
age: how old
distance: how far
frequency: how often; how frequently
duration: how long; how much time; how many years; how many days; how many minutes; how many weeks; how many months
person: who; whom
possessor: whose
place: where; in which country; in which city; what place; which place
time: when; what time; what year; in what year; in which year; which year; what date; on what date
reason: why; how come; what is the reason; what are the reasons; what is the cause; what causes; what caused
manner: how; what is the best way to; what is the way to; what are the ways to; in what way
thing: what; which
""".strip()
_OPENINGS = {
    tuple(opening.split()): kind
    for kind, _, openings in (line.partition(": ") for line in _KINDS.splitlines())
    for opening in openings.split("; ")
}
OPENING_WORDS = frozenset(word for opening in _OPENINGS for word in opening)
_LONGEST = max(map(len, _OPENINGS))
_ASKING = frozenset(opening[0] for opening in _OPENINGS)
# what is asked with "what" may be what is asked with another word, where one of these is spoken of
_SAID_WITH_WHAT = """
reason: reason reasons cause causes caused makes made make purpose point significance importance need wrong problem
reason: mean problems issue special logic science motive rationale explanation behind use uses happen happens happened
manner: way ways method methods tip tips trick tricks step steps procedure process technique techniques strategy
manner: strategies approach do done remedy remedies cure cures treatment solution fix advice difference differences
manner: recipe recipes like use uses purpose think feel feeling opinion opinions view views review experience
manner: effect effects impact affect influence consequences happen happens happened role mean hack hacks way
place: place places website websites site sites country city location shop store stores sources resources app apps
place: references materials books courses classes company companies service services state area region platform
place: spot spots online
time: time date year day month birthday deadline century period schedule
person: person people name names man woman actor actress player singer company companies firm brand team author
person: writer president king queen leader minister ceo country inventor founder artist artists owner
count: number price cost costs amount percentage population salary rate fee fees charge charges income worth size
count: pay expense budget average much many cutoff score marks rank
age: age
distance: distance length
duration: duration period length time
frequency: frequency interval
possessor: owner
""".strip()
_ALSO: dict[str, set[str]] = {}
for _line in _SAID_WITH_WHAT.splitlines():
    for _word in _line.partition(": ")[2].split():
        _ALSO.setdefault(_word, set()).add(_line.partition(": ")[0])
_AUXILIARIES = words(
    "is are was were am do does did can could should would will shall may might must has have had isn aren",
)
# behind these another question begins
_CONNECTING = words("and or but so then know explain tell wonder understand describe me us if about")
_PREPOSITIONS = words("in on at to for from by with of since until till")
_BELIEVING = words("think believe say know explain")
_DOERS = words("i you we one my your")
_ANYBODY = words("i we you one someone anyone somebody anybody people they it")
# words that ask for the others, as in "does anyone know" and "can you explain"
_COURTEOUS = words("know tell explain suggest help recommend describe give share please elaborate")
_RATED = words("best top good")
_COMPARING = words("better worse more less than or best")
# so many words behind "what" or "is" may say what kind of thing is asked for
_REACH = 12
# what a thing is and whether it is so are often told with how it is; the score counts the difference
_LOOSE = frozenset({"thing", "polar"})


def differ(asked: Reading, kept: Reading) -> bool:
    ours, theirs = kinds(asked), kinds(kept)
    return bool(ours and theirs) and ours.isdisjoint(theirs) and not _may_be_one(asked, kept)


def _may_be_one(asked: Reading, kept: Reading) -> bool:
    """How it happens and why it happens are often one answer; so are how and where I can get it."""
    ours, theirs = kinds(asked), kinds(kept)
    if (ours & _LOOSE and "manner" in theirs) or (theirs & _LOOSE and "manner" in ours):
        return True
    has_doer = any(
        first in _DOERS and second not in _BELIEVING
        for each in (asked, kept)
        for first, second in zip(each.words[1:], each.words[2:], strict=False)
    )
    return (ours | theirs) - {"thing"} == ({"place", "manner"} if has_doer else {"reason", "manner"})


@once
def kinds(reading: Reading) -> frozenset[str]:
    """Of all questions in the text; a word that asks nothing ("when I sleep") counts only where no other asks."""
    found = _found_at(reading, [place for place in range(len(reading.words)) if _asks(reading, place)])
    found |= {kind for place in reading.openings for kind in _polar(reading.words[place : place + _REACH])}
    return found or _found_at(reading, [at for at, word in enumerate(reading.words) if word in _ASKING - {"when"}])


def _asks(reading: Reading, place: int) -> bool:
    spoken = reading.words
    if spoken[place] not in _ASKING:
        return False
    follows = spoken[place + 1 : place + 2]
    is_inverted = bool(follows) and follows[0] in _AUXILIARIES
    if spoken[place] == "when":
        is_joined = place > 0 and spoken[place - 1] in {"and", "or"}
        return is_inverted or is_joined or not follows or follows[0] in {"and", "or"}
    before = place - (place > 0 and spoken[place - 1] in _PREPOSITIONS)
    if before in reading.openings or spoken[before - 1] in _CONNECTING:
        return True
    return is_inverted and spoken[place] in {"how", "why", "what"}


def _found_at(reading: Reading, places: list[int]) -> frozenset[str]:
    found: set[str] = set()
    end = 0
    for place in places:
        if place >= end:
            kind, length = _opening(reading.words, place)
            found |= _widened(kind, length, reading.words[place:])
            end = place + length
    return frozenset(found)


def _opening(spoken: tuple[str, ...], place: int) -> tuple[str, int]:
    for length in range(_LONGEST, 0, -1):
        kind = _OPENINGS.get(spoken[place : place + length])
        if kind:
            return kind, length
    return "", 1


def _widened(kind: str, length: int, spoken: tuple[str, ...]) -> set[str]:
    """What is asked, in all the words for it: how tall it is, what height it has."""
    if not kind:
        return set()
    if spoken[:2] == ("what", "if"):
        return {"thing", "polar", "manner"}
    if kind == "thing":
        purpose = {"reason"} if spoken[-1] == "for" else set()  # what it is famous for
        return {kind}.union(purpose, *(_ALSO.get(word, ()) for word in spoken[:_REACH]))
    if kind == "person" and spoken[1:2] and spoken[1] in _AUXILIARIES:
        return {kind, "thing"} if _RATED.isdisjoint(spoken) else {kind, "thing", "place"}
    if kind == "manner" and length == 1 and spoken[1:2] and spoken[1] not in _AUXILIARIES | _ANYBODY | {"to", "the"}:
        return {"degree", "thing", "polar", "manner", "count"} if set(spoken[2:4]) & _AUXILIARIES else {kind}
    return {kind}


def _polar(spoken: tuple[str, ...]) -> set[str]:
    """What a text asks that begins with "is", "does", "can" ..."""
    if spoken[0] not in _AUXILIARIES or not spoken[1:] or not _COURTEOUS.isdisjoint(spoken[:5]):
        return set()
    if spoken[:2] in {("is", "there"), ("are", "there")}:
        return {"polar", "thing", "place", "person"}.union(*(_ALSO.get(word, ()) for word in spoken))
    if spoken[0] in {"can", "could"} or spoken[:3] == ("is", "it", "possible"):
        return {"polar", "manner"}
    return {"polar"} if _COMPARING.isdisjoint(spoken) else {"polar", "thing"}
