"""The background jobs of the cache."""

from celery import shared_task

from accounts.models import Organization
from caching import wiring


@shared_task(name="caching.tidy_shelves")
def tidy_shelves() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    ids = Organization.objects.values_list("pk", flat=True).iterator()
    return sum(shelf.tidy(organization_id) for organization_id in ids for shelf in wiring.shelves())
