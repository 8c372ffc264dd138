"""Every address that Django answers; the gateway's own stand in `inference.door`."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView

from acron_site import docs, health
from acron_site.lib import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("health", health.health, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", docs.DocsView.as_view(), name="docs"),
    path("", include("accounts.urls")),
    path("", include("accounts.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("inference.api.urls")),
]

handler400 = api.handler400
handler403 = api.handler403
handler404 = api.handler404
handler500 = api.handler500
