"""Reads LiteLLM's public price table, to compare it with the prices that are known here."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from inference import prices
from inference.catalog import Model
from inference.entries import CatalogError
from inference.prices import CACHE_RATES, STANDARD, PriceSheet, Rates

_BUCKETS = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_token": "output",
    "output_cost_per_audio_token": "output_audio",
}
_FIGURE = re.compile(
    rf"(?P<name>{'|'.join(_BUCKETS)})(?P<lifetime>_above_(?:1|12)hr)?(?:_above_(?P<above>\d+)k_tokens)?(?:_(?P<tier>[a-z]+))?"
)
_TIERS = {"": STANDARD, "batches": "batch"}
_SPEEDS = ("fast",)
_GEOGRAPHIES = ("us", "eu")


@dataclass(frozen=True, slots=True)
class _Stated:
    above: int  # thousands of tokens; 0: any length
    tier: str
    bucket: str
    rate: Decimal


def read(path: Path) -> dict[str, Any]:
    """The table by model. Raises CatalogError."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise CatalogError(f"{path}: expected a table with a row for each model")
    return table


def sheets(table: Mapping[str, Any], models: Iterable[Model], *, today: date) -> dict[str, PriceSheet]:
    """The sheets of those models that stand in the table too, with its figures in place of their own.

    What the table does not state stays as it is. A sheet that agrees with the table comes back as it was.
    """
    found = {}
    for model in models:
        row = table.get(model.upstream_model) or table.get(f"{model.provider}/{model.upstream_model}")
        if isinstance(row, dict) and model.prices.version:
            found[model.name] = _overlaid(model.prices, row, today)
    return found


def _overlaid(sheet: PriceSheet, row: Mapping[str, Any], today: date) -> PriceSheet:
    stated = [figure for name, value in row.items() if (figure := _stated(name, value))]
    thresholds = {figure.above for figure in stated if figure.above}
    overlaid = replace(
        sheet,
        rates=_tiers(sheet.rates, [each for each in stated if not each.above]),
        long_rates=_tiers(sheet.long_rates, [each for each in stated if each.above]),
        long_context_tokens=min(thresholds) * 1000 if thresholds else sheet.long_context_tokens,
        speeds=_multipliers(sheet.speeds, row, _SPEEDS),
        geographies=_multipliers(sheet.geographies, row, _GEOGRAPHIES),
    )
    if prices.document(overlaid) == prices.document(sheet):
        return sheet
    return prices.versioned(replace(overlaid, source=str(row.get("source") or sheet.source), as_of=today))


def _stated(name: str, value: object) -> _Stated | None:
    matched = _FIGURE.fullmatch(name)
    if matched is None or type(value) not in (Decimal, int):
        return None
    tier, lifetime = matched["tier"] or "", "_long" if matched["lifetime"] else ""
    bucket = _BUCKETS[matched["name"]] + lifetime
    return _Stated(int(matched["above"] or 0), _TIERS.get(tier, tier), bucket, Decimal(str(value)))


def _tiers(known: Mapping[str, Rates], stated: Iterable[_Stated]) -> dict[str, Rates]:
    by_tier: dict[str, dict[str, Decimal]] = {}
    for figure in stated:
        if figure.tier in prices.TIERS and figure.bucket in prices.BUCKETS:
            by_tier.setdefault(figure.tier, {})[figure.bucket] = figure.rate
    tiers = dict(known)
    for tier, rates in by_tier.items():
        tiers[tier] = _rates(known.get(tier, Rates()), rates)
    return tiers


def _rates(known: Rates, stated: Mapping[str, Decimal]) -> Rates:
    """A cache rate that was only the input rate for want of another follows it."""
    following = {name: None for name in CACHE_RATES if getattr(known, name) == known.input}
    return replace(known, **{**following, **stated})


def _multipliers(known: Mapping[str, Decimal], row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Decimal]:
    stated = row.get("provider_specific_entry")
    values = stated if isinstance(stated, dict) else {}
    return {**known, **{name: Decimal(str(values[name])) for name in names if type(values.get(name)) in (Decimal, int)}}
