"""Addresses of analytics for programs."""

from django.urls import URLPattern, path

from analytics.api import content, feedback, views

urlpatterns: list[URLPattern] = [
    path("metrics", views.MetricsView.as_view(), name="api-metrics"),
    path("analytics/recent-inferences", views.RecentInferencesView.as_view(), name="api-recent-inferences"),
    path("feedback", feedback.FeedbackView.as_view(), name="api-feedback"),
    path("analytics/inferences/<uuid:event_id>/content", content.ContentView.as_view(), name="api-content"),
]
