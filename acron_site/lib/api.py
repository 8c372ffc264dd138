"""What every JSON address shares: the request id, the reading of a body, the one error shape."""

from asyncio import iscoroutinefunction
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any, ClassVar

import orjson
from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core import exceptions as django_exceptions
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import loader
from django.views import defaults
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from acron_site.lib import errors, ids

HEADER = "x-request-id"
_RETRY_SECONDS = "5"
_SEND_KEY = "Send your API key as Authorization: Bearer <key>."
_SEND_JSON = "send JSON with Content-Type: application/json"
_ACCEPT_JSON = "answers are JSON; send Accept: application/json, or none"
_SEE_DOCS = "See /docs for every address."
_SEE_ALLOW = "The Allow header names those that are."
_NOT_ALLOWED = "this is not allowed with what you sent; see /docs"
_UNKNOWN_HOST = "this host name is not served; add it to ASAHI_API_ALLOWED_HOSTS"


class NotAcceptableError(errors.AcronError):
    status, code, type = 406, "not_acceptable", "invalid_request_error"


class RequestIdMiddleware:
    """Gives each request its id, the caller's own where it is a valid one, and each response too."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response: Callable[[HttpRequest], Any] = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        given = request.headers.get(HEADER, "")
        request_id = given if ids.is_request_id(given) else ids.new_request_id()
        request.request_id = request_id  # type: ignore[attr-defined]
        if self._is_async:
            return self._answer(request, request_id)
        return _with_id(self._get_response(request), request_id)

    async def _answer(self, request: HttpRequest, request_id: str) -> HttpResponseBase:
        return _with_id(await self._get_response(request), request_id)


def request_id_of(request: Any) -> str:
    """The request's id, for Django's requests and those of the REST framework."""
    return getattr(request, "request_id", None) or ids.new_request_id()


class JsonParser(BaseParser):
    """A JSON object of reasonable size; everything else is refused with what to send instead."""

    media_type = "application/json"
    max_bytes: ClassVar[int | None] = None  # None: what the settings allow

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002 - the framework's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        limit = self.max_bytes or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise errors.RequestTooLargeError(f"the body is larger than {limit} bytes; send less at once")
        try:
            # refuses bad UTF-8, lone surrogates, NaN and more than 1,024 levels of nesting by itself
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise errors.InvalidRequestError(
                f"the body is no valid JSON ({error}); send one JSON object, encoded as UTF-8"
            ) from error
        if not isinstance(document, dict):
            raise errors.InvalidRequestError('the body must be a JSON object like {"name": "value"}')
        return document


class BriefJsonParser(JsonParser):
    """For addresses that take a few short fields."""

    max_bytes = 16_384


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The one error shape for what a view of the REST framework raises; None: a fault of ours, which is a 500."""
    known = as_acron_error(error)
    if known is None:
        return None
    body = errors.error_body(known, request_id_of(context.get("request")))
    return Response(body, status=known.status, headers=_headers(known))


def error_response(request: HttpRequest, error: errors.AcronError) -> HttpResponse:
    """The one error shape outside of the REST framework's views."""
    return HttpResponse(
        orjson.dumps(errors.error_body(error, request_id_of(request))),
        status=error.status,
        content_type="application/json",
        headers=_headers(error),
    )


def as_acron_error(error: Exception) -> errors.AcronError | None:
    """Our word for what Django and the REST framework raise."""
    if isinstance(error, errors.AcronError):
        return error
    if isinstance(error, exceptions.APIException):
        return _from_rest_framework(error)
    return _from_django(error)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return _plain_page(request, 400)
    error = as_acron_error(exception) or errors.InvalidRequestError("the request cannot be understood; see /docs")
    return error_response(request, error)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return defaults.permission_denied(request, exception)
    return error_response(request, errors.InsufficientScopeError(_NOT_ALLOWED))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return defaults.page_not_found(request, exception)
    return error_response(
        request, errors.NotFoundError(f"there is nothing at {request.path[:200]}; see /docs for every address")
    )


def handler500(request: HttpRequest) -> HttpResponse:
    if wants_page(request):
        return _plain_page(request, 500)
    return error_response(
        request, errors.AcronError("something failed on our side; try again, and report the request_id if it stays")
    )


def _from_rest_framework(error: exceptions.APIException) -> errors.AcronError:
    for kind, translate in _REST_FRAMEWORK:
        if isinstance(error, kind):
            return translate(error)
    return errors.InvalidRequestError(str(error.detail))


