"""Two lists of prices differ figure by figure, in words an operator can check."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from inference import catalog, litellm_prices, price_changes, prices
from inference.entries import CatalogError, Entry
from inference.prices import PriceSheet, Rates

CATALOG = catalog.load(Path(__file__).parents[2] / "config" / "models.yaml", {}, mock=False)
TODAY = date(2026, 11, 27)


def sheet(into: str = "2", out: str = "10", **changes: Any) -> PriceSheet:
    rates = Rates(input=Decimal(into).scaleb(-6), output=Decimal(out).scaleb(-6))
    made = PriceSheet(rates={"standard": rates}, source="a page", as_of=date(2026, 11, 12))
    return prices.versioned(replace(made, **changes))


def lines(held: dict[str, PriceSheet], wanted: dict[str, PriceSheet]) -> list[str]:
    return [str(change) for change in price_changes.between(held, wanted).changes]


@pytest.mark.parametrize("model", CATALOG.models, ids=lambda model: model.name)
def test_every_sheet_comes_back_from_its_document_as_it_was(model):
    if model.prices.version:
        assert prices.parse(Entry("book", prices.document(model.prices))) == model.prices


def test_a_version_does_not_hang_on_the_order_in_which_figures_are_written():
    one = sheet(geographies={"eu": Decimal("1.1"), "us": Decimal("1.10")})
    other = sheet(geographies={"us": Decimal("1.1"), "eu": Decimal("1.1")})

    assert one.version == other.version != sheet().version


def test_a_change_names_each_figure_with_old_and_new():
    dearer = sheet("2.5", geographies={"us": Decimal("1.1")})

    assert lines({"sol": sheet()}, {"sol": dearer}) == [
        "changed sol: standard.input 2 -> 2.5, "
        + "".join(f"standard.{bucket} 2 -> 2.5, " for bucket in ("cache_read", "cache_write", "cache_write_long"))
        + "geographies.us none -> 1.1"
    ]


def test_what_is_new_and_what_is_gone_is_said():
    found = price_changes.between({"old": sheet(), "same": sheet()}, {"new": sheet(), "same": sheet()})

    assert [str(change) for change in found.changes] == [
        "added new: standard.input 2, standard.output 10 (7 figures)",
        "vanished old",
    ]
    assert (found.unchanged, bool(found)) == (1, True)


def test_the_same_prices_are_no_difference():
    found = price_changes.between({"sol": sheet()}, {"sol": sheet()})

    assert (found.changes, found.unchanged, bool(found)) == ((), 1, False)


def table(tmp_path: Path, name: str, **figures: object) -> dict[str, object]:
    file = tmp_path / "prices.json"
    file.write_bytes(orjson.dumps({name: figures}))
    return litellm_prices.read(file)


def from_litellm(tmp_path: Path, name: str, **figures: object) -> list[str]:
    held = {model.name: model.prices for model in CATALOG.models if model.name == name}
    models = [model for model in CATALOG.models if model.name == name]
    return lines(held, litellm_prices.sheets(table(tmp_path, name, **figures), models, today=TODAY))


def test_litellms_figures_that_agree_are_no_difference(tmp_path):
    same = {
        "input_cost_per_token": 1e-07,
        "cache_creation_input_token_cost_above_1hr_above_100k_tokens": 1e-06,
        "output_cost_per_token_above_100k_tokens_batches": 1.25e-06,
        "provider_specific_entry": {"us": 1.1},
        "source": "another page",
    }

    assert from_litellm(tmp_path, "claude-haiku-5-5", **same) == []


@pytest.mark.parametrize(
    ("figure", "value", "place"),
    [
        ("input_cost_per_token", 3e-07, "standard.input 0.1 -> 0.3"),
        ("output_cost_per_token_batches", 3e-07, "batch.output 0.25 -> 0.3"),
        ("cache_creation_input_token_cost_above_1hr", 3e-07, "standard.cache_write_long 0.2 -> 0.3"),
        ("cache_read_input_token_cost_above_100k_tokens", 6e-08, "long_context.standard.cache_read 0.05 -> 0.06"),
        ("provider_specific_entry", {"us": 1.2}, "geographies.us 1.1 -> 1.2"),
    ],
)
def test_a_figure_of_litellms_that_differs_is_found_at_its_place(tmp_path, figure, value, place):
    (line,) = from_litellm(tmp_path, "claude-haiku-5-5", **{figure: value})

    assert place in line
    assert "as_of 2026-11-12 -> 2026-11-27" in line


def test_models_that_only_one_side_knows_are_left_alone(tmp_path):
    assert from_litellm(tmp_path, "claude-of-tomorrow", input_cost_per_token=1) == []


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    file = tmp_path / "prices.json"
    file.write_text(text)

    with pytest.raises(CatalogError, match=r"prices\.json"):
        litellm_prices.read(file)
