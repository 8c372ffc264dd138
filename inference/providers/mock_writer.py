"""Writes the mock provider's answers: plausible text about the words of the prompt."""

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_CHARACTERS_PER_TOKEN = 4
_DEEPEST_SCHEMA = 12
_MAX_ITEMS = 50
_LONGEST_PROMPT = 4000  # characters looked at
_WORD = re.compile(r"[^\W\d_][\w'-]{3,}")

_COMMON = re.compile(
    "(?i)(about|after|also|answer|because|been|before|being|between|could|does|each|explain|from|give|have|here"
    "|into|just|like|make|many|more|most|much|only|other|please|should|some|such|tell|than|that|their|them|then|there"
    "|these|they|this|those|under|very|want|were|what|when|where|which|while|will|with|would|write|your)"
)
_OPENINGS = (
    "Here is the short version on {0}.",
    "{0} is best understood through {1}.",
    "Let us look at {0} step by step.",
    "The question of {0} comes down to {1}.",
    "There are a few things to know about {0}.",
)
_BODIES = (
    "In practice, {0} depends on {1}, and both change over time.",
    "Most people meet {0} long before they think about {1}.",
    "A good first step is to write down what {0} has to do with {1}.",
    "Compared with {1}, {0} is easier to measure and harder to change.",
    "If {0} matters to you, keep an eye on {1} as well.",
    "Two examples help: one where {0} leads to {1}, and one where it does not.",
    "What works for {0} rarely works for {1} without some care.",
    "It pays to check {0} twice, because {1} hides small mistakes.",
)
_CLOSINGS = (
    "In short, begin with {0} and let {1} follow.",
    "So {0} is the part to settle first.",
    "Ask again with more detail on {1}, and the picture becomes clearer.",
)
_NOTHING_SAID = ("the question", "its context")


@dataclass(frozen=True, slots=True)
class Draft:
    text: str
    tokens: int
    finish_reason: str


def write(request: Mapping[str, Any], *, seed: int) -> Draft:
    """The answer to `request`, the same for the same seed. Honours `stop`, limits and `response_format`."""
    chance = random.Random(seed)  # noqa: S311 (has to be repeatable, not secret)
    topics = _topics(request.get("messages"))
    schema = _wanted_schema(request)
    text = _prose(topics, chance) if schema is None else _json_text(schema, topics, chance)
    return _cut(_before_stop(text, request.get("stop")), _limit(request))


def count_tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _cut(text: str, limit: int | None) -> Draft:
    if limit is not None and count_tokens(text) > limit:
        return Draft(text[: limit * _CHARACTERS_PER_TOKEN], limit, "length")
    return Draft(text, count_tokens(text), "stop")


def _limit(request: Mapping[str, Any]) -> int | None:
    asked = request.get("max_completion_tokens") or request.get("max_tokens")
    return asked if isinstance(asked, int) and asked > 0 else None


def _before_stop(text: str, stop: Any) -> str:
    marks = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    found = [text.find(mark) for mark in marks if isinstance(mark, str) and mark and mark in text]
    return text[: min(found)] if found else text


def _prose(topics: list[str], chance: random.Random) -> str:
    def sentence(patterns: tuple[str, ...]) -> str:
        told = chance.choice(patterns).format(*chance.sample(topics, 2))
        return told[0].upper() + told[1:]

    middle = [sentence(_BODIES) for _ in range(chance.randint(1, 5))]
    return " ".join([sentence(_OPENINGS), *middle, sentence(_CLOSINGS)])


def _topics(messages: Any) -> list[str]:
    """The less common words of the last message, in their order."""
    last = messages[-1] if isinstance(messages, list) and messages else {}
    content = last.get("content") if isinstance(last, dict) else None
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = " ".join(text for text in parts if isinstance(text, str))
    words = _WORD.findall(content[:_LONGEST_PROMPT]) if isinstance(content, str) else []
    telling = list(dict.fromkeys(word for word in words if not _COMMON.fullmatch(word)))
    return telling if len(telling) > 1 else [*telling, *_NOTHING_SAID]


def _wanted_schema(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The JSON schema the answer must fit; None when prose is wanted."""
    wanted = request.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        return {
            "type": "object",
            "properties": {"answer": {"type": "string"}, "confidence": {"type": "number"}},
        }
    if kind != "json_schema" or not isinstance(wanted, dict):
        return None
    schema = (wanted.get("json_schema") or {}).get("schema")
    return schema if isinstance(schema, dict) else {"type": "object"}


def _json_text(schema: dict[str, Any], topics: list[str], chance: random.Random) -> str:
    return orjson.dumps(_Filler(schema, topics, chance).value(schema, 0)).decode()


class _Filler:
    """Makes a value that fits a JSON schema, as far as structured outputs use it."""

    def __init__(self, root: Mapping[str, Any], topics: list[str], chance: random.Random) -> None:
        self._root, self._topics, self._chance = root, topics, chance

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > _DEEPEST_SCHEMA:
            return None
        if "$ref" in schema:
            return self.value(self._resolve(str(schema["$ref"])), depth + 1)
        if "const" in schema:
            return schema["const"]
        for name in ("enum", "anyOf", "oneOf"):
            if isinstance(options := schema.get(name), list) and options:
                return self._chance.choice(options) if name == "enum" else self._first(options, depth)
        return self._of_type(schema, depth)

    def _first(self, options: list[Any], depth: int) -> Any:
        # deep down the last option is taken, by custom `null`: that ends recursive schemas
        return self.value(options[0 if depth < _DEEPEST_SCHEMA // 2 else -1], depth + 1)

    def _of_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = kind[0] if isinstance(kind, list) and kind else kind
        match kind:
            case "object":
                properties = schema.get("properties")
                properties = properties if isinstance(properties, dict) else {}
                return {name: self.value(part, depth + 1) for name, part in properties.items()}
            case "array":
                least = schema.get("minItems")
                count = min(least, _MAX_ITEMS) if isinstance(least, int) else 0 if depth > _DEEPEST_SCHEMA // 2 else 1
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(count)]
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return self._chance.random() < 0.5  # noqa: PLR2004
            case "null":
                return None
        return " ".join(self._chance.choice(self._topics) for _ in range(3))

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> float:
        low, high = schema.get("minimum", 0), schema.get("maximum", 1 if not whole else 100)
        if not isinstance(low, int | float) or not isinstance(high, int | float) or high < low:
            low, high = 0, 1
        if whole:
            return self._chance.randint(math.ceil(low), max(math.floor(high), math.ceil(low)))
        return round(self._chance.uniform(low, high), 2)

    def _resolve(self, reference: str) -> Any:
        found: Any = self._root
        for name in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(name) if isinstance(found, dict) and name else found
        return found
