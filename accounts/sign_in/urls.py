"""The addresses of signing in. The names are allauth's own, which it looks up by them."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter
from django.utils.cache import add_never_cache_headers

from accounts import selectors, time_zones
from accounts.models import User
from accounts.requests import actor_of, chosen_organization
from accounts.sign_in import views

View = Callable[..., HttpResponse]


class Alphanumeric(StringConverter):
    regex = "[0-9A-Za-z]+"


register_converter(Alphanumeric, "alphanumeric")


def offered(view: View, *methods: str, is_one_transaction: bool = False) -> View:
    """The view, for these methods only, never kept by a browser's cache, and aware of the person's organization.

    `is_one_transaction`: what a POST changes and its line in the audit log are kept together or not at all.
    """

    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in {*methods, "HEAD"}:
            return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
        if isinstance(request.user, User):
            request.principal = selectors.principal_of(request.user, chosen_organization(request))
            if request.principal is not None:
                request.actor = actor_of(request, request.principal)
        is_atomic = is_one_transaction and request.method == "POST"
        with time_zones.shown_to(request.user), transaction.atomic() if is_atomic else nullcontext():
            response = time_zones.rendered(view(request, *args, **kwargs))
        add_never_cache_headers(response)
        return response

    guarded.rights = dict.fromkeys(methods)  # type: ignore[attr-defined]  # read by the ACCESS test
    return guarded


def page(view: View) -> View:
    return offered(view, "GET")


def form(view: View) -> View:
    return offered(view, "GET", "POST")


def factor(view: View) -> View:
    return offered(view, "GET", "POST", is_one_transaction=True)


def or_overview(view: View) -> View:
    """Who has no such factor is led to where factors are set up."""

    @wraps(view)
    def led(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Http404:
            return redirect("mfa_index")

    return led


_ENTRANCE = [
    path("login", form(account.login), name="account_login"),
    path("logout", form(account.logout), name="account_logout"),
    path("signup", form(views.sign_up), name="account_signup"),
    path("inactive", page(account.account_inactive), name="account_inactive"),
    path("reauthenticate", form(account.reauthenticate), name="account_reauthenticate"),
    path("verify-email", page(account.email_verification_sent), name="account_email_verification_sent"),
    path("verify-email/<str:key>", form(account.confirm_email), name="account_confirm_email"),
    path("password/reset", form(account.password_reset), name="account_reset_password"),
    path("password/reset/done", page(account.password_reset_done), name="account_reset_password_done"),
    path(
        "password/reset/key/done",
        page(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path(
        "password/reset/key/<alphanumeric:uidb36>-<str:key>",
        form(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("login/code", factor(mfa.authenticate), name="mfa_authenticate"),
    path("login/passkey", factor(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("reauthenticate/code", factor(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("reauthenticate/passkey", factor(webauthn.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
]

_PROFILE = [
    path("email", form(views.change_email), name="account_email"),
    path("password/change", form(account.password_change), name="account_change_password"),
    path("password/set", form(account.password_set), name="account_set_password"),
    path("profile/sessions", form(views.sessions), name="usersessions_list"),
    path("profile/security", page(mfa.index), name="mfa_index"),
    path("profile/security/app/add", factor(totp.activate_totp), name="mfa_activate_totp"),
    path("profile/security/app/remove", factor(or_overview(totp.deactivate_totp)), name="mfa_deactivate_totp"),
    path(
        "profile/security/recovery-codes",
        page(or_overview(recovery_codes.view_recovery_codes)),
        name="mfa_view_recovery_codes",
    ),
    path(
        "profile/security/recovery-codes/new",
        factor(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "profile/security/recovery-codes/download",
        page(or_overview(recovery_codes.download_recovery_codes)),
        name="mfa_download_recovery_codes",
    ),
    path("profile/security/passkeys", page(webauthn.list_webauthn), name="mfa_list_webauthn"),
    path("profile/security/passkeys/add", factor(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path("profile/security/passkeys/<int:pk>/rename", factor(webauthn.edit_webauthn), name="mfa_edit_webauthn"),
    path("profile/security/passkeys/<int:pk>/remove", factor(webauthn.remove_webauthn), name="mfa_remove_webauthn"),
]

urlpatterns: list[URLPattern] = [*_ENTRANCE, *_PROFILE]
