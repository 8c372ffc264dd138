"""Texts that are to be worked on: the material must be the same, only the order may be worded otherwise."""

import re

from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_WORKING = words(
    "translate summarize summarise rewrite rephrase paraphrase proofread classify extract correct convert sentiment",
    "shorten tokenize tag spell parse reverse sort calculate translation summary",
)
_SEPARATOR = re.compile(r":\s|\n")
# this far into the text it must be said what is to be done
_HEAD_WORDS = 12


def differs(asked: Reading, kept: Reading) -> bool:
    ours, theirs = _material(asked), _material(kept)
    return ours != theirs and bool(ours or theirs)


@once
def _material(reading: Reading) -> tuple[str, ...]:
    """The words behind the first colon or line break of a text that begins with an order to work on them."""
    if _WORKING.isdisjoint(reading.words[:_HEAD_WORDS]):
        return ()
    found = _SEPARATOR.search(reading.text)
    if not found or not reading.text[found.end() :].strip():
        return ()
    return tuple(re.findall(r"\w+", reading.text[found.end() :].casefold()))
