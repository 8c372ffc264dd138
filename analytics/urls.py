"""Pages of analytics."""

from django.urls import URLPattern, path

from analytics import views

urlpatterns: list[URLPattern] = [
    path("getting-started/first-request", views.first_request, name="first-request"),
    path("cache/performance", views.cache, name="cache-performance"),
]
