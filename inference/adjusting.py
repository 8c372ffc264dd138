"""Corrects what past answers cost, by adjustments beside the ledger's rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import selectors as organizations
from acron_site.lib.errors import ConflictError
from acron_site.lib.money import ZERO
from analytics import selectors, services
from analytics.selectors import Adjustment, Inference
from inference import price_book
from inference.corrections import Correction
from inference.prices import PriceSheet


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment until another, which is no part of it."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a correction changes, or would: for one organization, or for all together."""

    rows: int = 0
    cost_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO
    repeated: int = 0  # rows that were corrected to these prices before, and have been corrected again since


def correction(model: str, sheet: PriceSheet, reason: str) -> Correction:
    """A correction of `model`'s rows; those that the book says were priced as another model's are left alone."""
    held = price_book.versions()
    others = frozenset[str]().union(*(versions for name, versions in held.items() if name != model))
    return Correction(model, sheet, reason, others=others - held.get(model, frozenset()))


def preview(correction: Correction, span: Span) -> Iterator[tuple[UUID, Outcome]]:
    """What each organization's sums would change by, where they would."""
    for organization_id in _everybody():
        adjusted, repeated = _adjusted(organization_id, correction, span)
        if adjusted or repeated:
            yield organization_id, _outcome(adjusted, repeated)


def apply(correction: Correction, span: Span) -> Iterator[tuple[UUID, Outcome]]:
    """Writes the adjustments, organization by organization; what is there already is not written again.

    Raises ConflictError when the book does not hold the prices: their version must lead to them.
    """
    if price_book.sheet_of_version(correction.model, correction.sheet.version) is None:
        raise ConflictError(
            f"the price book does not hold {correction.model} {correction.sheet.version}; "
            "take it in first: manage.py import_prices --file FILE --apply"
        )
    for organization_id in _everybody():
        with transaction.atomic():
            adjusted, repeated = _adjusted(organization_id, correction, span)
            services.adjust(organization_id, adjusted)
        if adjusted or repeated:
            yield organization_id, _outcome(adjusted, repeated)


def total(outcomes: Iterable[Outcome]) -> Outcome:
    found = list(outcomes)
    return Outcome(
        rows=sum(each.rows for each in found),
        cost_usd=sum((each.cost_usd for each in found), ZERO),
        saved_usd=sum((each.saved_usd for each in found), ZERO),
        repeated=sum(each.repeated for each in found),
    )


def _everybody() -> Iterator[UUID]:
    """Rows outlive their organization for a while; what adjusts them does not."""
    owners = list(services.organizations())
    there = organizations.existing(owners)
    return (organization_id for organization_id in owners if organization_id in there)


def _adjusted(
    organization_id: UUID, correction: Correction, span: Span
) -> tuple[list[tuple[Inference, Adjustment]], int]:
    adjusted, repeated, now = [], 0, timezone.now()
    for row in selectors.touched_by(organization_id, correction.model, since=span.since, until=span.until):
        adjustment = correction.of(row, now=now)
        if adjustment is None:
            continue
        if correction.was_made(row):
            repeated += 1
        else:
            adjusted.append((row, adjustment))
    return adjusted, repeated


def _outcome(adjusted: list[tuple[Inference, Adjustment]], repeated: int) -> Outcome:
    return Outcome(
        rows=len(adjusted),
        cost_usd=sum((adjustment.amount_usd for _, adjustment in adjusted), ZERO),
        saved_usd=sum((adjustment.saved_usd for _, adjustment in adjusted), ZERO),
        repeated=repeated,
    )
