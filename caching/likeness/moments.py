"""Which dates, days and times of day a text speaks of."""

import re

from caching.likeness import wording
from caching.likeness.reading import Reading, once
from caching.likeness.word_lists import words

_MONTHS = "january february march april may june july august september october november december"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_OTHERS = {
    "today": "today",
    "todays": "today",
    "tonight": "tonight",
    "tomorrow": "tomorrow",
    "yesterday": "yesterday",
    "morning": "morning",
    "mornings": "morning",
    "afternoon": "afternoon",
    "evening": "evening",
    "night": "night",
    "nights": "night",
    "midnight": "midnight",
    "noon": "noon",
    "winter": "winter",
    "summer": "summer",
    "autumn": "autumn",
    "weekend": "weekend",
    "weekends": "weekend",
    "weekday": "weekday",
    "weekdays": "weekday",
    "christmas": "christmas",
    "easter": "easter",
    "ramadan": "ramadan",
    "diwali": "diwali",
    "thanksgiving": "thanksgiving",
    "bc": "bc",
    "bce": "bc",
}
# months that are also verbs are months beside a number or behind "in", "last", "next" ...
_AMBIGUOUS = frozenset({"may", "march", "mar", "dec", "sep", "jun", "jan", "oct", "nov", "apr", "aug", "feb", "jul"})
_SIGNALS = words(
    "in of last next this since until till by during early late mid every before after",
)
_NAMES = {name: name for name in (_MONTHS + " " + _DAYS).split()}
_NAMES |= {name[:3]: name for name in _MONTHS.split()} | {
    "sept": "september",
    "tue": "tuesday",
    "tues": "tuesday",
    "thu": "thursday",
    "thurs": "thursday",
    "fri": "friday",
}
_NAMES |= {f"{name}s": name for name in _DAYS.split()}
_STEPS = {
    "last": "last",
    "previous": "last",
    "past": "last",
    "next": "next",
    "coming": "next",
    "upcoming": "next",
    "this": "this",
    "current": "this",
}
_SPANS = words(
    "year month week day weekend decade century quarter night summer winter semester season",
)
_LOOSE = words("today morning afternoon evening night weekend weekday winter summer autumn") | {"this year", "this day"}
_NOON = 12
_DIGIT = re.compile(r"\d")
_CLOCK = re.compile(r"\b(\d{1,2})(?:[:.](\d{2}))?\s?([ap])\.?m\b", re.IGNORECASE)
_CLOCK_24 = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b(?!\s?[ap]\.?m)", re.IGNORECASE)


def differ(asked: Reading, kept: Reading) -> bool:
    """Dates must be the same; one that is left unsaid in one text is for the score where that says something else."""
    ours, theirs = named(asked), named(kept)
    if ours == theirs:
        return False
    if ours - theirs and theirs - ours:
        return True
    return bool((ours ^ theirs) - _LOOSE) and not all(wording.beyond(asked, kept))


@once
def named(reading: Reading) -> frozenset[str]:
    found = set(_clock_times(reading.text))
    for place, word in enumerate(reading.words):
        if word in _OTHERS:
            found.add(_OTHERS[word])
        elif word in _NAMES and (word not in _AMBIGUOUS or _is_dated(reading.words, place)):
            found.add(_NAMES[word])
        elif word in _STEPS and place + 1 < len(reading.words) and reading.stems[place + 1] in _SPANS | _NAMES.keys():
            found.add(f"{_STEPS[word]} {reading.stems[place + 1]}")
    return frozenset(found)


def _is_dated(words: tuple[str, ...], place: int) -> bool:
    around = (*words[max(0, place - 1) : place], *words[place + 1 : place + 2])
    return any(word[0].isdigit() for word in around) or words[max(0, place - 1)] in _SIGNALS


def _clock_times(text: str) -> list[str]:
    if not _DIGIT.search(text):
        return []
    # "5 pm" and 17:00 are one; the digits alone are compared by caching.likeness.numbers
    halves = [f"{hour}{minute or '00'}{half.casefold()}" for hour, minute, half in _CLOCK.findall(text)]
    return halves + [_twelve_hours(int(hour), minute) for hour, minute in _CLOCK_24.findall(text)]


def _twelve_hours(hour: int, minute: str) -> str:
    return f"{hour % _NOON or _NOON}{minute}{'p' if hour >= _NOON else 'a'}"
