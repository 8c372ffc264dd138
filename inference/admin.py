"""Prices, routing policies, proofs and evidence in the operators' admin: to look at, not to change."""

from django.contrib import admin

from acron_site.lib.admin import LookOnly
from inference.models import PriceEntry, RoutingEvidence, RoutingPair, RoutingPolicy, RoutingProof, RoutingWeights


@admin.register(PriceEntry)
class PriceEntryAdmin(LookOnly):
    list_display = ("model", "provider", "version", "as_of", "valid_from", "valid_to")
    list_filter = ("provider",)
    search_fields = ("model", "version")
    ordering = ("model", "-valid_from")
    shown = (
        "provider", "model", "version", "sheet", "source", "as_of", "valid_from", "valid_to", "imported_at", "note",
    )  # fmt: skip


@admin.register(RoutingPolicy)
class RoutingPolicyAdmin(LookOnly):
    list_display = ("changed_at", "organization_id", "quality_threshold", "epsilon", "explores", "holdout_percent")
    search_fields = ("id__exact",)
    ordering = ("-id",)
    shown = (
        "organization_id", "changed_at", "quality_threshold", "epsilon", "explores", "explore_percent",
        "holdout_percent", "cascades",
    )  # fmt: skip


@admin.register(RoutingProof)
class RoutingProofAdmin(LookOnly):
    list_display = ("organization_id", "task_type", "model", "reference", "state", "pairs", "losses", "since")
    list_filter = ("state",)
    search_fields = ("task_type", "model", "reference")
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "task_type", "model", "reference", "epsilon", "state", "pairs", "losses", "alarms",
        "since", "fresh_after", "last_pair_at", "history",
    )  # fmt: skip


@admin.register(RoutingPair)
class RoutingPairAdmin(LookOnly):
    list_display = ("occurred_at", "organization_id", "proof", "source", "lost", "method")
    list_filter = ("source", "lost")
    list_select_related = ("proof",)
    search_fields = ("request_id__exact",)
    ordering = ("-id",)
    shown = ("id", "organization_id", "proof", "source", "lost", "method", "request_id", "occurred_at")


@admin.register(RoutingEvidence)
class RoutingEvidenceAdmin(LookOnly):
    list_display = ("occurred_at", "organization_id", "task_type", "model", "source", "score")
    list_filter = ("source",)
    search_fields = ("request_id__exact",)
    ordering = ("-id",)
    shown = (
        "id", "organization_id", "pair_id", "request_id", "task_type", "model", "reference", "source", "score",
        "occurred_at",
    )  # fmt: skip


@admin.register(RoutingWeights)
class RoutingWeightsAdmin(LookOnly):
    list_display = ("organization_id", "rows", "fitted_at", "is_trusted", "why_not")
    list_filter = ("is_trusted",)
    search_fields = ("id__exact",)
    ordering = ("-id",)
    shown = ("id", "organization_id", "rows", "fitted_at", "is_trusted", "why_not", "figures", "prior", "newest_id")
