"""Brings a text into one spelling, so that a trick of Unicode cannot hide a difference."""

import re
import unicodedata

# letters that look like Latin ones; folded only inside words that also hold Latin letters
_LOOKALIKES = str.maketrans(
    "аАеЕоОрРсСуУхХіІјЈѕЅһԁԛԝкКмМтТвВнНαΑεΕοΟρΡτΤυΥχΧιΙκΚνΝηΗμΜβΒζΖ",
    "aAeEoOpPcCyYxXiIjJsShdqwkKmMtTbBhHaAeEoOpPtTuYxXiIkKvNnHuMbBzZ",
)
_WORD = re.compile(r"\w+")
_LATIN, _LOOKING_LATIN = re.compile(r"[A-Za-z]"), re.compile(r"[\u0370-\u03ff\u0400-\u052f]")
_ACCENTS = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+")
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff\ud800-\udfff]+"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'),
    }
    | {**dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"), **dict.fromkeys("\u2044\u2215", "/")}
)
# NFKC would make one number of the fractions, for a half after a five is not 51/2, and a blank of the accent
_BEFORE_COMPOSING = str.maketrans(
    {"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "²": "^2", "³": "^3", "\u00b4": "'"}
)


def clean(text: str) -> str:
    """NFKC without what cannot be seen, with plain quotes and dashes; the case stays.

    Backquotes are left alone by `clean_code`, which code is read from.
    """
    return _fold_lookalikes(clean_code(text).translate(_MARKS))


def clean_code(text: str) -> str:
    """As `clean`, but every visible character stays what it is."""
    if text.isascii():
        return _CONTROLS.sub(" ", text)
    composed = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_BEFORE_COMPOSING))
    return _CONTROLS.sub(" ", _INVISIBLE.sub("", composed))


def _fold_lookalikes(text: str) -> str:
    if text.isascii():
        return text
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", _WORD.sub(_fold_word, bare))


def _fold_word(found: re.Match[str]) -> str:
    is_mixed = _LATIN.search(found[0]) and _LOOKING_LATIN.search(found[0])
    return found[0].translate(_LOOKALIKES) if is_mixed else found[0]
