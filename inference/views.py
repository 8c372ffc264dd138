"""What a page sends through the gateway."""

from dataclasses import replace
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.vary import vary_on_headers

from accounts import selectors_provider_credentials
from accounts.pages import PageRequest, page
from accounts.principal import Principal
from accounts.rights import Right
from acron_site.lib.errors import AcronError
from inference import commandline, wiring
from inference.domain import RoutingMode
from inference.wiring import Parts

_QUESTION = "Say hello in five words."
_NOT_HERE = "no gateway runs in this process; start ACRON with scripts/run, or `manage.py api`"


@vary_on_headers("HX-Request")
@page(POST=Right.CALL_MODELS)
def send_first_request(request: PageRequest) -> HttpResponse:
    """One small request, as the person, by the way that all requests go."""
    problem = _send(wiring.parts(), request.principal)
    if request.htmx:
        response = render(request, "inference/_sent.html", {"problem": problem})
        response.headers["HX-Trigger"] = "acron:sent"
        return response
    if problem:
        messages.error(request, f"The request was not answered: {problem}")
    return redirect("first-request")


def _send(parts: Parts, principal: Principal) -> str:
    """What went wrong, or nothing."""
    if not parts.is_running:
        return _NOT_HERE
    own_keys = selectors_provider_credentials.provider_keys(principal.organization_id)
    try:
        # a view runs in a thread of its own; the gateway's sockets belong to the worker's loop, where this brings it
        async_to_sync(_ask)(parts, replace(principal, provider_keys=own_keys))
    except AcronError as error:
        return error.message
    return ""


async def _ask(parts: Parts, principal: Principal) -> dict[str, Any]:
    return await commandline.infer(parts.gateway, principal, {"prompt": _QUESTION}, RoutingMode.AUTOPILOT)
