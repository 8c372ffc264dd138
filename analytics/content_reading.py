"""Reading what is kept of one request: for those who may, and on the record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, wiring
from accounts.actor import Actor
from accounts.models import Organization
from accounts.rights import Right
from acron_site.lib.errors import NotFoundError
from analytics import content_store
from analytics.models import KeptContent


@dataclass(frozen=True, slots=True)
class OpenedContent:
    event_id: UUID
    occurred_at: datetime
    request: Any
    response: Any


@transaction.atomic
def read(actor: Actor, event_id: UUID) -> OpenedContent:
    """Reading somebody's words is an act, so it stands in the audit log. Raises NotFoundError."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    organization = Organization.objects.get(pk=actor.organization_id)
    row = _readable(organization).filter(pk=event_id).first()
    if row is None:
        raise NotFoundError(
            "no content is kept of this request; it is kept while keeps_content is on (PATCH /governance/policies)"
        )
    audit.record(actor, "content.read", after={"event_id": row.pk})
    sealed_for = content_store.place_of(organization.pk)
    opened = orjson.loads(wiring.cipher().open(bytes(row.sealed), aad=sealed_for))
    return OpenedContent(row.pk, row.occurred_at, opened["request"], opened["response"])


def _readable(organization: Organization) -> QuerySet[KeptContent]:
    # what the next purge will delete is gone already
    kept: QuerySet[KeptContent] = KeptContent.objects.for_organization(organization.pk)
    oldest = content_store.oldest(organization)
    return kept.filter(occurred_at__gte=oldest) if organization.keeps_content else kept.none()
