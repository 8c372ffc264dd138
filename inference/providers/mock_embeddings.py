"""The mock provider's vectors: of length one, and the same for the same text."""

import base64
import math
import struct
from array import array
from collections.abc import Iterator, Mapping
from hashlib import shake_256
from operator import mul
from typing import Any

import orjson

from inference.providers.mock_writer import count_tokens

_DIMENSIONS, _SMALL_DIMENSIONS = 1536, 256
_MOST_DIMENSIONS = 4096


def answer(request: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A whole answer as OpenAI gives it, in floats or base64 as asked."""
    inputs = list(_inputs(request.get("input")))
    size = _dimensions(request, model)
    vectors = (_vector(entry, model, size) for entry in inputs)
    is_packed = request.get("encoding_format") == "base64"
    counted = sum(_tokens(entry) for entry in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if is_packed else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": counted, "total_tokens": counted},
    }


def _inputs(given: Any) -> Iterator[Any]:
    """Each text or list of tokens."""
    is_one = isinstance(given, str) or (isinstance(given, list) and all(isinstance(token, int) for token in given))
    yield from [given] if is_one else given


def _dimensions(request: Mapping[str, Any], model: str) -> int:
    asked = request.get("dimensions")
    if isinstance(asked, int):
        return min(asked, _MOST_DIMENSIONS)
    return _SMALL_DIMENSIONS if "small" in model else _DIMENSIONS


def _vector(entry: Any, model: str, size: int) -> list[float]:
    """Drawn from a hash: thousands of vectors in one request must not hold the loop up for long."""
    drawn = array("h", shake_256(orjson.dumps([model, entry])).digest(size * 2))
    length = math.sqrt(sum(map(mul, drawn, drawn))) or 1.0
    return [value / length for value in drawn]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _tokens(entry: Any) -> int:
    return count_tokens(entry) if isinstance(entry, str) else len(entry)
