"""What many models scored on public prompts: the data that weights are fitted on and figures are made of."""

import gzip
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FOLDER = Path("routing")
_TEST_PERCENT = 30
_KEY_CHARACTERS = 80
# USD per million tokens, input and output, as the providers listed them when the answers were recorded (2023 and 2024);
# of open models, what Together or Fireworks asked for one of their size. Of dated names the undated part
_LISTED = {
    "gpt-4-1106-preview": (10.0, 30.0),
    "gpt-4o-mini": (0.15, 0.6),
    "gpt-4o": (2.5, 10.0),
    "gpt-3.5-turbo": (0.5, 1.5),
    "o1-mini": (3.0, 12.0),
    "claude-3-5-sonnet": (3.0, 15.0),
    "claude-3-5-haiku": (0.8, 4.0),
    "claude-3-haiku": (0.25, 1.25),
    "claude-3-sonnet": (3.0, 15.0),
    "claude-3-opus": (15.0, 75.0),
    "claude-instant": (0.8, 2.4),
    "claude-v1": (8.0, 24.0),
    "claude-v2": (8.0, 24.0),
    "gemini-1.5-pro": (1.25, 5.0),
    "gemini-1.5-flash": (0.075, 0.3),
    "jamba-1.5-large": (2.0, 8.0),
    "mistral-large": (2.0, 6.0),
    "deepseek-v2.5": (0.14, 0.28),
    "command-r": (0.5, 1.5),
    "mixtral-8x7b": (0.6, 0.6),
    "phi-3-mini": (0.1, 0.1),
}
_SIZE = re.compile(r"(\d+)b\b", re.IGNORECASE)
# of an open model by its billions of parameters: up to this size, this price
_OPEN = ((4, 0.1), (9, 0.2), (16, 0.3), (50, 0.8), (80, 0.9))
_INPUT_TOKENS_PER_CHARACTER, _OUTPUT_TOKENS = 0.25, 200


@dataclass(frozen=True, slots=True)
class Row:
    text: str  # the last turn
    domain: str
    scores: dict[str, float]
    answers: dict[str, str] = field(default_factory=dict)
    costs_usd: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same for a question that stands in two sets in different dress."""
        letters = re.sub(r"[^a-z0-9]", "", self.text.lower())
        return letters[:_KEY_CHARACTERS]

    @property
    def is_test(self) -> bool:
        return int(hashlib.sha256(self.key.encode()).hexdigest()[:8], 16) % 100 < _TEST_PERCENT

    def cost_usd(self, model: str) -> float:
        return self.costs_usd.get(model) or _listed_cost(model, self.text)


@dataclass(frozen=True, slots=True)
class RecordedSet:
    name: str
    rows: Sequence[Row]

    @property
    def models(self) -> tuple[str, ...]:
        """Those that every row has a score of."""
        return tuple(name for name in self.rows[0].scores if all(name in row.scores for row in self.rows))

    def scores(self, models: Sequence[str]) -> NDArray[np.float64]:
        return np.array([[row.scores[name] for name in models] for row in self.rows], dtype=np.float64)

    def costs(self, models: Sequence[str]) -> NDArray[np.float64]:
        """In USD: recorded ones where the set has them, else the text's length and a typical answer at list prices."""
        return np.array([[row.cost_usd(name) for name in models] for row in self.rows])

    def part(self, *, is_test: bool) -> "RecordedSet":
        return RecordedSet(self.name, [row for row in self.rows if row.is_test is is_test])

    def without(self, keys: Collection[str]) -> "RecordedSet":
        return RecordedSet(self.name, [row for row in self.rows if row.key not in keys])

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(row.key for row in self.rows)


def recorded_sets(directory: Path) -> Iterator[RecordedSet]:
    """All that the directory's `routing` holds, by name."""
    for file in sorted((directory / _FOLDER).glob("*.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            rows = [_row(json.loads(line)) for line in lines]
        if rows:
            yield RecordedSet(file.name.removesuffix(".jsonl.gz"), rows)


def listed_price(model: str) -> tuple[float, float]:
    """Input and output, USD per million tokens. Raises LookupError."""
    name = model.lower().rsplit("/", 1)[-1]
    known = max((each for each in _LISTED if each in name), key=len, default="")
    if known:
        return _LISTED[known]
    if size := _SIZE.search(name):
        return next(((price, price) for limit, price in _OPEN if int(size[1]) <= limit), (1.2, 1.2))
    raise LookupError(model)


def _listed_cost(model: str, text: str) -> float:
    given, made = listed_price(model)
    return (given * (len(text) * _INPUT_TOKENS_PER_CHARACTER + 20) + made * _OUTPUT_TOKENS) / 1e6


def _row(line: dict[str, Any]) -> Row:
    return Row(
        text=line.get("question") or line["prompt"],
        domain=line["domain"],
        scores={name: float(score) for name, score in line["scores"].items()},
        answers={name: str(answer) for name, answer in line.get("answers", {}).items()},
        costs_usd={name: float(cost) for name, cost in line.get("cost_usd", {}).items()},
    )
