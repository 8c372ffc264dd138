"""Pages of leaving: taking one's data along, deleting the account, deleting an organization."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from accounts import account_export, selectors_account, selectors_settings
from accounts.forms.account import DeleteAccountForm, DeleteOrganizationForm
from accounts.models import User
from accounts.pages import PageRequest, page
from accounts.requests import origin_of
from accounts.rights import Right
from accounts.services import erasure
from acron_site.lib.errors import ConflictError


@login_required
@reauthentication_required  # type: ignore[untyped-decorator]
def export(request: HttpRequest) -> HttpResponseBase:
    """Everything in one document; who has found an open browser does not get it without the password."""
    return account_export.response(_user(request))


@login_required
@reauthentication_required  # type: ignore[untyped-decorator]
def delete(request: HttpRequest) -> HttpResponse:
    """Also for people who belong to no organization."""
    user = _user(request)
    form = DeleteAccountForm(request.POST if request.method == "POST" else None, email=user.email)
    if not form.is_valid():
        return _deletion(request, form, status=400 if form.is_bound else 200)
    try:
        erasure.delete_account(user.pk, origin=origin_of(request))
    except ConflictError as error:
        form.add_error(None, error.message)
        return _deletion(request, form, status=error.status)
    logout(request)
    messages.success(request, "Your account is deleted, with everything that was kept of it.")
    return redirect("landing")


@page(GET=Right.DELETE_ORGANIZATION, POST=Right.DELETE_ORGANIZATION)
@reauthentication_required  # type: ignore[untyped-decorator]
def delete_organization(request: PageRequest) -> HttpResponse:
    organization = selectors_settings.organization(request.principal.organization_id)
    form = DeleteOrganizationForm(request.POST if request.method == "POST" else None, slug=organization.slug)
    if not form.is_valid():
        context = {"form": form, "organization": organization}
        return render(
            request, "accounts/account_delete_organization.html", context, status=400 if form.is_bound else 200
        )
    erasure.erase_organization(request.actor)
    messages.success(request, f"{organization.name} is deleted, with everything that was kept of it.")
    return redirect("profile")


def _deletion(request: HttpRequest, form: DeleteAccountForm, *, status: int) -> HttpResponse:
    places = selectors_account.places_of(_user(request))
    context = {
        "form": form,
        "going": [place for place in places if place.is_alone],
        "held": [place for place in places if place.is_last_owner],
        "staying": [place for place in places if place.goes_on],
    }
    return render(request, "accounts/account_delete.html", context, status=status)


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
