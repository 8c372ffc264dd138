"""The background jobs of the cache."""

from celery import shared_task
from django.conf import settings

from caching import semantic_indexes, semantic_room, semantic_wiring


@shared_task(name="caching.evict_semantic_entries")
def evict_semantic_entries() -> int:
    """Safe to repeat; beat runs it again, so it needs no retry of its own."""
    return semantic_room.evict(settings.ACRON.cache.semantic_max_entries, semantic_wiring.forgetter())


@shared_task(name="caching.tend_semantic_indexes")
def tend_semantic_indexes() -> int:
    """Builds at most one index; beat runs it again, so it needs no retry of its own."""
    return semantic_indexes.tend().built
