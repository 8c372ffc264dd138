"""The ledger in the operators' admin: to look at, not to change."""

from typing import Any

from django.contrib import admin

from analytics.models import InferenceEvent


@admin.register(InferenceEvent)
class InferenceEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = (
        "occurred_at",
        "organization_id",
        "request_id",
        "status",
        "model",
        "provider",
        "cache_status",
        "cost_usd",
        "cost_status",
        "latency_ms",
    )
    list_filter = ("status", "cost_status", "cache_status", "provider")
    search_fields = ("request_id", "=event_id")
    ordering = ("-event_id",)
    show_full_result_count = False  # counting the whole ledger is slow
    list_per_page = 50

    def has_add_permission(self, *_args: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any) -> bool:
        return False

    def has_delete_permission(self, *_args: Any) -> bool:
        return False
