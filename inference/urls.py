"""Pages of inference."""

from django.urls import URLPattern, path

from inference import views, views_provider_credentials

urlpatterns: list[URLPattern] = [
    path("getting-started/send", views.send_first_request, name="first-request-send"),
    path("settings/providers", views_provider_credentials.overview, name="provider-credentials"),
    path("settings/providers/<str:provider>/test", views_provider_credentials.test, name="provider-credential-test"),
    path(
        "settings/providers/<str:provider>/remove",
        views_provider_credentials.remove,
        name="provider-credential-remove",
    ),
]
