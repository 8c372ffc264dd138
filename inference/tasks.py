"""The background jobs of inference."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from inference import services_evidence, services_proofs, wiring

# of the hour between two runs; whose turn does not come is the first one in the next
_FITTING_SECONDS, _LONGEST_SECONDS = 300.0, 420


@shared_task(name="inference.forget_old_pairs")
def forget_old_pairs() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return services_proofs.forget_old(timezone.now()) + services_evidence.forget_old()


@shared_task(name="inference.fit_routing_weights", time_limit=_LONGEST_SECONDS)
def fit_routing_weights() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return services_evidence.fit_due(wiring.load_catalog(settings.ACRON), within_seconds=_FITTING_SECONDS)
