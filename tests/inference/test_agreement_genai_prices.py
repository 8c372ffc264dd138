"""What we reckon agrees with `genai-prices`, Pydantic's own reading of the providers' price pages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from genai_prices import data_snapshot

from analytics.events import TokenCounts
from inference import catalog, pricing
from inference.catalog import Model
from inference.domain import Usage

CATALOG = catalog.load(Path(__file__).parents[2] / "config" / "models.yaml", {}, mock=False)
MOMENT = datetime(2026, 11, 27, tzinfo=UTC)

GRID = {
    "plain": TokenCounts(input=1000, output=500),
    "one token": TokenCounts(input=1, output=1),
    "cache read": TokenCounts(input=100, cache_read=9000, output=10),
    "cache write": TokenCounts(input=100, cache_write=5000, output=10),
    "long cache write": TokenCounts(input=100, cache_write=100, cache_write_long=3000, output=10),
    "just above 100,000": TokenCounts(input=50_000, cache_read=50_001, output=7),
    "just above 272,000": TokenCounts(input=272_001, output=7),
    "long": TokenCounts(input=400_000, output=1000),
    "long and cached": TokenCounts(input=200_000, cache_read=100_000, output=5),
}

_TWELVE_HOURS = "it has one price for OpenAI's cache writes; kept for 12 hours they are 2.5x of the input (rule 2)"
_NO_LONG_CONTEXT = "it states no long-context prices for this model, LiteLLM's table does"
# model, usage -> why the other side says something else
EXPLAINED = {
    **{
        (name, "long cache write"): _TWELVE_HOURS
        for name in (
            "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-astra", "gpt-6-luna", "gpt-6-sol", "gpt-6-rosalind",
            "gpt-5.6", "gpt-5.6-cyber", "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.6-terra",
        )
    },
    ("gpt-4o-search-preview", "cache read"): "it states no cache-read price for this model, LiteLLM's table does",
    ("gpt-5.6-cyber", "just above 272,000"): _NO_LONG_CONTEXT,
    ("gpt-5.6-cyber", "long"): _NO_LONG_CONTEXT,
    ("gpt-5.6-cyber", "long and cached"): _NO_LONG_CONTEXT,
    ("gpt-4o-search-preview", "just above 100,000"): "the same: half of this prompt is read from the cache",
}  # fmt: skip


def theirs(model: Model, tokens: TokenCounts) -> Decimal | None:
    """None for a model they do not know."""
    counts = {"input_tokens": tokens.total_input, "output_tokens": tokens.total_output}
    counts["cache_read_tokens"] = tokens.cache_read
    counts["cache_write_tokens"] = tokens.cache_write + tokens.cache_write_long
    if model.provider == "anthropic":
        counts["cache_write_1h_tokens"] = tokens.cache_write_long
    used = genai_prices.Usage(**{name: count for name, count in counts.items() if count})
    try:
        priced = genai_prices.calc_price(
            used, model.upstream_model, provider_id=model.provider, genai_request_timestamp=MOMENT
        )
    except LookupError:
        return None
    return priced.total_price


def compared() -> Iterator[tuple[str, str, Decimal | None, Decimal]]:
    for model in CATALOG.models:
        for name, tokens in GRID.items():
            fits = not model.context_window or tokens.total_input <= model.context_window
            if model.dialect != "mock" and fits and (amount := theirs(model, tokens)) is not None:
                yield model.name, name, pricing.cost(Usage(tokens=tokens), model.prices).amount, amount


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, Decimal | None, Decimal]]:
    return list(compared())


def test_both_know_enough_models_for_the_comparison_to_mean_something(rows):
    assert len({model for model, *_ in rows}) >= 90
    assert len(rows) >= 600


def test_every_difference_is_explained(rows):
    differing = {(model, usage): (ours, other) for model, usage, ours, other in rows if ours != other}

    assert {place: pair for place, pair in differing.items() if place not in EXPLAINED} == {}


def test_an_explanation_that_explains_nothing_any_more_leaves_the_table(rows):
    differing = {(model, usage) for model, usage, ours, other in rows if ours != other}

    assert set(EXPLAINED) - differing == set()


def test_the_comparison_uses_the_prices_that_came_with_the_package():
    assert data_snapshot.get_snapshot().from_auto_update is False
