"""The cache's background jobs."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from caching import services_gates, wiring


@shared_task(name="caching.recalibrate_gates")
def recalibrate_gates() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return services_gates.recalibrate_due(wiring.tier_policies(settings.ACRON.cache), timezone.now())
