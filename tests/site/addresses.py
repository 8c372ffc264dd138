"""Addresses whose views fail in every way that a view can."""

from django.core import exceptions as django_exceptions
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from acron_site.lib import api, errors

FAILURES = {
    "acron": errors.ConflictError("it is taken; choose another", param="name"),
    "not-found": Http404(),
    "denied": django_exceptions.PermissionDenied(),
    "too-big": django_exceptions.RequestDataTooBig(),
    "invalid": django_exceptions.ValidationError("too short"),
    "data": DataError("integer out of range"),
    "database": OperationalError("connection refused"),
    "unauthenticated": exceptions.NotAuthenticated(),
    "wrong-key": exceptions.AuthenticationFailed(),
    "rest-denied": exceptions.PermissionDenied(),
    "rest-not-found": exceptions.NotFound(),
    "throttled": exceptions.Throttled(wait=3),
    "parse": exceptions.ParseError("cannot be read"),
    "too-often": errors.RateLimitedError("too <many>; wait 7 s", headers={"Retry-After": "7"}),
    "malformed": django_exceptions.SuspiciousOperation("secret detail"),
}


class Item(serializers.Serializer[object]):
    count = serializers.IntegerField()


class Order(serializers.Serializer[object]):
    name = serializers.CharField()
    items = Item(many=True, required=False)


class Open(APIView):
    authentication_classes = ()
    permission_classes = ()


class Failing(Open):
    def get(self, request: Request, kind: str) -> Response:
        if kind == "bug":
            raise RuntimeError("secret detail")
        raise FAILURES[kind]


class Echo(Open):
    def post(self, request: Request) -> Response:
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(order.data)


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(api.request_id_of(request))


def failing_page(request: HttpRequest, kind: str) -> HttpResponse:
    if kind == "bug":
        raise RuntimeError("secret detail")
    raise FAILURES[kind]


urlpatterns = [
    path("fail/<str:kind>", Failing.as_view()),
    path("echo", Echo.as_view()),
    path("page", page),
    path("page/fail/<str:kind>", failing_page),
    path("", include("acron_site.urls")),  # what the pages of errors link to
]
handler400 = api.handler400
handler403 = api.handler403
handler404 = api.handler404
handler500 = api.handler500
