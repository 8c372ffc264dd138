"""Which people, places, products and quoted words a text speaks of."""

import re

from caching.likeness import gazetteer, wording
from caching.likeness.reading import Reading, once, words_of
from caching.likeness.word_lists import words

_QUOTED = re.compile(r"\"([^\"\n]{1,200})\"|(?<!\w)'([^'\n]{2,200})'(?!\w)")
# words that people write large without naming anything
_COMMON = words(
    "rs inr govt government i a an the and or but if is are was were do does did can could should would will",
    "shall may might must what which who whom whose when where why how there this that these those it he she they",
    "we you my your his her our their its not no in on at to of for from by with as be been have has had please",
    "ok also pm mr mrs ms dr vs etc",
)
# fewer words written large are names
_HEADLINE_WORDS = 4
_SHORTEST = 4
_DEMONYMS = words("s n an ian ean ese ish i ic er ers ns ans ians es")
_LINKING = frozenset({"and", "of", "the", "for", "in"})
_ABBREVIATION_LENGTHS = range(2, 7)


def differ(asked: Reading, kept: Reading) -> bool:
    """Whether each speaks of something that the other does not speak of."""
    absent_there, absent_here = absent(asked, kept)
    return bool(absent_there and absent_here)


def absent(asked: Reading, kept: Reading) -> tuple[set[str], set[str]]:
    """What the first names without the second, and the other way round."""
    ours, theirs = named(asked), named(kept)
    return _absent(ours, theirs, here=asked, there=kept), _absent(theirs, ours, here=kept, there=asked)


def quotations_differ(asked: Reading, kept: Reading) -> bool:
    ours, theirs = quotations(asked), quotations(kept)
    return bool(ours and theirs) and not (_quote(kept, ours) or _quote(asked, theirs))


def _quote(reading: Reading, quoted: frozenset[str]) -> bool:
    """Whether all that is quoted stands in the text, with or without its marks."""
    spoken = f" {' '.join(reading.words)} "
    return all(f" {each} " in spoken for each in quoted)


@once
def quotations(reading: Reading) -> frozenset[str]:
    if '"' not in reading.text and "'" not in reading.text:
        return frozenset()
    return frozenset(
        " ".join(words_of(double or single)[0]).casefold() for double, single in _QUOTED.findall(reading.text)
    ) - {""}


@once
def named(reading: Reading) -> frozenset[str]:
    """Names in their usual form: words known as such, and words with a large initial inside a sentence."""
    is_title = _is_title(reading)
    found = set()
    for place, (word, cased) in enumerate(zip(reading.words, reading.cased, strict=True)):
        known = gazetteer.known_as(word, cased)
        if known:
            found.add(known)
        elif not is_title and _looks_named(reading, place):
            found.add(word)
    return frozenset(found)


@once
def _is_title(reading: Reading) -> bool:
    """Whether every longer word is written large, as in a headline."""
    inside = [word for place, word in enumerate(reading.cased) if place not in reading.openings and word[0].isalpha()]
    long = [word for word in inside if len(word) >= _SHORTEST and word.casefold() not in _COMMON]
    return len(long) >= _HEADLINE_WORDS and all(word[0].isupper() for word in long)


def _looks_named(reading: Reading, place: int) -> bool:
    word, cased = reading.words[place], reading.cased[place]
    if word in _COMMON or not cased[0].isupper():
        return False
    # an abbreviation is a name even where a sentence begins
    return place not in reading.openings or (cased.isupper() and len(cased) > 1)


def _absent(names: frozenset[str], others: frozenset[str], *, here: Reading, there: Reading) -> set[str]:
    spoken = {*there.words, *there.stems, *others}
    missing = {
        name for name in names - spoken if not any(_same_name(name, word) for word in spoken if word[0] == name[0])
    }
    if missing:
        missing -= _spelled_out(here, _abbreviations(there)) | _spelled_out(there, missing)
    return missing


def _same_name(name: str, word: str) -> bool:
    """India and Indian, CEO and CEOs, or two letters swapped by a quick finger."""
    short, long = sorted((name, word), key=len)
    if len(short) < _SHORTEST:
        return len(short) > 1 and long == f"{short}s"  # one CEO, two CEOs
    if long.startswith(short):
        return long[len(short) :] in _DEMONYMS
    return wording.is_swap(short, long)


@once
def _abbreviations(reading: Reading) -> set[str]:
    return {cased.casefold() for cased in reading.cased if cased.isupper()}


def _spelled_out(reading: Reading, abbreviations: set[str]) -> set[str]:
    """The words of NASA's full name and NASA, where one of the abbreviations is it."""
    words = [word for word in reading.words if word not in _LINKING]
    letters = "".join(word[0] for word in words)
    found: set[str] = set()
    for short in {word for word in abbreviations if len(word) in _ABBREVIATION_LENGTHS}:
        at = letters.find(short)
        if at >= 0:
            found |= {short, *words[at : at + len(short)]}
    return found
