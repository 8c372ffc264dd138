"""What an address of the audit log is asked for, from its parameters, for pages and programs alike."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.utils.dateparse import parse_date, parse_datetime

from accounts.selectors_audit import Filters
from acron_site.lib.errors import InvalidRequestError

ExportFormat = Literal["jsonl", "csv"]

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
_LONGEST = 200
_LONGEST_NUMBER = 18
_ONE_DAY = timedelta(days=1)


def filters(query: Mapping[str, str]) -> Filters:
    """Raises InvalidRequestError that names the parameter."""
    return Filters(
        action=_text(query, "action"),
        actor=_text(query, "actor"),
        object=_text(query, "object"),
        since=_moment(query, "from", is_end=False),
        until=_moment(query, "until", is_end=True),
    )


def limit(query: Mapping[str, str]) -> int:
    number = _number(query, "limit")
    if number is None:
        return DEFAULT_LIMIT
    if not 1 <= number <= MAX_LIMIT:
        raise InvalidRequestError(f"limit must be a whole number from 1 to {MAX_LIMIT}", param="limit")
    return number


def after(query: Mapping[str, str]) -> int | None:
    return _number(query, "after")


def wants_verification(query: Mapping[str, str]) -> bool:
    text = query.get("verify", "").lower()
    if text in ("", "0", "false"):
        return False
    if text in ("1", "true"):
        return True
    raise InvalidRequestError("verify must be true or false", param="verify")


def export_format(query: Mapping[str, str]) -> ExportFormat:
    text = query.get("format", "jsonl")
    if text == "jsonl":
        return "jsonl"
    if text == "csv":
        return "csv"
    raise InvalidRequestError("format must be jsonl or csv", param="format")


def words(given: Filters) -> list[str]:
    """The filters as the audit log keeps them of an export."""
    pairs = {
        "action": given.action,
        "actor": given.actor,
        "object": given.object,
        "from": given.since.isoformat() if given.since else "",
        "until": given.until.isoformat() if given.until else "",
    }
    return [f"{name}={value}" for name, value in pairs.items() if value]


def _text(query: Mapping[str, str], name: str) -> str:
    text = query.get(name, "").strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise InvalidRequestError(f"{name} must be at most {_LONGEST} printable characters", param=name)
    return text


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
        return int(text)
    raise InvalidRequestError(f"{name} must be a whole number", param=name)


def _moment(query: Mapping[str, str], name: str, *, is_end: bool) -> datetime | None:
    """A day (as an end: all of it) or a moment; without a zone it is UTC."""
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        day = parse_date(text)
        if day is not None:
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return start + _ONE_DAY if is_end else start
        moment = parse_datetime(text)
        if moment is not None:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidRequestError(f"{name} must be a day like 2026-01-31, or a moment like 2026-01-31T12:00Z", param=name)
