"""Counts tokens here, for models whose provider is not asked.

Text is counted exactly as GPT-4o and its successors read it (the encoding o200k_base). Other models have tokens of
their own: Anthropic's count some 10 to 40 % more. What a conversation, its tools and its pictures add to their text is
a rule of thumb, so the whole is an estimate: within a few percent for text alone and OpenAI's models.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

from inference.wire import fields
from inference.wire.messages import sketch

_PACKAGE = "bpe_openai"
_ENCODING = "o200k_base"
_TOKENS_PER_MESSAGE = 4  # who speaks, and where it ends
_TOKENS_PER_ANSWER = 3  # its beginning stands at the end of every prompt
_TOKENS_PER_TOOL = 8
_TOKENS_PER_PICTURE = 1_600  # the most that Anthropic counts
_TOKENS_PER_FILE = 3_000  # of a page or two


def count(body: Mapping[str, Any]) -> int:
    """`body` is a Messages request. Takes about 30 ms for a million characters."""
    told, length = sketch(body), _length()
    tokens = _TOKENS_PER_ANSWER
    for message in told["messages"]:
        tokens += _TOKENS_PER_MESSAGE + sum(_weights(message["content"], length))
    for tool in told.get("tools") or ():
        tokens += _TOKENS_PER_TOOL + length(fields.written(tool))
    return tokens


def _weights(content: Any, length: Callable[[str], int]) -> Iterator[int]:
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if part["type"] == "text":
            yield length(part["text"])
        else:
            yield _TOKENS_PER_PICTURE if part["type"] == "image_url" else _TOKENS_PER_FILE


@lru_cache(1)
def _length() -> Callable[[str], int]:
    """Straight from the package's Rust part: its Python part builds tables of its own, for a second and 80 MB."""
    package = PathFinder.find_spec(_PACKAGE)
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec(f"{_PACKAGE}._bindings", places)
    if spec is None or spec.loader is None:
        raise ImportError(f"{_PACKAGE} is not installed; install requirements.txt")
    bindings = module_from_spec(spec)
    spec.loader.exec_module(bindings)
    counting: Callable[[str], int] = bindings.tokenizer_for_encoding(_ENCODING).count
    return counting
