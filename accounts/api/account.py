"""A person's own account, for programs that act with a key of theirs."""

from contextlib import ExitStack
from typing import Any, ClassVar

from django.contrib.auth import logout
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import account_export, selectors_account
from accounts.api.base import OrganizationAPIView
from accounts.api.serializers import OwnAccountSerializer
from accounts.models import User
from accounts.permissions import Rights
from accounts.requests import origin_of
from accounts.services import erasure
from acron_site.lib.errors import InsufficientScopeError, InvalidRequestError, NotFoundError

_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": False}
_FOR_PROGRAMS = OpenApiResponse(description="the key was made for a program; log in and use the key that this gives")
_DOCUMENT: dict[str, Any] = {
    "type": "object",
    "description": "profile, memberships, and the organizations only this person belongs to with all their rows",
    "properties": {
        "format": {"type": "string"},
        "version": {"type": "integer"},
        "exported_at": {"type": "string", "format": "date-time"},
        "profile": {"type": "object", "additionalProperties": True},
        "memberships": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "organizations": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
}


class AccountView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": None, "DELETE": None}
    asks_password = frozenset({"DELETE"})

    @extend_schema(
        summary="Who am I",
        description="The person a key from signing up or logging in speaks for, and where they belong.",
        responses={200: OwnAccountSerializer, 403: _FOR_PROGRAMS},
        tags=["auth"],
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        user = _person(self)
        places = selectors_account.places_of(user)
        return Response(OwnAccountSerializer({"user": user, "organizations": places}).data)

    @extend_schema(
        summary="Delete the account",
        description="Removes the person and every organization only they belong to, with all that is kept of them: "
        "rows, keys, cache entries, the audit log. Keys they made for programs of organizations that go on stay valid.",
        parameters=[
            OpenApiParameter("export", OpenApiTypes.BOOL, description="true: answer with the account's export")
        ],
        responses={
            204: None,
            (200, "application/json"): _DOCUMENT,
            403: _FOR_PROGRAMS,
            409: OpenApiResponse(description="the person is the last owner of an organization others belong to"),
        },
        tags=["auth"],
    )
    def delete(self, request: Request) -> HttpResponseBase:
        user = _person(self)
        with ExitStack() as until_it_is_sent:
            export = until_it_is_sent.enter_context(account_export.spooled(user)) if _wants_export(request) else None
            erasure.delete_account(user.pk, origin=origin_of(request._request))
            until_it_is_sent.pop_all()
        if self.principal.key_id is None:
            logout(request._request)
        return Response(status=204) if export is None else account_export.response_from(export)


class AccountExportView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": None}
    asks_password = frozenset({"GET"})

    @extend_schema(
        summary="Export the account",
        description="Everything that is kept of the person and of the organizations only they belong to.",
        responses={(200, "application/json"): _DOCUMENT, 403: _FOR_PROGRAMS},
        tags=["auth"],
    )
    def get(self, request: Request) -> HttpResponseBase:  # noqa: ARG002 - the framework's signature
        return account_export.response(_person(self))


def _person(view: OrganizationAPIView) -> User:
    """Whom the caller speaks for: the person in the browser, or the one a log-in's key was made for."""
    principal = view.principal
    if principal.role is None or principal.user_id is None:
        raise InsufficientScopeError(
            "this is a key for programs and speaks for nobody; log in with POST /auth/login and use that key"
        )
    user = User.objects.filter(pk=principal.user_id).first()
    if user is None:
        raise NotFoundError("this account was deleted")
    return user


def _wants_export(request: Request) -> bool:
    wanted = _TRUTHS.get(request.query_params.get("export", "").lower())
    if wanted is None:
        raise InvalidRequestError("export must be true or false", param="export")
    return wanted
