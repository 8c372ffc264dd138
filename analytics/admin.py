"""The ledger in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from analytics.models import CostAdjustment, Feedback, InferenceEvent, KeptContent


@admin.register(InferenceEvent)
class InferenceEventAdmin(LookOnly):
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
    # only what has choices: for the others Django would look through the whole ledger
    list_filter = ("status", "cost_status")
    search_fields = ("request_id__exact", "event_id__exact")
    ordering = ("-event_id",)
    shown = (
        "event_id", "organization_id", "request_id", "occurred_at", "settled_at", "worker", "status", "endpoint",
        "key_id", "end_user", "step_id", "task_type", "arm", "tags", "routing_mode", "route_reason", "model_requested",
        "model", "provider", "service_tier", "speed", "geography", "kind",
        "cache_status", "cache_tier", "cache_similarity", "cache_reason",
        "attempt", "stream", "http_status", "error_code",
        "tokens_input", "tokens_cache_read", "tokens_cache_write", "tokens_cache_write_long", "tokens_input_audio",
        "tokens_output", "tokens_output_audio", "tokens_reasoning", "web_searches", "usage_flag", "cost_usd",
        "cost_status", "cost_breakdown", "price_version", "baseline_model", "baseline_cost_usd", "saved_usd",
        "prompt_cache_saved_usd",
        "quality_score", "latency_ms", "first_token_ms", "overhead_ms",
    )  # fmt: skip


@admin.register(CostAdjustment)
class CostAdjustmentAdmin(LookOnly):
    """What corrected prices have changed of rows of the ledger."""

    list_display = ("occurred_at", "organization_id", "event_id", "amount_usd", "new_price_version", "created_at")
    search_fields = ("event_id__exact",)
    ordering = ("-id",)
    shown = (
        "organization_id", "event_id", "occurred_at", "key_id", "old_price_version", "new_price_version", "amount_usd",
        "baseline_usd", "saved_usd", "prompt_cache_saved_usd", "was_unpriced", "reason", "created_at",
    )  # fmt: skip


@admin.register(KeptContent)
class KeptContentAdmin(LookOnly):
    """That something is kept, never what: an operator who has to read it asks the organization."""

    list_display = ("occurred_at", "organization_id", "event_id")
    search_fields = ("event_id__exact",)
    ordering = ("-event_id",)
    shown = ("event_id", "organization_id", "occurred_at")


@admin.register(Feedback)
class FeedbackAdmin(LookOnly):
    list_display = ("created_at", "organization_id", "request_id", "score", "task_type", "outcome")
    search_fields = ("request_id__exact",)
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "request_id", "key_id", "person_id", "score", "task_type", "outcome", "created_at",
        "updated_at",
    )  # fmt: skip