def _from_django(error: Exception) -> errors.AcronError | None:
    return next((translate(error) for kinds, translate in _DJANGO if isinstance(error, kinds)), None)


def _invalid(error: Any) -> errors.AcronError:
    param, message = _first_complaint(error.detail)
    return errors.InvalidRequestError(f"{param}: {message}" if param else message, param=param or None)


def _throttled(error: Any) -> errors.AcronError:
    wait = str(int(getattr(error, "wait", None) or 1))
    return errors.RateLimitedError(f"too many requests; wait {wait} s", headers={"Retry-After": wait})


def _away(_error: Any) -> errors.AcronError:
    headers = {"Retry-After": _RETRY_SECONDS}
    return errors.OverloadedError("the database is away; try again in a moment", headers=headers)


_Translation = Callable[[Any], errors.AcronError]

_REST_FRAMEWORK: tuple[tuple[type[exceptions.APIException], _Translation], ...] = (
    (exceptions.ValidationError, _invalid),
    (exceptions.NotAuthenticated, lambda error: errors.InvalidApiKeyError(f"{error.detail} {_SEND_KEY}")),
    (exceptions.AuthenticationFailed, lambda error: errors.InvalidApiKeyError(f"{error.detail} {_SEND_KEY}")),
    (exceptions.PermissionDenied, lambda error: errors.InsufficientScopeError(str(error.detail))),
    (exceptions.NotFound, lambda error: errors.NotFoundError(f"{error.detail} {_SEE_DOCS}")),
    (exceptions.MethodNotAllowed, lambda error: errors.MethodNotAllowedError(f"{error.detail} {_SEE_ALLOW}")),
    (exceptions.UnsupportedMediaType, lambda _: errors.UnsupportedMediaTypeError(_SEND_JSON)),
    (exceptions.NotAcceptable, lambda _: NotAcceptableError(_ACCEPT_JSON)),
    (exceptions.Throttled, _throttled),
)

_DJANGO: tuple[tuple[tuple[type[Exception], ...], _Translation], ...] = (
    ((Http404,), lambda _: errors.NotFoundError(f"There is no such thing here. {_SEE_DOCS}")),
    ((django_exceptions.PermissionDenied,), lambda _: errors.InsufficientScopeError(_NOT_ALLOWED)),
    (
        (django_exceptions.RequestDataTooBig, django_exceptions.TooManyFieldsSent),
        lambda _: errors.RequestTooLargeError("the request is too large; send less at once"),
    ),
    ((django_exceptions.DisallowedHost,), lambda _: errors.InvalidRequestError(_UNKNOWN_HOST)),
    ((django_exceptions.ValidationError,), lambda error: errors.InvalidRequestError(" ".join(error.messages))),
    # text or a number that PostgreSQL cannot hold and no field has noticed
    ((DataError,), lambda _: errors.InvalidRequestError("a value is out of range; send a smaller or simpler one")),
    ((OperationalError, InterfaceError), _away),
)


def _first_complaint(detail: Any, path: str = "") -> tuple[str, str]:
    """Where the first thing is wrong, and what it is."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        here = "" if name == "non_field_errors" else str(name)
        return _first_complaint(inner, ".".join(part for part in (path, here) if part))
    if isinstance(detail, list):
        # a list of items keeps an empty mapping for each that is right
        index, inner = next(((i, item) for i, item in enumerate(detail) if item), (0, ""))
        return _first_complaint(inner, f"{path}.{index}" if isinstance(inner, Mapping) else path)
    return path, str(detail)


def _headers(error: errors.AcronError) -> dict[str, str]:
    return {"WWW-Authenticate": "Bearer", **error.headers} if error.status == 401 else error.headers  # noqa: PLR2004


def _with_id(response: HttpResponseBase, request_id: str) -> HttpResponseBase:
    response.headers[HEADER] = request_id
    return response


def _plain_page(request: HttpRequest, status: int) -> HttpResponse:
    """Without Django's context processors: they may be what failed, or what the request is too broken for."""
    page = loader.render_to_string(f"{status}.html", {"request_id": request_id_of(request)})
    return HttpResponse(page, status=status)


def wants_page(request: HttpRequest) -> bool:
    """Browsers ask for HTML by name; programs do not."""
    return "text/html" in request.headers.get("accept", "")
