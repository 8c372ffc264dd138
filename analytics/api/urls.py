"""Addresses of analytics for programs."""

from django.urls import URLPattern, path

from analytics.api import cache, content, feedback, savings, views

urlpatterns: list[URLPattern] = [
    path("metrics", views.MetricsView.as_view(), name="api-metrics"),
    path("analytics/recent-inferences", views.RecentInferencesView.as_view(), name="api-recent-inferences"),
    path("analytics/cache-performance", cache.CachePerformanceView.as_view(), name="api-cache-performance"),
    path("analytics/savings", savings.SavingsView.as_view(), name="api-savings"),
    path("feedback", feedback.FeedbackView.as_view(), name="api-feedback"),
    path("analytics/inferences/<uuid:event_id>/content", content.ContentView.as_view(), name="api-content"),
]
