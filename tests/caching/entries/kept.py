"""Keeps answers in the test run's Redis as a worker would."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts import wiring as accounts
from caching import wiring
from caching.exact import ExactCache
from caching.places import Place, wall_of
from caching.protocols import Label, Namespace

LABEL = Label("mock-small", "mock", "general", (("team", "search"),))
_numbers = itertools.count(1)
_AT_ONCE = 500


def worker_cache(*, clock: Callable[[], float] = time.time, most: int = 100_000) -> ExactCache:
    """A worker's own, with a connection of its own; patient, for other tests may run beside it."""
    config = replace(settings.ACRON.cache, store_timeout_ms=10_000, namespace_max_entries=most)
    store = wiring.exact_store(config, redis_url=settings.REDIS_URL)
    return ExactCache(store, accounts.cipher(), clock=clock, max_entry_bytes=config.max_entry_bytes)


def keep(organization_id: UUID, question: str, **options: Any) -> UUID:
    """One answer, kept as if it had been given; its id."""
    return keep_all(organization_id, [question], **options)[0]


def keep_all(organization_id: UUID, questions: Sequence[str], **options: Any) -> list[UUID]:
    fingerprints = [next(_numbers).to_bytes(16) for _ in questions]
    asyncio.run(_keep(organization_id, list(zip(fingerprints, questions, strict=True)), **options))
    wall = wall_of(options.get("namespace", "default"))
    return [Place(organization_id, wall, fingerprint).id for fingerprint in fingerprints]


async def _keep(
    organization_id: UUID,
    pairs: Sequence[tuple[bytes, str]],
    *,
    namespace: str = "default",
    label: Label = LABEL,
    age_seconds: float = 0.0,
    ttl_seconds: int = 60,
    clock: Callable[[], float] = time.time,
) -> None:
    cache = worker_cache(clock=lambda: clock() - age_seconds)
    for number, (fingerprint, question) in enumerate(pairs):
        if number % _AT_ONCE == 0:
            assert await cache.store.is_up()
        cache.keep(
            Namespace(organization_id, namespace),
            fingerprint,
            note=b"{}",
            body=b'{"answer": "the answer to %b"}' % question.encode(),
            ttl_seconds=ttl_seconds,
            label=label,
            question=question,
        )
    assert await cache.store.is_up()  # answered after what was told before
    await cache.store.close()
