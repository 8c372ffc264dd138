"""The semantic tier in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from caching.models import SemanticCheck, SemanticGate


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
