"""Reads one mapping of a YAML file field by field, with errors that name the place."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode

_NUMBER = re.compile(r"\d{1,12}(\.\d{1,18})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,12}", re.ASCII)
_TRUTHS = {"true": True, "false": False}


class CatalogError(ValueError):
    """The models file says something that does not exist or does not fit; the message says what and where."""


class _TextLoader(yaml.CBaseLoader):
    """Leaves every scalar a text, so that no price passes through a float; refuses a key given twice."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            keys = [key.value for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ConstructorError(None, None, f"{twice!r} is given twice", node.start_mark)
        return mapping


class Entry:
    """One mapping of the file. What has been asked for is known; `finish` refuses everything else."""

    def __init__(self, place: str, values: object) -> None:
        if not isinstance(values, dict):
            raise CatalogError(f"{place}: expected fields like `name: value`, found {values!r}")
        self.place = place
        self._values: dict[str, Any] = {str(key): value for key, value in values.items()}
        self._known: set[str] = set()

    def has(self, field: str) -> bool:
        self._known.add(field)
        return field in self._values

    def text(self, field: str, default: str | None = None) -> str:
        if not self.has(field):
            if default is None:
                raise CatalogError(f"{self.place}: {field} is missing")
            return default
        value = self._values[field]
        if not isinstance(value, str):
            raise self.error(field, "expected a text")
        return value

    def choice(self, field: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self.text(field, default)
        if value not in choices:
            raise self.error(field, f"expected one of {', '.join(choices)}{did_you_mean(value, choices)}")
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        value = self.text(field, str(default).lower())
        if value not in _TRUTHS:
            raise self.error(field, "expected true or false")
        return _TRUTHS[value]

    def whole(self, field: str, default: int) -> int:
        value = self.text(field, str(default)).replace("_", "")
        if not _WHOLE.fullmatch(value):
            raise self.error(field, "expected a whole number")
        return int(value)

    def amount(self, field: str) -> Decimal:
        """A decimal number >= 0, exactly as it is written."""
        value = self.text(field)
        if not _NUMBER.fullmatch(value):
            raise self.error(field, "expected a decimal number >= 0 without exponent, like 0.125")
        return Decimal(value)

    def day(self, field: str) -> date | None:
        if not self.has(field):
            return None
        try:
            return date.fromisoformat(self.text(field))
        except ValueError:
            raise self.error(field, "expected a date like 2026-11-12") from None

    def address(self, field: str) -> str:
        """Of a server, without a slash at its end; empty when it is absent."""
        return address(self.text(field, ""), f"{self.place}: {field}")

    def names(self, field: str) -> tuple[str, ...]:
        if not self.has(field):
            return ()
        value = self._values[field]
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            raise self.error(field, "expected a list of names like [a, b]")
        return tuple(value)

    def part(self, field: str) -> "Entry":
        """The mapping under `field`; an empty one when it is absent."""
        return Entry(f"{self.place}: {field}", self._values[field] if self.has(field) else {})

    def listed(self, field: str) -> Iterator["Entry"]:
        """The mappings of a list under `field`; none when it is absent."""
        values = self._values[field] if self.has(field) else []
        if not isinstance(values, list):
            raise self.error(field, "expected a list of entries like `- name: value`")
        for number, value in enumerate(values, start=1):
            yield Entry(f"{self.place}: {field} {number}", value)

    def parts(self) -> Iterator[tuple[str, "Entry"]]:
        """Every field as a mapping of its own: for mappings whose keys are names."""
        for name, values in self._values.items():
            self._known.add(name)
            yield name, Entry(f"{self.place} {name}", values)

    def amounts(self) -> dict[str, Decimal]:
        """Every field as an amount."""
        return {name: self.amount(name) for name in self._values}

    def finish(self) -> None:
        """Raises CatalogError for the first field nobody asked for."""
        for field in self._values:
            if field not in self._known:
                raise CatalogError(f"{self.place}: unknown field {field!r}{did_you_mean(field, self._known)}")

    def error(self, field: str, problem: str) -> CatalogError:
        return CatalogError(f"{self.place}: {field}: {problem}, found {self._values.get(field)!r}")


def read(path: Path) -> Entry:
    """The whole file. Raises CatalogError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader)  # noqa: S506 - builds only texts
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"{path.name} is no valid YAML: {error}") from error
    return Entry(path.name, document)


def address(url: str, place: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise CatalogError(f"{place}: expected an address that starts with https:// or http://, found {url!r}")
    return url.rstrip("/")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """How a message about an unknown word ends."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
