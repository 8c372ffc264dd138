"""A workload: requests in the order they come, which of them may share an answer, and what a right answer holds."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from acron_site.lib.errors import AcronError, InvalidRequestError
from inference.benchmark import expectations
from inference.benchmark.expectations import Expectation
from inference.routing.needs import estimate_tokens
from inference.wire import chat

MOST_LINE_BYTES = 1_000_000
_TYPICAL_TOKENS_OUTPUT = 150
_PASSED = ("max_tokens", "response_format", "temperature", "tools")
_KNOWN = frozenset(
    {"id", "task", "group", "near_miss_of", "prompt", "messages", "system", "quality", "tokens_output", "expect"}
) | frozenset(_PASSED)


class Kind(StrEnum):
    """What a cache should make of a request, by what came before it."""

    FRESH = "fresh"
    EXACT = "repeat"  # the same words
    PARAPHRASE = "paraphrase"  # other words, the same answer
    NEAR_MISS = "near miss"  # almost the same words, another answer


@dataclass(frozen=True, slots=True)
class Item:
    """One request. Those of a group may share an answer."""

    id: str
    group: str
    task: str
    messages: Sequence[Mapping[str, Any]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    near_miss_of: str = ""  # the group whose answers would be wrong here
    quality: float | None = None  # 0-5, the least that will do
    tokens_output: int = _TYPICAL_TOKENS_OUTPUT  # of the answer, where nobody writes one
    expect: Expectation | None = None

    @property
    def tokens_input(self) -> int:
        return estimate_tokens({"messages": self.messages})

    def body(self, model: str, *, is_cached: bool) -> bytes:
        """The request in the words of chat completions."""
        own: dict[str, Any] = {"task_type": self.task}
        if self.quality is not None:
            own["quality_threshold"] = self.quality
        if not is_cached:
            own["cache"] = {"mode": "off"}
        return orjson.dumps({"model": model, "messages": self.messages, "acron": own, **self.parameters})


def read(lines: Iterable[bytes]) -> Iterator[Item]:
    """One from each line of JSON, empty ones left out. Raises InvalidRequestError that numbers the line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _item(line, number)
        except AcronError as error:
            raise InvalidRequestError(f"line {number}: {error.message}") from error
        except (ValueError, TypeError, AttributeError):
            raise InvalidRequestError(
                f"line {number} is no request: it must be a JSON object as docs/benchmark.md describes"
            ) from None


def kinds(items: Iterable[Item]) -> Iterator[Kind]:
    said: set[bytes] = set()
    answered: set[str] = set()
    for item in items:
        words = orjson.dumps([item.messages, item.parameters])
        if words in said:
            yield Kind.EXACT
        elif item.group in answered:
            yield Kind.PARAPHRASE
        else:
            yield Kind.NEAR_MISS if item.near_miss_of else Kind.FRESH
        said.add(words)
        answered.add(item.group)


def counted(items: Sequence[Item]) -> Counter[Kind]:
    return Counter(kinds(items))


def _item(line: bytes, number: int) -> Item:
    if len(line) > MOST_LINE_BYTES:
        raise InvalidRequestError(f"it has more than {MOST_LINE_BYTES:,} bytes; shorten it")
    row = orjson.loads(line)
    if unknown := sorted(set(row) - _KNOWN):
        raise InvalidRequestError(f"{unknown[0]!r} is none of {', '.join(sorted(_KNOWN))}")
    parameters = {name: row[name] for name in _PASSED if row.get(name) is not None}
    chat.check_shape(parameters)
    return Item(
        id=str(row.get("id") or number),
        # what names no group shares its answer with nobody but its own words
        group=str(row.get("group") or f"line {number}"),
        task=_text(row, "task") or "general",
        messages=_messages(row),
        parameters=parameters,
        near_miss_of=_text(row, "near_miss_of"),
        quality=_between(row, "quality", 0, 5),
        tokens_output=int(_between(row, "tokens_output", 1, 1_000_000) or _TYPICAL_TOKENS_OUTPUT),
        expect=expectations.read(row["expect"]) if row.get("expect") is not None else None,
    )


def _messages(row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    prompt, messages = _text(row, "prompt"), row.get("messages")
    if bool(prompt) == bool(messages):
        raise InvalidRequestError("give either 'prompt' or 'messages'")
    turns = list(messages) if messages else [{"role": "user", "content": prompt}]
    if system := _text(row, "system"):
        turns.insert(0, {"role": "system", "content": system})
    chat.check_messages(turns)
    return turns


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str):
        raise InvalidRequestError(f"{name!r} must be a text")
    return value


def _between(row: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidRequestError(f"{name!r} must be a number from {low:g} to {high:g}")
    return float(value)
