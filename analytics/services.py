"""What may be done to the ledger beside writing it."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Case, Value, When
from django.utils import timezone

from analytics.events import CostStatus, EventStatus
from analytics.models import CostAdjustment, InferenceEvent
from analytics.selectors import Adjustment, Inference

_ERASED_AT_ONCE = 5_000
_ADJUSTED_AT_ONCE = 1_000

# one step in the index per organization, however many rows each has
_ORGANIZATIONS = """
WITH RECURSIVE found AS (
    (SELECT organization_id FROM analytics_inferenceevent ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT organization_id FROM analytics_inferenceevent
        WHERE organization_id > found.organization_id ORDER BY organization_id LIMIT 1
    ) FROM found WHERE found.organization_id IS NOT NULL
)
SELECT organization_id FROM found WHERE organization_id IS NOT NULL
"""


def settle_abandoned(older_than: timedelta) -> int:
    """Ends rows that were started so long ago that nobody will settle them. Returns how many there were.

    A worker that dies is noticed by its neighbours; this is for those whose machine is gone with its journal.
    """
    started = InferenceEvent.all_organizations.filter(
        status=EventStatus.STARTED, occurred_at__lt=timezone.now() - older_than
    )
    return started.update(
        status=EventStatus.INTERRUPTED,
        settled_at=timezone.now(),
        cost_status=Case(
            When(cost_usd__isnull=True, then=Value(CostStatus.UNPRICED)), default=Value(CostStatus.ESTIMATED)
        ),
    )


def erase(organization_id: UUID) -> Iterator[int]:
    """Removes all rows of an organization, part by part; yields how many went with each."""
    rows = InferenceEvent.objects.for_organization(organization_id)
    while True:
        part = rows.order_by("-occurred_at", "-event_id").values("pk")[:_ERASED_AT_ONCE]
        removed, _ = rows.filter(pk__in=part).delete()
        yield removed
        if removed < _ERASED_AT_ONCE:
            return


def adjust(organization_id: UUID, adjusted: Sequence[tuple[Inference, Adjustment]]) -> None:
    """Writes what corrected prices change of rows, all or none; a repetition changes nothing."""
    CostAdjustment.all_organizations.bulk_create(
        [_adjustment(organization_id, row, adjustment) for row, adjustment in adjusted],
        batch_size=_ADJUSTED_AT_ONCE,
        ignore_conflicts=True,
    )


def _adjustment(organization_id: UUID, row: Inference, adjustment: Adjustment) -> CostAdjustment:
    return CostAdjustment(
        organization_id=organization_id,
        event_id=row.event_id,
        occurred_at=row.occurred_at,
        key_id=row.key_id,
        was_unpriced=row.cost_status is CostStatus.UNPRICED,
        **{field.name: getattr(adjustment, field.name) for field in fields(adjustment)},
    )


def organizations() -> Iterator[UUID]:
    """Everybody the ledger has rows of, those that are gone too."""
    with connection.cursor() as cursor:
        cursor.execute(_ORGANIZATIONS)
        return iter([organization_id for (organization_id,) in cursor.fetchall()])
