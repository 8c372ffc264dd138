"""Which kept entries are asked for, from parameters, for programs and commands alike."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from acron_site.lib.errors import InvalidRequestError
from caching.shelf import Position, Wanted, position

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
TIERS = (1, 2, 3)

_LONGEST = 300
_DURATION = re.compile(r"(\d{1,9})([smhdw]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
# what may stand in the audit log of a filter; the words of questions may not
_SHOWN = ("tier", "namespace", "model", "task", "tag", "older_than")
_HIDDEN = ("prefix", "q")


@dataclass(frozen=True, slots=True)
class Selection:
    """Entries of some tiers; `words` say in the audit log which."""

    wanted: Wanted
    tiers: frozenset[int]
    words: tuple[str, ...]

    @property
    def is_everything(self) -> bool:
        return self.wanted == Wanted()


def selection(query: Mapping[str, str], *, now: float) -> Selection:
    """Raises InvalidRequestError that names the parameter."""
    age_seconds = _age_seconds(query)
    wanted = Wanted(
        namespace=_namespace(query),
        model=_text(query, "model"),
        task_type=_text(query, "task"),
        tag=_tag(query),
        prefix=_text(query, "prefix"),
        text=_text(query, "q"),
        stored_before=None if age_seconds is None else now - age_seconds,
    )
    shown = [f"{name}={query[name]}" for name in _SHOWN if query.get(name)]
    return Selection(wanted, _tiers(query), (*shown, *(name for name in _HIDDEN if query.get(name))))


def limit(query: Mapping[str, str]) -> int:
    text = query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidRequestError(f"limit must be a whole number from 1 to {MAX_LIMIT}", param="limit")


def after(query: Mapping[str, str]) -> Position | None:
    text = query.get("after")
    if text is None:
        return None
    try:
        return position(text)
    except ValueError:
        raise InvalidRequestError(
            "after must be the `next` of the part before; leave it out for the beginning", param="after"
        ) from None


def _tiers(query: Mapping[str, str]) -> frozenset[int]:
    text = query.get("tier")
    if not text:
        return frozenset(TIERS)
    if text in map(str, TIERS):
        return frozenset({int(text)})
    raise InvalidRequestError("tier must be 1, 2 or 3; leave it out for all", param="tier")


def _text(query: Mapping[str, str], name: str) -> str | None:
    text = query.get(name)
    if text and len(text) > _LONGEST:
        raise InvalidRequestError(f"{name} must be at most {_LONGEST} characters", param=name)
    return text or None


def _namespace(query: Mapping[str, str]) -> str | None:
    text = _text(query, "namespace")
    # what is not printable stands for what only the gateway names
    if text and not text.isprintable():
        raise InvalidRequestError("namespace must be printable characters", param="namespace")
    return text


def _tag(query: Mapping[str, str]) -> tuple[str, str] | None:
    text = _text(query, "tag")
    if text is None:
        return None
    name, colon, value = text.partition(":")
    if not name or not colon:
        raise InvalidRequestError("tag must be a name and a value like team:search", param="tag")
    return name, value


def _age_seconds(query: Mapping[str, str]) -> int | None:
    text = query.get("older_than")
    if not text:
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidRequestError("older_than must be an age like 90s, 30m, 12h, 7d or 2w", param="older_than")
    return int(match[1]) * _SECONDS[match[2]]
