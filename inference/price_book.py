"""The dated record of prices: what holds, what held, and how new prices come in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from acron_site.lib.errors import ConflictError
from inference import price_changes, prices
from inference.catalog import Catalog
from inference.entries import Entry
from inference.models import PriceEntry
from inference.price_changes import Change, ChangeKind, Differences
from inference.prices import PriceSheet

# one import at a time: two would each close what the other has not seen
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('acron.price_book'))"


@dataclass(frozen=True, slots=True)
class Offer:
    """Prices that are to hold. `is_complete`: models that it does not name have no price any more."""

    sheets: Mapping[str, PriceSheet]
    providers: Mapping[str, str]  # model -> provider
    is_complete: bool = True


def offer_of(catalog: Catalog) -> Offer:
    """The prices of a catalogue. A model without prices is not in it."""
    priced = [model for model in catalog.models if model.prices.version]
    return Offer({model.name: model.prices for model in priced}, {model.name: model.provider for model in priced})


def holding(moment: datetime) -> dict[str, PriceSheet]:
    """The sheets that hold at a moment, by model."""
    entries = PriceEntry.objects.filter(Q(valid_to=None) | Q(valid_to__gt=moment), valid_from__lte=moment)
    return {entry.model: _sheet(entry) for entry in entries}


def sheet_of_version(model: str, version: str) -> PriceSheet | None:
    """The sheet that a row of the ledger names as its `price_version`; None when the book never held it."""
    entry = PriceEntry.objects.filter(model=model, version=version).order_by("-valid_from").first()
    return None if entry is None else _sheet(entry)


def versions() -> dict[str, frozenset[str]]:
    """Every version the book has held, by model."""
    found: dict[str, set[str]] = {}
    for model, version in PriceEntry.objects.values_list("model", "version"):
        found.setdefault(model, set()).add(version)
    return {model: frozenset(held) for model, held in found.items()}


def differences(offer: Offer, moment: datetime) -> Differences:
    """What an import of the offer would change."""
    held = holding(moment)
    if not offer.is_complete:
        held = {model: sheet for model, sheet in held.items() if model in offer.sheets}
    return price_changes.between(held, offer.sheets)


@transaction.atomic
def take_in(offer: Offer, moment: datetime, *, note: str = "") -> Differences:
    """Makes the offer hold from `moment` on, and returns what that changed; entries that agree are left alone.

    Raises ConflictError when a price that is to be replaced begins only then or later.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    found = differences(offer, moment)
    for change in found.changes:
        _close(change, moment)
    PriceEntry.objects.bulk_create(
        _entry(change.model, offer, moment, note) for change in found.changes if change.kind is not ChangeKind.VANISHED
    )
    return found


def _close(change: Change, moment: datetime) -> None:
    latest = PriceEntry.objects.filter(model=change.model).order_by("-valid_from").first()
    if latest is None:
        return
    is_late = latest.valid_from >= moment if latest.valid_to is None else latest.valid_to > moment
    if is_late:
        raise ConflictError(
            f"the book has later prices of {change.model} than {moment.isoformat()}, and history is not rewritten; "
            "choose a later moment, or correct past rows with correct_prices"
        )
    if latest.valid_to is None:
        latest.valid_to = moment
        latest.save(update_fields=["valid_to"])


def _entry(model: str, offer: Offer, moment: datetime, note: str) -> PriceEntry:
    sheet = offer.sheets[model]
    return PriceEntry(
        provider=offer.providers[model],
        model=model,
        sheet=prices.document(sheet),
        version=sheet.version,
        source=sheet.source,
        as_of=sheet.as_of or moment.date(),
        valid_from=moment,
        note=note,
    )


def _sheet(entry: PriceEntry) -> PriceSheet:
    return replace(prices.parse(Entry(f"price book: {entry}", entry.sheet)), version=entry.version)
