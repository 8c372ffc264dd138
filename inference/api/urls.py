"""Addresses of inference that Django answers."""

from django.urls import path

from inference.api import provider_credentials, routing_policy
from inference.api.views import ModelsView

app_name = "inference_api"
urlpatterns = [
    path("governance/policies/routing", routing_policy.RoutingPolicyView.as_view(), name="api-routing-policy"),
    path("models", ModelsView.as_view(), name="models"),
    path(
        "governance/provider-credentials",
        provider_credentials.ProviderCredentialsView.as_view(),
        name="api-provider-credentials",
    ),
    path(
        "governance/provider-credentials/<str:provider>",
        provider_credentials.ProviderCredentialView.as_view(),
        name="api-provider-credential",
    ),
    path(
        "governance/provider-credentials/<str:provider>/test",
        provider_credentials.ProviderCredentialTestView.as_view(),
        name="api-provider-credential-test",
    ),
]
