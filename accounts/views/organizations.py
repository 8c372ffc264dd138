"""Pages that found an organization, switch between them, and show what is set for one."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from accounts import selectors, selectors_settings
from accounts.forms.members import OrganizationForm, RetentionForm
from accounts.models import User
from accounts.pages import PageRequest, page
from accounts.requests import choose_organization, chosen_organization, origin_of
from accounts.rights import Right
from accounts.services import organizations, policies
from acron_site.lib.errors import AcronError


class OrganizationNewView(LoginRequiredMixin, View):
    """Also where people land who belong to no organization."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _founding(request, OrganizationForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = OrganizationForm(request.POST)
        if not form.is_valid():
            return _founding(request, form, status=400)
        try:
            founded = organizations.found_another(_user(request), form.cleaned_data["name"], origin=origin_of(request))
        except AcronError as error:
            form.add_error(error.param if error.param in form.fields else None, error.message)
            return _founding(request, form, status=error.status)
        choose_organization(request, founded.pk)
        messages.success(request, f"{founded.name} is founded, and you own it.")
        return redirect("getting-started")


@page(GET=None, POST=None)
def switch(request: PageRequest) -> HttpResponse:
    """Changes for which organization the person acts in this session."""
    if request.method == "POST":
        choose_organization(request, _own_organization(request))
    # GET: whoever had to log in first comes back here, with nothing chosen
    wanted = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(wanted if is_safe else "getting-started")


@page(GET=Right.READ_SETTINGS, POST=Right.MANAGE_SETTINGS)
def settings(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return _settings(request)
    return _change(request, OrganizationForm(request.POST), "name_form")


@page(POST=Right.MANAGE_SETTINGS)
def retention(request: PageRequest) -> HttpResponse:
    """Whether prompts and answers are kept. Apart from the name: a box that is not ticked is not sent."""
    return _change(request, RetentionForm(request.POST), "retention_form")


def _change(request: PageRequest, form: OrganizationForm | RetentionForm, name: str) -> HttpResponse:
    if not form.is_valid():
        return _settings(request, status=400, **{name: form})
    try:
        policies.change(request.actor, **form.cleaned_data)
    except AcronError as error:
        form.add_error(error.param if error.param in form.fields else None, error.message)
        return _settings(request, status=error.status, **{name: form})
    messages.success(request, "The settings are saved.")
    return redirect("settings")


def _founding(request: HttpRequest, form: OrganizationForm, *, status: int = 200) -> HttpResponse:
    # so that the page has the navigation of who belongs somewhere already
    principal = selectors.principal_of(_user(request), chosen_organization(request))
    if principal is not None:
        request.principal = principal  # type: ignore[attr-defined]
    context = {"form": form, "belongs_somewhere": principal is not None}
    return render(request, "accounts/organization_new.html", context, status=status)


def _settings(request: PageRequest, *, status: int = 200, **forms: OrganizationForm | RetentionForm) -> HttpResponse:
    organization = selectors_settings.organization(request.principal.organization_id)
    present = {
        "name": organization.name,
        "keeps_content": organization.keeps_content,
        "content_retention_days": organization.content_retention_days,
    }
    context = {
        "organization": organization,
        "settings": selectors_settings.settings_of(organization),
        "name_form": OrganizationForm(initial=present),
        "retention_form": RetentionForm(initial=present),
        **forms,
    }
    return render(request, "accounts/settings.html", context, status=status)


def _own_organization(request: PageRequest) -> UUID:
    try:
        organization_id = UUID(request.POST.get("organization", ""))
    except ValueError:
        raise Http404 from None
    if selectors.membership_in(request.user, organization_id) is None:
        raise Http404
    return organization_id


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
