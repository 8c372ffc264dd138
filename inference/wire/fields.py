"""Reading typed fields out of a caller's JSON: the value, or an error that names the field and what it must be."""

import difflib
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from acron_site.lib.errors import InvalidRequestError

_MAX_TAGS = 32
_MAX_TAG_LENGTH = 128


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises InvalidRequestError saying where it breaks."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = "it is empty" if not body else str(error)
        raise InvalidRequestError(f"the request body is not valid JSON: {reason}") from None
    if not isinstance(document, dict):
        raise InvalidRequestError("the request body must be a JSON object, like {...}")
    return document


def written(value: Any) -> str:
    """`value` as JSON. Raises InvalidRequestError when it is nested too deeply to be written."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise InvalidRequestError("the request is nested more than 250 levels deep; send a flatter one") from None


def text(source: Mapping[str, Any], name: str, *, path: str = "", default: str = "") -> str:
    value = source.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _wrong(path + name, "a string")
    return value


def required_text(source: Mapping[str, Any], name: str, *, path: str = "") -> str:
    value = text(source, name, path=path)
    if not value:
        raise InvalidRequestError(f"{path}{name} is missing", param=path + name)
    return value


def choice(source: Mapping[str, Any], name: str, options: Collection[str], *, path: str = "") -> str:
    value = text(source, name, path=path)
    if value and value not in options:
        raise _wrong(path + name, f"one of {', '.join(options)}")
    return value


def flag(source: Mapping[str, Any], name: str, *, path: str = "") -> bool:
    value = source.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _wrong(path + name, "true or false")
    return value


def number(source: Mapping[str, Any], name: str, low: float, high: float, *, path: str = "") -> float | None:
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(path + name, f"a number from {low:g} to {high:g}")
    return value


def whole_number(source: Mapping[str, Any], name: str, low: int, high: int, *, path: str = "") -> int | None:
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(path + name, f"a whole number from {low} to {high}")
    return value


def dollars(source: Mapping[str, Any], name: str, *, path: str = "") -> Decimal | None:
    """An amount as a decimal string (exact) or a JSON number (taken as it is written)."""
    value = source.get(name)
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise _wrong(path + name, 'an amount in USD, like "0.05"') from None
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise _wrong(path + name, 'an amount in USD, like "0.05"')
    return amount


def json_object(source: Mapping[str, Any], name: str, *, path: str = "") -> dict[str, Any]:
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(path + name, "an object")
    return value


def tags(source: Mapping[str, Any], *, path: str = "") -> dict[str, str]:
    """Tags are a small object of short strings; a list of strings counts as names with an empty value."""
    value = source.get("tags")
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        value = dict.fromkeys(value, "")
    value = {} if value is None else value
    if (
        not isinstance(value, dict)
        or len(value) > _MAX_TAGS
        or not all(_is_short(name) and _is_short(content) for name, content in value.items())
    ):
        raise _wrong(path + "tags", f"an object of at most {_MAX_TAGS} strings of at most {_MAX_TAG_LENGTH} characters")
    return value


def names(source: Mapping[str, Any], name: str, *, most: int, path: str = "") -> tuple[str, ...]:
    value = source.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > most or not all(_is_short(item) and item for item in value):
        raise _wrong(path + name, f"a list of at most {most} names")
    return tuple(value)


def refuse_unknown(source: Mapping[str, Any], known: Collection[str], *, path: str = "") -> None:
    for name in source:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"
            raise InvalidRequestError(f"there is no field {path + name!r}: {hint}", param=(path + name)[:200])


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TAG_LENGTH


def _wrong(name: str, wanted: str) -> InvalidRequestError:
    return InvalidRequestError(f"{name!r} must be {wanted}", param=name)
