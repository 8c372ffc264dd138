"""Complaints about answers to near questions: each is a failed check of the gate that let it through."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from caching import selectors_gates, services_gates
from caching.gate_rules import Check, CheckSource, TierPolicies
from caching.models import SemanticServing
from caching.protocols import Namespace
from caching.servings import Serving

_METHOD = "person"


def keep_servings(organization_id: UUID, servings: Sequence[Serving]) -> None:
    """Those of one organization; of one that has gone, none. A repetition changes nothing."""
    if Organization.objects.filter(pk=organization_id).exists():
        rows = [_row(organization_id, serving) for serving in servings]
        SemanticServing.objects.for_organization(organization_id).bulk_create(rows, ignore_conflicts=True)


def complain_of_request(organization_id: UUID, request_id: str, *, policies: TierPolicies) -> bool:
    """False where it was not answered from a neighbour, or that is not on record (any more)."""
    return _complain(organization_id, policies, request_id=request_id)


def complain_of_entry(organization_id: UUID, entry_id: UUID, *, policies: TierPolicies) -> bool:
    """About when it was last given to somebody else. False where it never was: that says nothing about a gate."""
    return _complain(organization_id, policies, neighbour_id=entry_id)


def forget_old(organization_id: UUID, now: datetime) -> int:
    """What nobody's complaint would count for any more."""
    servings = SemanticServing.objects.for_organization(organization_id)
    return servings.filter(served_at__lte=now - selectors_gates.WINDOW).delete()[0]


@transaction.atomic
def _complain(organization_id: UUID, policies: TierPolicies, **which: object) -> bool:
    servings = SemanticServing.objects.for_organization(organization_id).filter(**which)
    serving = servings.order_by("-served_at", "-id").first()
    if serving is None:
        return False
    check = _check(serving)
    services_gates.keep_checks(organization_id, [check], policies)
    services_gates.recalibrate(check.key, policies.of(check.namespace), timezone.now())
    return True


def _check(serving: SemanticServing) -> Check:
    return Check(
        id=serving.pk,  # so that it counts once
        namespace=Namespace(serving.organization_id, serving.namespace),
        task_type=serving.task_type,
        space=serving.space,
        likeness_version=serving.likeness_version,
        score=serving.score,
        similarity=serving.similarity,
        agrees=False,
        method=_METHOD,
        source=CheckSource.FEEDBACK,
        neighbour_id=serving.neighbour_id,
        request_id=serving.request_id,
        occurred_at=timezone.now(),
    )


def _row(organization_id: UUID, serving: Serving) -> SemanticServing:
    key = serving.key
    return SemanticServing(
        id=serving.id,
        organization_id=organization_id,
        request_id=serving.request_id,
        neighbour_id=serving.neighbour_id,
        namespace=key.namespace.name,
        task_type=key.task_type,
        space=key.space,
        likeness_version=key.likeness_version,
        score=serving.score,
        similarity=serving.similarity,
        served_at=serving.served_at,
    )
