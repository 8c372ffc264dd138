"""The cache's background jobs."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import wiring as accounts
from accounts.models import Organization
from caching import (
    semantic_indexes,
    semantic_moves,
    semantic_room,
    semantic_wiring,
    services_complaints,
    services_gates,
    wiring,
)
from caching.backends.sealed_entries import EntrySeal
from caching.embedders import choice

# how often beat runs it, see acron_site.celery: of that time it takes its share
RE_EMBEDDING_SECONDS = 300.0


@shared_task(name="caching.recalibrate_gates")
def recalibrate_gates() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return services_gates.recalibrate_due(wiring.tier_policies(settings.ACRON.cache), timezone.now())


@shared_task(name="caching.tidy_shelves")
def tidy_shelves() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    count = 0
    for organization_id in Organization.objects.values_list("pk", flat=True).iterator():
        count += sum(shelf.tidy(organization_id) for shelf in wiring.shelves())
        count += services_complaints.forget_old(organization_id, timezone.now())
    return count


@shared_task(name="caching.evict_semantic_entries")
def evict_semantic_entries() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return semantic_room.evict(settings.ACRON.cache.semantic_max_entries, semantic_wiring.forgetter())


@shared_task(name="caching.tend_semantic_indexes")
def tend_semantic_indexes() -> int:
    """Builds at most one index; beat runs it again, so it needs no retry of its own."""
    return semantic_indexes.tend().built


@shared_task(name="caching.re_embed_entries")
def re_embed_entries() -> int:
    """Safe to repeat, and one at a time; beat runs it again, so it needs no retry of its own."""
    build = choice.for_moves(settings.ACRON.embeddings, settings.ENVIRON)
    if build is None:
        return 0
    seal = EntrySeal(accounts.cipher())
    return semantic_moves.re_embed(build, seal, within_seconds=_share_of(RE_EMBEDDING_SECONDS)).moved


def _share_of(seconds: float) -> float:
    return seconds * settings.ACRON.embeddings.background_cpu_percent / 100
