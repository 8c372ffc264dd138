"""What an entry of the audit log says has changed, in words for a reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.utils.dateparse import parse_datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One field. `old` is empty where there was nothing before, `new` where nothing is said of after."""

    name: str
    old: str
    new: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The fields of both, by name: the database does not keep their order."""
    names = sorted({*before, *after})
    return tuple(Change(name.replace("_", " "), _words(before, name), _words(after, name)) for name in names)


def _words(fields: Mapping[str, Any], name: str) -> str:
    if name not in fields:
        return ""
    value = fields[name]
    return _moment(value) if name.endswith("_at") and isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    match value:
        case None | "" | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_text(each) for each in value)
        case Mapping():
            return ", ".join(f"{name} {_text(each)}" for name, each in value.items()) or "none"
    return str(value)


def _moment(value: str) -> str:
    """Always in UTC: what is in the log reads the same for everybody."""
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    return value if moment is None or moment.tzinfo is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
