"""Changing several settings of an organization at once: all of them, or none."""

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Organization
from accounts.rights import Right
from accounts.services import organizations, retention


@transaction.atomic
def change(
    actor: Actor,
    *,
    name: str | None = None,
    keeps_content: bool | None = None,
    content_retention_days: int | None = None,
) -> Organization:
    """None: as it is. Each change is recorded by the service that makes it."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    present = organizations.lock(actor.organization_id)
    if name is not None:
        organizations.rename(actor, name)
    if keeps_content is not None or content_retention_days is not None:
        retention.set_content_retention(
            actor,
            keeps=present.keeps_content if keeps_content is None else keeps_content,
            days=present.content_retention_days if content_retention_days is None else content_retention_days,
        )
    return Organization.objects.get(pk=actor.organization_id)
