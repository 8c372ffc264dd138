"""The cache in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from caching.models import CachePolicy


@admin.register(CachePolicy)
class CachePolicyAdmin(LookOnly):
    list_display = ("changed_at", "organization_id", "namespace", "is_enabled", "wall", "semantic")
    list_filter = ("wall", "semantic")
    ordering = ("-id",)
    shown = (
        "organization_id", "namespace", "changed_at", "is_enabled", "ttl_seconds", "max_entry_bytes", "keep_sampled",
        "keep_tool_calls", "wall", "semantic", "semantic_tolerance", "semantic_threshold",
    )  # fmt: skip
