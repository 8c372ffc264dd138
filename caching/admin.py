"""The cache in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from caching.models import SemanticEntry


@admin.register(SemanticEntry)
class SemanticEntryAdmin(LookOnly):
    """That something is kept, never what: an operator who has to read it asks the organization."""

    list_display = ("created_at", "organization_id", "namespace", "model", "hits", "is_pinned", "expires_at")
    search_fields = ("id__exact",)
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "namespace", "space", "model", "provider", "task_type", "tags", "created_at",
        "expires_at", "hits", "last_hit_at", "is_pinned", "marked_wrong_at",
    )  # fmt: skip
