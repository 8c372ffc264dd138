"""Addresses of caching for programs."""

from django.urls import URLPattern, path

from caching.api import steps

urlpatterns: list[URLPattern] = [
    path("cache/steps/invalidate", steps.InvalidateStepsView.as_view(), name="api-cache-steps-invalidate"),
]
