"""What analytics keeps of an organization, for exporting and erasing it."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q

from accounts import wiring
from accounts.encryption import DecryptionError
from analytics import content_store, documents, feedback, selectors, services
from analytics.models import Feedback, KeptContent

_AT_ONCE = 1_000


class LedgerRows:
    """All rows of an organization's requests."""

    name = "inference_events"

    def export(self, organization_id: UUID) -> Iterator[Mapping[str, Any]]:
        """Newest first."""
        after = None
        while True:
            page = selectors.recent(organization_id, _AT_ONCE, after)
            yield from map(documents.of_inference, page.rows)
            if page.next is None:
                return
            after = page.next

    def erase(self, organization_id: UUID) -> Iterator[int]:
        return services.erase(organization_id)

    def organizations(self) -> Iterator[UUID]:
        """Those without an organization too: a journal is carried in when it is found, which may be long after."""
        return services.organizations()


class KeptWords:
    """What was asked and answered, where the organization has it kept. The database erases it with the organization."""

    name = "kept_content"

    def export(self, organization_id: UUID) -> Iterator[Mapping[str, Any]]:
        """Oldest first."""
        kept = KeptContent.objects.for_organization(organization_id).order_by("occurred_at", "event_id")
        part = list(kept[:_AT_ONCE])
        while part:
            yield from map(_opened, part)
            last = part[-1]
            is_later = Q(occurred_at__gt=last.occurred_at) | Q(occurred_at=last.occurred_at, event_id__gt=last.pk)
            part = list(kept.filter(is_later, occurred_at__gte=last.occurred_at)[:_AT_ONCE])

    def erase(self, organization_id: UUID) -> Iterator[int]:  # noqa: ARG002 - as the protocol has it
        return iter(())

    def organizations(self) -> Iterator[UUID]:
        return iter(())


class GivenFeedback:
    """What callers said of answers. The database erases it with the organization."""

    name = "feedback"

    def export(self, organization_id: UUID) -> Iterator[Mapping[str, Any]]:
        """Oldest first."""
        for row in Feedback.objects.for_organization(organization_id).order_by("created_at", "pk").iterator(_AT_ONCE):
            yield {**documents.of_feedback(feedback.kept(row)), "key_id": row.key_id, "person_id": row.person_id}

    def erase(self, organization_id: UUID) -> Iterator[int]:  # noqa: ARG002 - as the protocol has it
        return iter(())

    def organizations(self) -> Iterator[UUID]:
        return iter(())


def _opened(row: KeptContent) -> dict[str, Any]:
    facts = {"event_id": row.pk, "timestamp": row.occurred_at}
    try:
        opened = wiring.cipher().open(bytes(row.sealed), aad=content_store.place_of(row.organization_id))
    except DecryptionError as error:
        return {**facts, "unreadable": error.message}
    return {**facts, **orjson.loads(opened)}
