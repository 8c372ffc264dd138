"""What a right answer holds, so that a program can tell: words, a number, fields of JSON."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from acron_site.lib.errors import InvalidRequestError

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_FENCE = re.compile(r"\A```\w*\n(.*)\n```\Z", re.DOTALL)
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Expectation:
    """All that is given must hold. `contains` and `equals` take no notice of case."""

    equals: str | None = None
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    number: float | None = None  # the last number of the answer
    fields: dict[str, Any] | None = None  # the answer is JSON with at least these

    def is_met_by(self, answer: str) -> bool:
        said = answer.strip().casefold()
        return (
            (self.equals is None or said.rstrip(".!") == self.equals.casefold())
            and all(word.casefold() in said for word in self.contains)
            and not any(word.casefold() in said for word in self.lacks)
            and (self.number is None or _says_number(said, self.number))
            and (self.fields is None or _has_fields(answer, self.fields))
        )


def read(given: object) -> Expectation:
    """Raises InvalidRequestError."""
    if not isinstance(given, dict) or set(given) - {"equals", "contains", "lacks", "number", "json"} or not given:
        raise InvalidRequestError("'expect' must be an object with equals, contains, lacks, number or json")
    number, fields = given.get("number"), given.get("json")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        raise InvalidRequestError("'expect.number' must be a number")
    if fields is not None and not isinstance(fields, dict):
        raise InvalidRequestError("'expect.json' must be an object")
    equals = given.get("equals")
    return Expectation(
        equals=None if equals is None else str(equals),
        contains=_words(given, "contains"),
        lacks=_words(given, "lacks"),
        number=None if number is None else float(number),
        fields=fields,
    )


def _words(given: dict[str, Any], name: str) -> tuple[str, ...]:
    value = given.get(name, [])
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidRequestError(f"'expect.{name}' must be a text or a list of texts")
    return tuple(words)


def _says_number(said: str, wanted: float) -> bool:
    found = _NUMBER.findall(said)
    return bool(found) and abs(float(found[-1].replace(",", "")) - wanted) <= _CLOSE * max(1.0, abs(wanted))


def _has_fields(answer: str, wanted: dict[str, Any]) -> bool:
    fenced = _FENCE.match(answer.strip())
    try:
        document = orjson.loads(fenced[1] if fenced else answer)
    except ValueError:
        return False
    return isinstance(document, dict) and all(document.get(name) == value for name, value in wanted.items())
