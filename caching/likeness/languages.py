"""In which script and language a text is written."""

import unicodedata
from functools import lru_cache

from caching.likeness.reading import Reading, once

# words that are frequent in one language and rare in the others
_FREQUENT = {
    "english": "the is are what how does do of and to in for my i a as on at be can you with this it which who why",
    "german": "der die das ist und wie was nicht ein eine ich zu den mit für sind welche kann mein wo warum",
    "french": "le la les est et que comment des une un je du dans quelle quel pour sont puis mon où pourquoi",
    "spanish": "el los las es y qué cómo cuál una un de que como puedo para mi cual del son dónde por",
    "italian": "il lo gli è e che come di una un sono posso per qual quale della mio dove perché",
    "portuguese": "o os as é e que como qual uma um do da posso para meu são onde não",
    "dutch": "de het een is en hoe wat niet ik van kan mijn zijn welke waar waarom",
}
_LANGUAGE_OF: dict[str, set[str]] = {}
for _language, _words in _FREQUENT.items():
    for _word in _words.split():
        # readings carry no accents
        _bare = "".join(mark for mark in unicodedata.normalize("NFD", _word) if not unicodedata.combining(mark))
        _LANGUAGE_OF.setdefault(_bare, set()).add(_language)
_SURE = 2


def differ(asked: Reading, kept: Reading) -> bool:
    if scripts(asked) != scripts(kept):
        return True
    ours, theirs = language(asked), language(kept)
    return bool(ours and theirs and ours != theirs)


@once
def scripts(reading: Reading) -> frozenset[str]:
    if reading.text.isascii():
        return frozenset({"LATIN"})
    letters = {letter for letter in reading.text if letter.isalpha()}
    return frozenset(map(_script, letters)) or frozenset({"LATIN"})


@once
def language(reading: Reading) -> str:
    """The one of which most frequent words stand in the text, if it leads clearly."""
    counts = dict.fromkeys(_FREQUENT, 0)
    for word in set(reading.words):
        for name in _LANGUAGE_OF.get(word, ()):
            counts[name] += 1
    first, second = sorted(counts, key=lambda name: -counts[name])[:2]
    # a short English question holds words that are frequent elsewhere too
    lead = 2 if "english" in {first, second} else 1
    return first if counts[first] >= _SURE and counts[first] >= counts[second] + lead else ""


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN").split(" ")[0]
    # Japanese is written in three of them at once
    return "CJK" if name in {"HIRAGANA", "KATAKANA", "CJK"} else name
