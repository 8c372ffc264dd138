"""The forms of the cache's pages; whether what they ask for may be is for services and queries to say."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from caching import policy_words
from caching.policies import (
    HIGHEST_TOLERANCE,
    LONGEST_TTL_SECONDS,
    MOST_AHEAD_PERCENT,
    MOST_BYTES,
    NAMES,
    Semantic,
    Wall,
    Wishes,
)
from caching.policy_words import SettingLine
from caching.selectors_policies import PolicyPage, PolicySetting

_TIERS = [
    ("", "All"),
    ("1", "1: the same request"),
    ("2", "2: nearly the same question"),
    ("3", "3: a step of a workflow"),
]
_SEARCHED = (
    "That words were looked for stands in the audit log, the words do not. Of tier 1 only the beginning of a question "
    "is searched."
)
_NOT_SET = ("", "Not set here")
_YES, _NO = "true", "false"
_LARGEST_BYTES = 2**31 - 1
# by name: the least and the most
_WHOLE_NUMBERS = {
    "ttl_seconds": (1, LONGEST_TTL_SECONDS),
    "max_entry_bytes": (1, _LARGEST_BYTES),
    "max_bytes": (0, MOST_BYTES),
    "refresh_ahead_percent": (0, MOST_AHEAD_PERCENT),
}


class EntryFilterForm(forms.Form):
    """Its names are the parameters of the address; `entry_query` reads them, for programs too."""

    namespace = forms.CharField(required=False, help_text="What lies behind a wall is not found by it.")
    model = forms.CharField(required=False)
    task = forms.CharField(required=False)
    tag = forms.CharField(required=False, help_text="A name and a value, such as team:search.")
    tier = forms.ChoiceField(required=False, choices=_TIERS)
    older_than = forms.CharField(required=False, label="Older than", help_text="An age like 90s, 30m, 12h, 7d or 2w.")

    def __init__(self, query: Mapping[str, Any], *, reads_questions: bool) -> None:
        super().__init__(query)
        if reads_questions:
            self.fields["q"] = forms.CharField(required=False, label="Question contains", help_text=_SEARCHED)
            # forms have an attribute of this name
            self.fields["prefix"] = forms.CharField(required=False, label="Question begins with", strip=False)

    def blame(self, message: str, param: str | None) -> None:
        """Shows what was refused at the field that it is about."""
        self.add_error(param if param in self.fields else None, message)


class PurgeForm(EntryFilterForm):
    all = forms.BooleanField(
        required=False, label="Everything", help_text="To be ticked where nothing is filled in, or nothing but a tier."
    )


class PolicyForm(forms.Form):
    """What is set for one namespace; each field says what holds now, and why."""

    def __init__(self, page: PolicyPage, wishes: Wishes, sent: Mapping[str, Any] | None = None) -> None:
        super().__init__(sent, initial=_initial(wishes))
        for setting in page.settings:
            self.fields[setting.name] = _field(setting)

    @property
    def wishes(self) -> Wishes:
        given = {name: value for name, value in self.cleaned_data.items() if name in NAMES}
        return Wishes(**{name: None if value == "" else value for name, value in given.items()})

    def blame(self, message: str, param: str | None) -> None:
        self.add_error(param if param in self.fields else None, message)


def _initial(wishes: Wishes) -> dict[str, Any]:
    return {name: _word(value) if isinstance(value, bool) else value for name, value in wishes.stated.items()}


def _field(setting: PolicySetting) -> forms.Field:
    said = policy_words.line(setting)
    about: dict[str, Any] = {"required": False, "label": said.title, "help_text": _help(said)}
    if setting.name in _WHOLE_NUMBERS:
        least, most = _WHOLE_NUMBERS[setting.name]
        return forms.IntegerField(min_value=least, max_value=most, **about)
    match setting.name:
        case "semantic_tolerance":
            return forms.FloatField(max_value=HIGHEST_TOLERANCE, widget=_share(), **about)
        case "semantic_threshold":
            return forms.FloatField(max_value=1, widget=_share(), **about)
        case "wall":
            return _choice(policy_words.WALLS, Wall, about)
        case "semantic":
            return _choice(policy_words.MODES, Semantic, about)
    yes, no = policy_words.truths(setting.name)
    return _choice({_YES: yes, _NO: no}, lambda word: word == _YES, about)


def _help(said: SettingLine) -> str:
    now = f"{said.description} Now: {said.value} ({said.source})."
    return now if said.value == said.default else f"{now} Default: {said.default}."


def _choice(words: Mapping[Any, str], coerce: Callable[[str], Any], about: dict[str, Any]) -> forms.Field:
    """`words`: what each value that can be sent is called."""
    choices = [_NOT_SET, *((str(value), said[0].upper() + said[1:]) for value, said in words.items())]
    return forms.TypedChoiceField(choices=choices, coerce=coerce, empty_value=None, **about)


def _share() -> forms.NumberInput:
    return forms.NumberInput(attrs={"step": "any"})


def _word(value: bool) -> str:
    return _YES if value else _NO
