"""What the stand-in for the providers answers: invented from the request alone, and fitting it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CITIES = ("Paris", "Rome", "Oslo")
_ECHOED_CHARACTERS = 200
_MOST_NESTED = 8

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Tool:
    name: str
    schema: Schema


@dataclass
class Heard:
    """A request, whatever API it came through. `pictures` and the like are their kinds, in order."""

    text: str = ""  # of the last turn of the user
    results: list[str] = field(default_factory=list)  # of tools, if they came last
    pictures: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    choice: str = "auto"  # "none", "required" or the name of a tool
    is_parallel: bool = True
    schema: Schema | None = None  # of the answer; {} for any JSON object
    stop: list[str] = field(default_factory=list)
    most_tokens: int | None = None


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    arguments: Mapping[str, Any]

    @property
    def json(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Said:
    """`ending` is one of "stop", "stop_sequence", "length" and "tools"."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    ending: str = "stop"
    stopped_at: str | None = None

    @property
    def pieces(self) -> list[str]:
        """The text as it is streamed."""
        return pieces(self.text)

    @property
    def tokens(self) -> int:
        return len(self.pieces) + sum(len(pieces(call.json)) for call in self.calls)


def pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def answer(heard: Heard) -> Said:
    if heard.tools and heard.choice != "none" and not heard.results:
        return Said(calls=tuple(_calls(heard)), ending="tools")
    return _cut(_text(heard), heard)


def _calls(heard: Heard) -> Iterator[Call]:
    named = [tool for tool in heard.tools if tool.name == heard.choice]
    mentioned = [tool for tool in heard.tools if tool.name in heard.text]
    tool = (named or mentioned or heard.tools)[0]
    # one call for each city of the question, where the tool wants one
    cities = [city for city in CITIES if city in heard.text]
    if not (heard.is_parallel and _wants_city(tool)):
        cities = cities[:1]
    for place, subject in enumerate(cities or [""]):
        yield _call(tool, heard.text, subject, place)


def _wants_city(tool: Tool) -> bool:
    return bool({"city", "location"} & set(tool.schema.get("properties") or {}))


def _call(tool: Tool, text: str, subject: str, place: int) -> Call:
    arguments = fill(tool.schema, text, subject=subject, root=tool.schema)
    return Call(token(tool.name, text, str(place)), tool.name, arguments if isinstance(arguments, dict) else {})


def _text(heard: Heard) -> str:
    if heard.schema is not None:
        return json.dumps(_document(heard.schema, heard.text), ensure_ascii=False)
    if heard.results:
        return f"The tools say: {'; '.join(heard.results)}"
    seen = [
        f" I see {len(kinds)} {name}: {', '.join(kinds)}."
        for name, kinds in (("image", heard.pictures), ("document", heard.documents), ("audio", heard.sounds))
        if kinds
    ]
    return f"You said: {heard.text[:_ECHOED_CHARACTERS]}.{''.join(seen)}"


def _document(schema: Schema, text: str) -> Any:
    if schema:
        return fill(schema, text, root=schema)
    # JSON without a schema: the keys that the question puts in quotes
    keys = re.findall(r"['\"](\w+)['\"]", text) or ["answer"]
    return {key: f"{key} invented" for key in keys}


def _cut(text: str, heard: Heard) -> Said:
    found = [(text.index(stop), stop) for stop in heard.stop if stop and stop in text]
    if found:
        end, stop = min(found)
        return Said(text[:end], ending="stop_sequence", stopped_at=stop)
    whole = pieces(text)
    if heard.most_tokens is not None and len(whole) > heard.most_tokens:
        return Said("".join(whole[: heard.most_tokens]), ending="length")
    return Said(text)


def fill(schema: Any, text: str, *, root: Schema, name: str = "", subject: str = "", depth: int = 0) -> Any:
    """A value that the schema allows, with the numbers, quotes and cities of the question in it."""
    schema = _resolved(schema, root)
    if depth > _MOST_NESTED:
        return None

    def within(part: Any, part_name: str) -> Any:
        return fill(part, text, root=root, name=part_name, subject=subject, depth=depth + 1)

    if "const" in schema or schema.get("enum"):
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = _kind(schema)
    if kind == "object":
        return {key: within(part, key) for key, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [within(schema.get("items"), name) for _ in range(max(schema.get("minItems", 1), 1))]
    return _plain(kind, schema, text, name=name, subject=subject)


def _resolved(schema: Any, root: Schema) -> dict[str, Any]:
    """The schema itself, where it refers to another one or leaves a choice."""
    for _ in range(_MOST_NESTED):
        if not isinstance(schema, dict):
            return {}
        choices = [schema[name][0] for name in ("anyOf", "oneOf", "allOf") if schema.get(name)]
        if reference := schema.get("$ref"):
            schema = _referred(root, reference)
        elif choices:
            schema = choices[0]
        else:
            return schema
    return {}


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    kinds: list[str] = kind if isinstance(kind, list) else [kind]
    return next((each for each in kinds if each != "null"), "null")


def _plain(kind: str, schema: Mapping[str, Any], text: str, *, name: str, subject: str) -> Any:
    numbers = [int(digits) for digits in re.findall(r"\d{1,9}", text)]
    number = min(max([*numbers, 7][0], schema.get("minimum", 0)), schema.get("maximum", 10**9))
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", text)
    word = subject or [*quoted, f"{name} for {text[:40]!r}"][0]
    values = {"integer": number, "number": number + 0.5, "boolean": True, "null": None}
    return values.get(kind, word)


def _referred(root: Schema, reference: str) -> Any:
    part: Any = root
    for step in reference.removeprefix("#/").split("/"):
        part = part.get(step, {}) if reference != "#" else root
    return part


def token(*words: str) -> str:
    """An identifier made of what it stands for."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:24]


def tokens_in(*parts: Any) -> int:
    """How many tokens the provider counts in these parts of a request: about one in four bytes."""
    return sum(len(json.dumps(part, ensure_ascii=False)) for part in parts if part) // 4 + 3


def kind_of(url: str) -> str:
    """Of a data: URL its media type, of any other that it is one."""
    return url[5:].partition(";")[0] if url.startswith("data:") else "url"
