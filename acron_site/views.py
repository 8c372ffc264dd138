"""The pages that belong to no app: the landing page and the theme switch."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from accounts.models import Theme, User
from accounts.services import appearance as appearance_service
from acron_site import appearance, landing
from acron_site.lib.errors import InvalidRequestError


def landing_page(request: HttpRequest) -> HttpResponse:
    form = landing.SavingsForm(request.GET if landing.is_asked(request.GET) else None)
    example = landing.example(request.build_absolute_uri("/v1"))
    context = {"example": example, "form": form, "savings": form.savings()}
    return render(request, "accounts/landing.html", context)


class ThemeView(View):
    """POST: light, dark or the system's, then back to where one was."""

    def post(self, request: HttpRequest) -> HttpResponse:
        asked = request.POST.get("theme", "")
        if asked not in Theme.values:
            raise InvalidRequestError(f"there is no theme {asked[:20]!r}; send one of {', '.join(Theme.values)}")
        theme = Theme(asked)
        if isinstance(request.user, User):
            appearance_service.choose_theme(request.user, theme)
        response = redirect(_way_back(request))
        appearance.remember(response, theme)
        return response


def _way_back(request: HttpRequest) -> str:
    """Where they came from, if that is here: a form can name any address."""
    here = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        here, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return here if is_ours else reverse("landing")
