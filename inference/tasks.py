"""The background jobs of inference."""

from celery import shared_task
from django.utils import timezone

from inference import services_proofs


@shared_task(name="inference.forget_old_pairs")
def forget_old_pairs() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return services_proofs.forget_old(timezone.now())
