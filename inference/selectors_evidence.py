"""An organization's evidence of how good models' answers are, and what was learnt from it."""

import logging
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import QuerySet

from accounts.models import Organization
from acron_site.lib.errors import UnknownModelError
from inference.catalog import Catalog
from inference.models import RoutingEvidence, RoutingWeights
from inference.routing import own_weights, predictor
from inference.routing.earning import FEWEST_ROWS, Figures
from inference.routing.evidence import Evidence
from inference.routing.own_weights import GarbledWeightsError
from inference.routing.predictor import Predictor
from inference.routing.proofs import PairSource

logger = logging.getLogger(__name__)

KEPT_ROWS = 5_000
# as proofs do: models change behind their names
LAPSES_AFTER = timedelta(days=30)
_FIGURES = [figure.name for figure in fields(Figures)]
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the predictor of an organization has come. `why_not`: in words; "" where it is asked."""

    rows: int
    fitted_at: datetime | None
    figures: Figures | None
    why_not: str

    @property
    def is_trusted(self) -> bool:
        return not self.why_not


def standing(organization_id: UUID, now: datetime) -> Standing:
    row = _weights(organization_id).defer("weights").first()
    if row is None:
        why_not = (
            f"0 of {FEWEST_ROWS} rows of evidence are there: each trial leaves two, where the organization explores"
        )
        return Standing(0, None, None, why_not)
    why_not = _why_not(row, now)
    if not why_not and predictor_of(organization_id) is None:
        why_not = "what was learnt cannot be read; it is fitted anew when new evidence comes"
    return Standing(row.rows, row.fitted_at, _figures(row.figures), why_not)


def trusted_since(organization_id: UUID, now: datetime) -> datetime | None:
    """When the weights were fitted that requests may be routed by; None where they may not."""
    row = _weights(organization_id).defer("weights").first()
    return None if row is None or _why_not(row, now) else row.fitted_at


def predictor_of(organization_id: UUID) -> Predictor | None:
    """By the weights that are there, trusted or not. What we cannot have written is as if it were not there."""
    kept = _weights(organization_id).values_list("weights", flat=True).first()
    try:
        return Predictor(predictor.shipped(), own_weights.read(kept, predictor.shipped()))
    except GarbledWeightsError as error:
        about = {"organization_id": str(organization_id), "cause": str(error)}
        logger.warning("routing.weights_garbled", extra=about)
        return None


def due() -> list[UUID]:
    """The organizations whose evidence has grown since it was learnt from; who has waited longest comes first."""
    everybody = Organization.objects.values_list("pk", flat=True).iterator()
    found = {each: last_fit(each) for each in everybody if has_news(each)}
    return sorted(found, key=lambda each: found[each] or _NEVER)


def has_news(organization_id: UUID) -> bool:
    newest = newest_id(organization_id)
    if newest is None:
        return False
    seen = _weights(organization_id).filter(prior=predictor.shipped_version())
    return newest not in seen.values_list("newest_id", flat=True)


def last_fit(organization_id: UUID) -> datetime | None:
    return _weights(organization_id).values_list("fitted_at", flat=True).first()


def newest_id(organization_id: UUID) -> UUID | None:
    return _evidence(organization_id).order_by("-id").values_list("id", flat=True).first()


def evidence(organization_id: UUID, catalog: Catalog) -> list[Evidence]:
    """The newest rows, as far as the catalogue still knows their models; feedback in place of what a trial said."""
    rows = list(_evidence(organization_id).order_by("-id")[:KEPT_ROWS])
    heard = {(row.pair_id, row.model) for row in rows if row.source == PairSource.FEEDBACK}
    said = [row for row in rows if row.source == PairSource.FEEDBACK or (row.pair_id, row.model) not in heard]
    return [each for row in said if (each := _read(row, catalog)) is not None]


def _read(row: RoutingEvidence, catalog: Catalog) -> Evidence | None:
    try:
        model, reference = catalog.find(row.model), catalog.find(row.reference)
    except UnknownModelError:
        return None
    return Evidence(
        signals=tuple(row.signals),
        vector=None if row.vector is None else np.frombuffer(row.vector, "<f2").astype(np.float64),
        model=model.name,
        quality=model.quality_for(row.task_type),
        task_type=row.task_type,
        score=row.score,
        ceiling=reference.quality_for(row.task_type),
        is_measure=row.model == row.reference and row.source == PairSource.TRIAL,
    )


def _why_not(row: RoutingWeights, now: datetime) -> str:
    if not row.is_trusted:
        return row.why_not or "it is not trusted"
    if row.prior != predictor.shipped_version():
        return "it was fitted for another version, and will be fitted anew within the hour"
    if row.fitted_at < now - LAPSES_AFTER:
        return f"no evidence has come for {LAPSES_AFTER.days} days"
    return ""


def _figures(read: Any) -> Figures | None:
    try:
        rows, *shares = (read[name] for name in _FIGURES)
        return Figures(int(rows), *map(float, shares))
    except (KeyError, TypeError, ValueError):  # there are none, or they are not ours
        return None


def _evidence(organization_id: UUID) -> QuerySet[RoutingEvidence]:
    rows: QuerySet[RoutingEvidence] = RoutingEvidence.objects.for_organization(organization_id)
    return rows


def _weights(organization_id: UUID) -> QuerySet[RoutingWeights]:
    rows: QuerySet[RoutingWeights] = RoutingWeights.objects.for_organization(organization_id)
    return rows
