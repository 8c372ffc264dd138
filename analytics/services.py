"""What may be done to the ledger beside writing it."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Case, Value, When
from django.utils import timezone

from analytics.events import CostStatus, EventStatus
from analytics.models import InferenceEvent

_ERASED_AT_ONCE = 5_000

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


def organizations() -> Iterator[UUID]:
    """Everybody the ledger has rows of, those that are gone too."""
    with connection.cursor() as cursor:
        cursor.execute(_ORGANIZATIONS)
        return iter([organization_id for (organization_id,) in cursor.fetchall()])
