"""Every address that Django answers; the gateway's own stand in `inference.door`."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView

from acron_site import docs, health, views
from acron_site.lib import api

# operators log in at our own page, with its throttle and their second factor, and change their password there
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.landing_page, name="landing"),
    path("theme", views.ThemeView.as_view(), name="theme"),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    path("health", health.health, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", docs.DocsView.as_view(), name="docs"),
    path("", include("accounts.urls")),
    path("", include("analytics.urls")),
    path("", include("caching.urls")),
    path("", include("accounts.api.urls")),
    path("", include("analytics.api.urls")),
    path("", include("caching.api.urls")),
    path("", include("inference.urls")),
    path("", include("inference.api.urls")),
]

handler400 = api.handler400
handler403 = api.handler403
handler404 = api.handler404
handler500 = api.handler500
