"""Addresses of inference that Django answers."""

from django.urls import path

from inference.api.views import ModelsView

app_name = "inference_api"
urlpatterns = [path("models", ModelsView.as_view(), name="models")]
