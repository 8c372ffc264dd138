"""What a page's view raises beyond Django's own errors: a page for people, the one JSON shape for programs."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template import loader

from acron_site.lib import api
from acron_site.lib.errors import AcronError

_DJANGOS_OWN = (Http404, PermissionDenied)  # its handlers know these; see acron_site.urls
_OUR_FAULT = 500
_TITLES = {
    400: "That cannot be understood",
    401: "Please log in",
    403: "Not with this role",
    404: "Nothing here",
    409: "That does not fit what is there",
    413: "Too large",
    429: "Too often",
    503: "Away for a moment",
}


class ErrorPagesMiddleware:
    """The REST framework's views translate their own; this does it for all the others."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response: Callable[[HttpRequest], Any] = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        answer: HttpResponseBase | Awaitable[HttpResponseBase] = self._get_response(request)
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, _DJANGOS_OWN):
            return None
        known = api.as_acron_error(error)
        if known is None:
            return None
        return _page(request, known) if api.wants_page(request) else api.error_response(request, known)


def _page(request: HttpRequest, error: AcronError) -> HttpResponse:
    context = {
        "error_status": error.status,
        "title": _TITLES.get(error.status, "That did not work"),
        "message": error.message,
        "request_id": api.request_id_of(request),
    }
    if error.status >= _OUR_FAULT:
        # the database may be away, and who is logged in stands there
        response = HttpResponse(loader.render_to_string("error_bare.html", context), status=error.status)
    else:
        response = render(request, "error.html", context, status=error.status)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response
