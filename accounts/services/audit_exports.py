"""Handing the audit log out: who takes it along is itself recorded."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts import audit, audit_query
from accounts.actor import Actor
from accounts.audit_query import ExportFormat
from accounts.rights import Right
from accounts.selectors_audit import Filters


@dataclass(frozen=True, slots=True)
class Export:
    """What an export holds: the matching acts up to its own record, which is the last."""

    organization_id: UUID
    filters: Filters
    up_to: int
    format: ExportFormat


@transaction.atomic
def begin(actor: Actor, filters: Filters, format: ExportFormat) -> Export:  # noqa: A002 - the word of the address
    actor.principal.require_right(Right.READ_AUDIT)
    event = audit.record(actor, "audit.exported", after={"format": format, "filters": audit_query.words(filters)})
    return Export(actor.organization_id, filters, event.sequence, format)
