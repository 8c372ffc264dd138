"""Kept prompts and answers in PostgreSQL: written, re-sealed, and deleted when their time is over."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import connections
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import wiring
from accounts.models import Organization
from accounts.resealing import SealedRows
from analytics.content import Content, UnwritableError
from analytics.models import KeptContent

_DELETED_AT_ONCE = 1_000


def place_of(organization_id: UUID) -> bytes:
    """The AAD under which content is sealed."""
    return f"kept_content:{organization_id}".encode()


def write(contents: Sequence[Content]) -> None:
    """For the writer's thread. Organizations that have gone, or changed their mind, are left out.

    Raises UnwritableError.
    """
    try:
        own = {content.organization_id for content in contents}
        keeping = set(Organization.objects.filter(pk__in=own, keeps_content=True).values_list("pk", flat=True))
        rows = [_row(content) for content in contents if content.organization_id in keeping]
        KeptContent.all_organizations.bulk_create(rows, ignore_conflicts=True)
    except DatabaseFailure as error:
        raise UnwritableError(type(error).__name__) from error


def write_and_rest(contents: Sequence[Content]) -> None:
    """The same, giving the connection back to the pool: requests need it more."""
    try:
        write(contents)
    finally:
        connections.close_all()


def sealed_rows() -> SealedRows:
    """For the rotation of encryption keys."""
    return SealedRows("kept content", KeptContent.all_organizations.all, lambda row: place_of(row.organization_id))


def purge() -> int:
    """Deletes what may no longer be kept. Returns how much that was; safe to repeat."""
    lies_there = KeptContent.all_organizations.filter(organization=OuterRef("pk"))
    return sum(_purge(organization) for organization in Organization.objects.filter(Exists(lies_there)))


def _purge(organization: Organization) -> int:
    kept: QuerySet[KeptContent] = KeptContent.objects.for_organization(organization.pk)
    over = kept.filter(occurred_at__lt=oldest(organization)) if organization.keeps_content else kept
    deleted = 0
    while True:
        part = over.order_by("occurred_at").values("pk")[:_DELETED_AT_ONCE]
        count, _ = kept.filter(pk__in=part).delete()
        deleted += count
        if count < _DELETED_AT_ONCE:
            return deleted


def oldest(organization: Organization) -> datetime:
    """What is older is no longer kept."""
    return timezone.now() - timedelta(days=organization.content_retention_days)


def _row(content: Content) -> KeptContent:
    # the two are JSON already
    document = b'{"request":%b,"response":%b}' % (content.asked, content.answered)
    return KeptContent(
        event_id=content.event_id,
        organization_id=content.organization_id,
        occurred_at=content.occurred_at,
        sealed=wiring.cipher().seal(document, aad=place_of(content.organization_id)),
    )
