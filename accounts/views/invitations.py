"""The page behind the link of an invitation. Looking at it changes nothing; only the button accepts."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts import invitation_links, selectors
from accounts.invitation_links import State
from accounts.models import Invitation, User
from accounts.requests import choose_organization, origin_of
from accounts.services import invitations
from acron_site.lib.errors import AcronError, InsufficientScopeError

_NOT_FOUND, _GONE = 404, 410


@method_decorator(never_cache, name="dispatch")
class InvitationView(View):
    """Open to whoever has the link: it shows who invites and as what, and asks for the right account."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _page(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if not isinstance(request.user, User):
            return redirect_to_login(request.path)
        try:
            joined = invitations.accept(request.user, token, origin=origin_of(request))
        except InsufficientScopeError:
            # to another person this invitation is not there; the page still says what to do
            return _page(request, token, status=_NOT_FOUND)
        except AcronError as error:
            return _page(request, token, problem=error.message, status=error.status)
        choose_organization(request, joined.membership.organization_id)
        _greet(request, joined)
        return redirect("getting-started")


def _greet(request: HttpRequest, joined: invitations.Joined) -> None:
    name, role = joined.membership.organization.name, joined.membership.role
    if joined.is_new:
        messages.success(request, f"Welcome to {name}. You are {role} here.")
    else:
        messages.info(request, f"You belong to {name} already, as {role}. Nothing has changed.")


def _page(request: HttpRequest, token: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    invitation = invitation_links.find(token)
    if invitation is None:
        return render(request, "accounts/invitation_gone.html", {"state": None}, status=_NOT_FOUND)
    state = invitation_links.state_of(invitation, timezone.now())
    if state is not State.OPEN:
        return render(request, "accounts/invitation_gone.html", {"state": state.value}, status=_GONE)
    context = {
        "invitation": invitation,
        "organization": invitation.organization,
        "is_for_viewer": _is_for(request, invitation),
        "membership": _membership(request, invitation),
        "problem": problem,
    }
    return render(request, "accounts/invitation.html", context, status=status)


def _is_for(request: HttpRequest, invitation: Invitation) -> bool:
    if not isinstance(request.user, User):
        return False
    try:
        invitations.require_invited(request.user, invitation)
    except InsufficientScopeError:
        return False
    return True


def _membership(request: HttpRequest, invitation: Invitation) -> object:
    user = request.user
    return selectors.membership_in(user, invitation.organization_id) if isinstance(user, User) else None
