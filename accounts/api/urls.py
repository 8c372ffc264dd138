"""Addresses of accounts for programs."""

from django.urls import URLPattern, path

from accounts.api import views

urlpatterns: list[URLPattern] = [
    path("auth/signup", views.SignUpView.as_view(), name="api-sign-up"),
    path("auth/login", views.LogInView.as_view(), name="api-log-in"),
    path("auth/logout", views.LogOutView.as_view(), name="api-log-out"),
]
