"""Addresses of the cache for programs."""

from django.urls import URLPattern, path

from caching.api import gates, policies, steps

urlpatterns: list[URLPattern] = [
    path("cache/gates", gates.GatesView.as_view(), name="api-gates"),
    path("cache/gates/reset", gates.ResetGateView.as_view(), name="api-reset-gate"),
    path("cache/gates/<uuid:gate_id>", gates.GateView.as_view(), name="api-gate"),
    path("cache/steps/invalidate", steps.InvalidateStepsView.as_view(), name="api-cache-steps-invalidate"),
    path("governance/policies/cache", policies.CachePoliciesView.as_view(), name="api-cache-policies"),
    # a namespace may have slashes in its name
    path("governance/policies/cache/<path:namespace>", policies.CachePolicyView.as_view(), name="api-cache-policy"),
]
