"""Keeping evidence, and learning from it."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from inference import selectors_evidence
from inference.catalog import Catalog
from inference.models import RoutingEvidence, RoutingWeights
from inference.routing import earning, own_weights, predictor, signals
from inference.routing.earning import Earned
from inference.routing.proofs import Pair, PairSource

logger = logging.getLogger(__name__)

_HIGHEST_SCORE = 5.0


def keep(organization_id: UUID, pairs: Sequence[Pair]) -> None:
    """Two rows of each pair that says what its request was like. A repetition changes nothing."""
    rows = [row for pair in pairs for row in _rows(pair)]
    if rows and Organization.objects.filter(pk=organization_id).exists():
        RoutingEvidence.objects.for_organization(organization_id).bulk_create(rows, ignore_conflicts=True)


def hear_feedback(organization_id: UUID, request_id: str, *, model: str, score: float) -> None:
    """What a person says of an answer, from 0 to 5, takes the place of what its trial said; the last one counts."""
    own = RoutingEvidence.objects.for_organization(organization_id)
    asked = own.filter(request_id=request_id, model=model)
    tried = asked.filter(source=PairSource.TRIAL).order_by("-id").first()
    if tried is None:
        return
    with transaction.atomic():
        asked.filter(pair_id=tried.pair_id, source=PairSource.FEEDBACK).delete()
        own.bulk_create([_opinion(tried, score / _HIGHEST_SCORE)], ignore_conflicts=True)


def fit(organization_id: UUID, catalog: Catalog) -> Earned | None:
    """Learns from the rows that are there; None where none has come since it was done last."""
    newest = selectors_evidence.newest_id(organization_id)
    if newest is None or not selectors_evidence.has_news(organization_id):
        return None
    found = earning.earned(predictor.shipped(), selectors_evidence.evidence(organization_id, catalog))
    _put(organization_id, found, newest)
    about = {"organization_id": str(organization_id), "rows": found.rows, "is_trusted": found.is_trusted}
    logger.info("routing.weights_fitted", extra=about)
    return found


def fit_due(catalog: Catalog, *, within_seconds: float, clock: Callable[[], float] = time.monotonic) -> int:
    """Learns for one organization after the other, until the time is used up; returns for how many."""
    until, count = clock() + within_seconds, 0
    for organization_id in selectors_evidence.due():
        if clock() >= until:
            break
        count += fit(organization_id, catalog) is not None
    return count


def forget_old() -> int:
    """Deletes what is beyond each organization's newest rows."""
    removed = 0
    for organization_id in Organization.objects.values_list("pk", flat=True).iterator():
        rows = RoutingEvidence.objects.for_organization(organization_id)
        too_many = rows.order_by("-id").values_list("id", flat=True)
        for oldest in too_many[selectors_evidence.KEPT_ROWS : selectors_evidence.KEPT_ROWS + 1]:
            removed += rows.filter(id__lte=oldest).delete()[0]
    return removed


@transaction.atomic
def _put(organization_id: UUID, found: Earned, newest: UUID) -> None:
    # it may have ended meanwhile; from here on it cannot
    if Organization.objects.select_for_update(of=("self",), no_key=True).filter(pk=organization_id).first() is None:
        return
    RoutingWeights.objects.for_organization(organization_id).update_or_create(
        organization_id=organization_id,
        defaults={
            "weights": own_weights.as_document(found.weights),
            "prior": predictor.shipped_version(),
            "rows": found.rows,
            "newest_id": newest,
            "fitted_at": timezone.now(),
            "is_trusted": found.is_trusted,
            "why_not": found.why_not,
            "figures": None if found.figures is None else asdict(found.figures),
        },
    )


def _rows(pair: Pair) -> Iterator[RoutingEvidence]:
    traits = pair.traits
    if traits is None or len(traits.signals) != len(signals.NAMES):
        return
    vector = None if traits.vector is None else np.asarray(traits.vector).astype("<f2").tobytes()
    for model, score in ((pair.model, 0.0 if pair.lost else 1.0), (pair.reference, 1.0)):
        yield RoutingEvidence(
            organization_id=pair.organization_id,
            pair_id=pair.id,
            request_id=pair.request_id,
            model=model,
            reference=pair.reference,
            task_type=pair.task_type,
            source=PairSource.TRIAL,
            score=score,
            signals=list(traits.signals),
            vector=vector,
            occurred_at=pair.occurred_at,
        )


def _opinion(tried: RoutingEvidence, score: float) -> RoutingEvidence:
    return RoutingEvidence(
        organization_id=tried.organization_id,
        pair_id=tried.pair_id,
        request_id=tried.request_id,
        model=tried.model,
        reference=tried.reference,
        task_type=tried.task_type,
        source=PairSource.FEEDBACK,
        score=score,
        signals=tried.signals,
        vector=tried.vector,
        occurred_at=timezone.now(),
    )
