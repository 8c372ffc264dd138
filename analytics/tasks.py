"""The ledger's background jobs."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from analytics import content_store, services


@shared_task(name="analytics.settle_abandoned")
def settle_abandoned() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return services.settle_abandoned(timedelta(seconds=settings.ACRON.tracking.abandoned_after_seconds))


@shared_task(name="analytics.purge_content")
def purge_content() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return content_store.purge()
