"""Whether an organization's prompts and answers are kept, and for how long."""

from django.db import transaction

from accounts import audit, news
from accounts.actor import Actor
from accounts.models import Organization
from accounts.rights import Right
from acron_site.lib.errors import InvalidRequestError

LONGEST_DAYS = 3650


@transaction.atomic
def set_content_retention(actor: Actor, *, keeps: bool, days: int) -> Organization:
    """From now on, in every worker within a second. What is older than `days`, or everything where nothing is to be
    kept any more, can no longer be read from this moment on, and is deleted within minutes."""
    actor.principal.require_right(Right.MANAGE_SETTINGS)
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidRequestError(
            f"content can be kept for 1 to {LONGEST_DAYS} days; set keeps_content to false to keep none",
            param="content_retention_days",
        )
    organization = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization_id)
    before = _shown(organization)
    organization.keeps_content, organization.content_retention_days = keeps, days
    if _shown(organization) == before:
        return organization
    organization.save(update_fields=["keeps_content", "content_retention_days"])
    audit.record(actor, "content_retention.changed", organization, before=before, after=_shown(organization))
    news.organization_changed(organization.pk)
    return organization


def _shown(organization: Organization) -> dict[str, object]:
    return {
        "keeps_content": organization.keeps_content,
        "content_retention_days": organization.content_retention_days,
    }
