"""What providers call the columns of their usage exports, and what each means here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.events import TokenCounts
from inference.domain import Usage
from inference.usage import MOST_TOKENS

# sums of a month are larger than what one call may use
_MOST = MOST_TOKENS * 1_000_000
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Columns:
    """The first name that a row has counts. `is_inclusive`: the input contains what was read from a prompt cache."""

    input: tuple[str, ...]
    cache_read: tuple[str, ...]
    output: tuple[str, ...]
    model: tuple[str, ...] = ("model", "model_name", "snapshot_id")
    requests: tuple[str, ...] = ("num_model_requests", "num_requests", "n_requests", "request_count", "requests")
    cache_write: tuple[str, ...] = ()
    cache_write_long: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    tier: tuple[str, ...] = ("service_tier",)
    batch: tuple[str, ...] = ("batch", "usage_type")
    is_inclusive: bool = True


OPENAI = Columns(
    input=("input_tokens", "prompt_tokens", "n_context_tokens_total"),
    cache_read=("input_cached_tokens", "cached_tokens", "n_cached_context_tokens_total"),
    output=("output_tokens", "completion_tokens", "n_generated_tokens_total"),
)
ANTHROPIC = Columns(
    model=("model_version", "model"),
    input=("usage_input_tokens_no_cache", "uncached_input_tokens", "input_tokens"),
    cache_read=("usage_input_tokens_cache_read", "cache_read_input_tokens"),
    cache_write=(
        "usage_input_tokens_cache_write_5m",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_creation_input_tokens",
    ),
    cache_write_long=("usage_input_tokens_cache_write_1h", "cache_creation.ephemeral_1h_input_tokens"),
    output=("usage_output_tokens", "output_tokens"),
    searches=("web_search_count", "server_tool_use.web_search_requests"),
    is_inclusive=False,
)
PLAIN = Columns(
    input=("input_tokens", "prompt_tokens", "tokens_input", "tokens_in"),
    cache_read=("cached_tokens", "input_cached_tokens", "tokens_cache_read", "cache_read_tokens"),
    cache_write=("cache_write_tokens", "tokens_cache_write"),
    output=("output_tokens", "completion_tokens", "tokens_output", "tokens_out"),
)
_ANTHROPIC_ONLY = frozenset(ANTHROPIC.input[:2] + ANTHROPIC.cache_read + ANTHROPIC.cache_write)
_OPENAI_ONLY = frozenset({"num_model_requests", "input_cached_tokens", "n_context_tokens_total"})


def recognized(names: Mapping[str, Any]) -> Columns:
    """Whose columns these are."""
    if _ANTHROPIC_ONLY & set(names):
        return ANTHROPIC
    return OPENAI if _OPENAI_ONLY & set(names) else PLAIN


def usage_of(row: Mapping[str, Any], columns: Columns) -> Usage | None:
    """None where the row counts no tokens."""
    if not any(name in row for name in (*columns.input, *columns.output)):
        return None
    whole, read, written, long = (
        count(row, names)
        for names in (columns.input, columns.cache_read, columns.cache_write, columns.cache_write_long)
    )
    tokens = TokenCounts(
        input=max(0, whole - read - written - long) if columns.is_inclusive else whole,
        cache_read=read,
        cache_write=written,
        cache_write_long=long,
        output=count(row, columns.output),
        web_searches=count(row, columns.searches),
    )
    return Usage(tokens=tokens, service_tier=_tier(row, columns))


def text(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """What a program may print: without control characters, and of a length that a table bears."""
    value = next((row[name] for name in names if row.get(name)), "")
    said = value if isinstance(value, str) else ""
    return "".join(letter for letter in said[:_LONGEST_NAME] if letter.isprintable()).strip()


def count(row: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The first that is there; 0 for nonsense."""
    value = next((row[name] for name in names if row.get(name) not in (None, "")), 0)
    try:
        found = float(value.replace(",", "")) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return int(min(found, _MOST)) if math.isfinite(found) and found > 0 else 0


def _tier(row: Mapping[str, Any], columns: Columns) -> str:
    if any(str(row.get(name)).lower() in ("true", "batch") for name in columns.batch):
        return "batch"
    word = text(row, columns.tier).lower()
    return "" if word in ("default", "standard", "auto") else word
