"""Addresses of the cache for programs."""

from django.urls import URLPattern, path

from caching.api import gates

urlpatterns: list[URLPattern] = [
    path("cache/gates", gates.GatesView.as_view(), name="api-gates"),
    path("cache/gates/reset", gates.ResetGateView.as_view(), name="api-reset-gate"),
    path("cache/gates/<uuid:gate_id>", gates.GateView.as_view(), name="api-gate"),
]
