"""Price sheets: what a model costs per token, as its provider publishes it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from acron_site.lib import money
from inference.entries import CatalogError, Entry

STANDARD = "standard"
TIERS = (STANDARD, "batch", "flex", "priority", "ultrafast", "decisions", "scale")
CACHE_RATES = ("cache_read", "cache_write", "cache_write_long")


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token for each bucket of `TokenCounts`. None: no price is known; an explicit 0 is a price.

    A cache rate that is not published is the input rate (accounting rule 15).
    """

    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_long: Decimal | None = None
    input_audio: Decimal | None = None
    output: Decimal | None = None
    output_audio: Decimal | None = None

    def __post_init__(self) -> None:
        for name in CACHE_RATES:
            if getattr(self, name) is None:
                object.__setattr__(self, name, self.input)


NO_RATES = Rates()
BUCKETS = tuple(bucket.name for bucket in fields(Rates))


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """Everything that sets the price of one model's tokens, and where the figures come from."""

    rates: Mapping[str, Rates] = field(default_factory=dict)  # service tier -> rates
    long_rates: Mapping[str, Rates] = field(default_factory=dict)  # the same above `long_context_tokens`
    long_context_tokens: int | None = None
    speeds: Mapping[str, Decimal] = field(default_factory=dict)  # speed -> multiplier
    geographies: Mapping[str, Decimal] = field(default_factory=dict)  # geography -> multiplier
    per_call: Mapping[str, Decimal] = field(default_factory=dict)  # "web_search", "query", "image" -> USD
    source: str = ""
    as_of: date | None = None
    version: str = ""

    def rates_for(self, tier: str, prompt_tokens: int) -> Rates:
        """Long-context rates hold for the whole request, strictly above the threshold (accounting rule 7)."""
        is_long = self.long_context_tokens is not None and prompt_tokens > self.long_context_tokens
        return (self.long_rates if is_long else self.rates).get(tier or STANDARD, NO_RATES)


UNPRICED = PriceSheet()


def parse(entry: Entry) -> PriceSheet:
    """The `prices` of a model, given in USD per million tokens. Raises CatalogError."""
    long_context = entry.part("long_context")
    sheet = PriceSheet(
        rates=_tiers(entry),
        long_rates=_tiers(long_context),
        long_context_tokens=long_context.whole("above", 0) or None,
        speeds=entry.part("speeds").amounts(),
        geographies=entry.part("geographies").amounts(),
        per_call=entry.part("per_call").amounts(),
        source=entry.text("source"),
        as_of=entry.day("as_of"),
    )
    long_context.finish()
    entry.finish()
    _require_complete(entry, sheet)
    return versioned(sheet)


def document(sheet: PriceSheet) -> dict[str, Any]:
    """The sheet in the words of the models file: what `parse` makes the same sheet of. Every figure is a text."""
    stated = {
        "source": sheet.source,
        "as_of": str(sheet.as_of),
        **_tier_documents(sheet.rates),
        "long_context": {"above": str(sheet.long_context_tokens), **_tier_documents(sheet.long_rates)},
        "speeds": _texts(sheet.speeds),
        "geographies": _texts(sheet.geographies),
        "per_call": _texts(sheet.per_call),
    }
    if sheet.long_context_tokens is None:
        del stated["long_context"]
    return {name: part for name, part in stated.items() if part}


def versioned(sheet: PriceSheet) -> PriceSheet:
    """The sheet with its version: it changes with every figure, so that a ledger row tells by which it was reckoned."""
    text = json.dumps(document(sheet), sort_keys=True)
    return replace(sheet, version=f"{sheet.as_of}.{hashlib.sha256(text.encode()).hexdigest()[:8]}")


def _tier_documents(tiers: Mapping[str, Rates]) -> dict[str, dict[str, str]]:
    return {tier: _rates_document(rates) for tier, rates in tiers.items()}


def _rates_document(rates: Rates) -> dict[str, str]:
    known = {bucket: getattr(rates, bucket) for bucket in BUCKETS}
    return _texts({bucket: rate.scaleb(6) for bucket, rate in known.items() if rate is not None})


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: money.to_text(amount) for name, amount in amounts.items()}


def _tiers(entry: Entry) -> dict[str, Rates]:
    return {tier: _rates(entry.part(tier)) for tier in TIERS if entry.has(tier)}


def _rates(entry: Entry) -> Rates:
    """Per million tokens becomes per token by moving the point, which loses nothing."""
    rates = Rates(**{bucket: entry.amount(bucket).scaleb(-6) for bucket in BUCKETS if entry.has(bucket)})
    entry.finish()
    return rates


def _require_complete(entry: Entry, sheet: PriceSheet) -> None:
    if STANDARD not in sheet.rates:
        raise CatalogError(f"{entry.place}: {STANDARD} is missing")
    if sheet.as_of is None:
        raise CatalogError(f"{entry.place}: as_of is missing: the day the prices were looked up")
    if bool(sheet.long_rates) != bool(sheet.long_context_tokens):
        raise CatalogError(f"{entry.place}: long_context: needs both `above` (tokens) and rates")
