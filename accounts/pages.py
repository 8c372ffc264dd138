"""What every page of an organization begins with: a person who is logged in, and has the right to see it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.middleware import HtmxDetails

from accounts import selectors, time_zones
from accounts.actor import Actor
from accounts.models import User
from accounts.principal import Principal
from accounts.requests import actor_of, chosen_organization
from accounts.rights import Right

Parameters = ParamSpec("Parameters")


class PageRequest(HttpRequest):
    """A request of a person who acts for an organization."""

    user: User
    principal: Principal
    actor: Actor
    htmx: HtmxDetails


def page(
    **rights: Right | None,
) -> Callable[
    [Callable[Concatenate[PageRequest, Parameters], HttpResponse]],
    Callable[Concatenate[HttpRequest, Parameters], HttpResponse],
]:
    """The permission table of a page: `@page(GET=Right.READ_MEMBERS, POST=Right.MANAGE_MEMBERS)`.

    None: everybody who is logged in and belongs to an organization. A method that does not stand here is a 405.
    """

    def decorate(
        view: Callable[Concatenate[PageRequest, Parameters], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, Parameters], HttpResponse]:
        @wraps(view)
        def guarded(request: Any, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponse:
            method = "GET" if request.method == "HEAD" else request.method
            if method not in rights:
                return HttpResponse(status=405, headers={"Allow": ", ".join(sorted(rights))})
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path() if method == "GET" else request.path)
            principal = selectors.principal_of(request.user, chosen_organization(request))
            if principal is None:
                return redirect("organization-new")
            request.principal, request.actor = principal, actor_of(request, principal)
            right = rights[method]
            if right is not None and not principal.may(right):
                raise PermissionDenied(f"to {right.value} takes another role")
            with time_zones.shown_to(request.user):
                response = time_zones.rendered(view(request, *args, **kwargs))
            # what an organization sees stays out of shared caches, and of the back button after the log-out
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response

        guarded.rights = rights  # type: ignore[attr-defined]  # read by the ACCESS test
        return cast(Callable[Concatenate[HttpRequest, Parameters], HttpResponse], guarded)

    return decorate
