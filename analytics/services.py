"""What may be done to the ledger beside writing it."""

from datetime import timedelta

from django.db.models import Case, Value, When
from django.utils import timezone

from analytics.events import CostStatus, EventStatus
from analytics.models import InferenceEvent


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
