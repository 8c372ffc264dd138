"""Addresses of the cache for programs."""

from django.urls import URLPattern, path

from caching.api import entries, gates, policies, steps

urlpatterns: list[URLPattern] = [
    path("cache/entries", entries.EntriesView.as_view(), name="api-cache-entries"),
    path("cache/entries/purge", entries.PurgeView.as_view(), name="api-cache-purge"),
    path("cache/entries/export", entries.ExportView.as_view(), name="api-cache-export"),
    path("cache/entries/<uuid:entry_id>", entries.EntryView.as_view(), name="api-cache-entry"),
    path("cache/entries/<uuid:entry_id>/pin", entries.PinView.as_view(), name="api-cache-pin"),
    path("cache/entries/<uuid:entry_id>/unpin", entries.UnpinView.as_view(), name="api-cache-unpin"),
    path("cache/entries/<uuid:entry_id>/mark-wrong", entries.MarkWrongView.as_view(), name="api-cache-mark-wrong"),
    path("cache/gates", gates.GatesView.as_view(), name="api-gates"),
    path("cache/gates/reset", gates.ResetGateView.as_view(), name="api-reset-gate"),
    path("cache/gates/<uuid:gate_id>", gates.GateView.as_view(), name="api-gate"),
    path("cache/steps/invalidate", steps.InvalidateStepsView.as_view(), name="api-cache-steps-invalidate"),
    path("governance/policies/cache", policies.CachePoliciesView.as_view(), name="api-cache-policies"),
    # a namespace may have slashes in its name
    path("governance/policies/cache/<path:namespace>", policies.CachePolicyView.as_view(), name="api-cache-policy"),
]
