"""Keeps answers in the test run's Redis as a worker would."""

import asyncio
import itertools
import time
from collections.abc import Sequence
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


def worker_cache() -> ExactCache:
    """A worker's own, with a connection of its own."""
    config = settings.ACRON.cache
    store = wiring.exact_store(config, redis_url=settings.REDIS_URL)
    return wiring.exact_cache(config, store, cipher=accounts.cipher())


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
) -> None:
    config, cipher = settings.ACRON.cache, accounts.cipher()
    store = wiring.exact_store(config, redis_url=settings.REDIS_URL)
    cache = ExactCache(store, cipher, clock=lambda: time.time() - age_seconds, max_entry_bytes=config.max_entry_bytes)
    for fingerprint, question in pairs:
        cache.keep(
            Namespace(organization_id, namespace),
            fingerprint,
            note=b"{}",
            body=b'{"answer": "the answer to %b"}' % question.encode(),
            ttl_seconds=ttl_seconds,
            label=label,
            question=question,
        )
    assert await store.is_up()  # answered after what was told before
    await store.close()
