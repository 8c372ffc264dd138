"""The cache in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from caching.models import CachePolicy, SemanticCheck, SemanticEntry, SemanticGate, SemanticPurge, SemanticServing


@admin.register(CachePolicy)
class CachePolicyAdmin(LookOnly):
    search_fields = ("namespace__exact",)
    list_display = ("changed_at", "organization_id", "namespace", "is_enabled", "wall", "semantic")
    list_filter = ("wall", "semantic")
    ordering = ("-id",)
    shown = (
        "organization_id", "namespace", "changed_at", "is_enabled", "ttl_seconds", "max_entry_bytes", "keep_sampled",
        "keep_tool_calls", "wall", "semantic", "semantic_tolerance", "semantic_threshold",
    )  # fmt: skip


@admin.register(SemanticGate)
class SemanticGateAdmin(LookOnly):
    list_display = ("organization_id", "namespace", "task_type", "state", "threshold", "upper_bound", "since")
    list_filter = ("state",)
    search_fields = ("namespace__exact",)
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "namespace", "task_type", "space", "likeness_version", "state", "threshold",
        "tolerance", "sample_rate", "reason", "checked", "wrong", "upper_bound", "needed", "since", "fresh_after",
        "off_until", "calibrated_at", "history",
    )  # fmt: skip


@admin.register(SemanticCheck)
class SemanticCheckAdmin(LookOnly):
    list_display = ("occurred_at", "organization_id", "gate_id", "score", "agrees", "method", "source")
    list_filter = ("source",)
    search_fields = ("request_id__exact",)
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "gate_id", "score", "similarity", "agrees", "method", "source", "sample_rate",
        "neighbour_id", "request_id", "occurred_at",
    )  # fmt: skip


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


@admin.register(SemanticPurge)
class SemanticPurgeAdmin(LookOnly):
    list_display = ("purged_at", "organization_id", "what")
    search_fields = ("what__exact",)
    ordering = ("-purged_at",)
    shown = ("id", "organization_id", "what", "purged_at")


@admin.register(SemanticServing)
class SemanticServingAdmin(LookOnly):
    list_display = ("served_at", "organization_id", "namespace", "task_type", "score", "request_id")
    search_fields = ("request_id__exact",)
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "request_id", "neighbour_id", "namespace", "task_type", "space", "likeness_version",
        "score", "similarity", "served_at",
    )  # fmt: skip
