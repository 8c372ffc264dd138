"""Keeps answers in tier 2, inside of the test's own transaction."""

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts import wiring as accounts
from caching.backends.sealed_entries import EntrySeal
from caching.models import SemanticEntry
from caching.protocols import Label, Namespace
from tests.caching.entries.kept import LABEL
from tests.caching.vectors.kit import SPACE, keepsake

_numbers = itertools.count(1)


def keep_near(
    organization_id: UUID,
    question: str,
    *,
    namespace: str = "default",
    label: Label = LABEL,
    age_seconds: float = 0.0,
    ttl_seconds: int = 600,
    fingerprint: bytes | None = None,
    **fields: Any,
) -> UUID:
    """One answer, kept as if it had been learnt; its id."""
    kept = keepsake(Namespace(organization_id, namespace), question, body=b'{"answer": "%b"}' % question.encode())
    sealed, now = EntrySeal(accounts.cipher()).seal(kept), timezone.now() - timedelta(seconds=age_seconds)
    SemanticEntry(
        id=kept.id,
        organization_id=organization_id,
        namespace=namespace,
        partition=bytes(16),
        fingerprint=fingerprint or next(_numbers).to_bytes(16),
        space=SPACE.name,
        question=sealed.question,
        answer=sealed.answer,
        model=label.model,
        provider=label.provider,
        task_type=label.task_type,
        tags=dict(label.tags),
        **{
            "created_at": now,
            "expires_at": now + timedelta(seconds=ttl_seconds),
            "ttl_seconds": ttl_seconds,
            **fields,
        },
    ).save(force_insert=True)
    return kept.id
