"""What the scripts of all clients share: their questions, and one line of JSON for each case.

Each is run by an interpreter of its own as `SCRIPT BASE_URL KEY CASE...`; a case may name its model, as `plain@gpt-4o`,
and `all` are those of the script.
"""

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOWN = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
    "additionalProperties": False,
}
IMPATIENT_SECONDS = 0.5


@dataclass(frozen=True)
class Case:
    """One case: where to ask, as whom, which model, and the client's name, which is in every question."""

    base: str
    key: str
    client: str
    model: str

    @property
    def bad_key(self) -> str:
        return self.key[:-4] + "nope"

    def question(self, text: str) -> str:
        return f"{self.client} asks: {text}"


def same(found: Any, wanted: Any) -> None:
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def holds(is_true: Any, what: Any) -> None:
    if not is_true:
        raise AssertionError(repr(what))


def raises(kind: Any, act: Callable[[], Any]) -> Any:
    """The error that `act` raises, which must be of this kind."""
    try:
        answer = act()
    except kind as error:
        return error
    raise AssertionError(f"no error but {answer!r}")


def weather_answers(cities: list[str]) -> str:
    """What is said of the tools' results, in the words of `weather`."""
    return f"The tools say: {'; '.join(weather(city) for city in cities)}"


def weather(city: str) -> str:
    return f"{len(city)} degrees in {city}"


def own_names(cases: dict[str, Any]) -> list[str]:
    """Those that can be asked of a provider itself; what crosses from one to the other takes a gateway."""
    return [name for name in cases if not name.startswith("crossed_")]


def tell(client: str, version: str, cases: dict[str, Callable[[Case], None]], model: str) -> None:
    base, key, *wanted = sys.argv[1:]
    for each in [name for word in wanted or ["all"] for name in (own_names(cases) if word == "all" else [word])]:
        name, _, own_model = each.partition("@")
        case = Case(base, key, client, own_model or model)
        line = {"client": client, "version": version, "case": each, "ok": True, "detail": ""}
        try:
            cases[name](case)
        except Exception as error:  # noqa: BLE001 (whatever a client raises is the result)
            place = traceback.extract_tb(error.__traceback__)[-1]
            line |= {"ok": False, "detail": f"{type(error).__name__}: {str(error)[:400]} ({place.name}:{place.lineno})"}
        print(json.dumps(line), flush=True)
