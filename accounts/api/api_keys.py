"""API keys, for programs: list, create, roll, revoke."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors_api_keys as selectors
from accounts.api import pagination
from accounts.api.api_key_serializers import (
    ApiKeyPartSerializer,
    ApiKeySerializer,
    IssuedApiKeySerializer,
    NewApiKeySerializer,
    RollSerializer,
    document,
    rules_of,
)
from accounts.api.base import OrganizationAPIView
from accounts.models import KeyMode
from accounts.permissions import Rights
from accounts.principal import Principal
from accounts.rights import Right
from accounts.scopes import Scope
from accounts.services import api_keys
from accounts.services.api_keys import IssuedKey
from acron_site.lib.errors import InvalidRequestError

_STATES = ("all", "living")
_NO_SUCH_KEY = OpenApiResponse(description="there is no such key")
_CONFLICT = OpenApiResponse(description="the organization has as many keys as it may, or the key cannot be rolled")
_BAD = OpenApiResponse(description="a field is wrong; the message says what to change")


class ApiKeysView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_OWN_KEYS, "POST": Right.MANAGE_OWN_KEYS}
    asks_password = frozenset({"POST"})

    @extend_schema(
        operation_id="governance_api_keys_list",
        summary="API keys",
        description="Newest first. Members see their own keys, admins those of the organization. Of a key only its "
        "public part is known.",
        parameters=[
            *pagination.PARAMETERS,
            OpenApiParameter("state", OpenApiTypes.STR, enum=list(_STATES), description="`living`: those that work"),
        ],
        responses={200: ApiKeyPartSerializer, 400: _BAD},
        tags=["governance"],
    )
    def get(self, request: Request) -> Response:
        part, state = pagination.asked(request), request.query_params.get("state", "all")
        if state not in _STATES:
            raise InvalidRequestError(f"state must be one of: {', '.join(_STATES)}", param="state")
        rows = selectors.page(self.principal, part.limit, part.after, only_living=state == "living")
        return Response(pagination.document(rows, part, document))

    @extend_schema(
        summary="Create an API key",
        description="The answer holds the key, which is not kept and cannot be shown again. It may do no more than "
        "who makes it.",
        request=NewApiKeySerializer,
        responses={201: IssuedApiKeySerializer, 400: _BAD, 409: _CONFLICT},
        tags=["governance"],
    )
    def post(self, request: Request) -> Response:
        given = NewApiKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        issued = api_keys.create(
            self.actor,
            fields["name"],
            scopes=[Scope(scope) for scope in fields["scopes"]],
            mode=KeyMode(fields["mode"]),
            expires_at=fields["expires_at"],
            rules=rules_of(fields),
        )
        return _shown_once(self.principal, issued)


class ApiKeyView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_OWN_KEYS, "DELETE": Right.MANAGE_OWN_KEYS}

    @extend_schema(summary="One API key", responses={200: ApiKeySerializer, 404: _NO_SUCH_KEY}, tags=["governance"])
    def get(self, request: Request, key_id: UUID) -> Response:  # noqa: ARG002
        return Response(document(selectors.one(self.principal, key_id)))

    @extend_schema(
        summary="Revoke an API key",
        description="Every worker refuses the key within a second. Revoking it again changes nothing.",
        responses={204: None, 404: _NO_SUCH_KEY},
        tags=["governance"],
    )
    def delete(self, request: Request, key_id: UUID) -> Response:  # noqa: ARG002
        api_keys.revoke(self.actor, key_id)
        return Response(status=204)


class RollView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_OWN_KEYS}
    asks_password = frozenset({"POST"})

    @extend_schema(
        summary="Roll an API key",
        description="Makes a key that may do the same, and ends the old one after the overlap: a day, if none is "
        "given. The answer holds the new key, which cannot be shown again.",
        request=RollSerializer,
        responses={201: IssuedApiKeySerializer, 400: _BAD, 404: _NO_SUCH_KEY, 409: _CONFLICT},
        tags=["governance"],
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        given = RollSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        overlap = timedelta(seconds=given.validated_data["overlap_seconds"])
        return _shown_once(self.principal, api_keys.roll(self.actor, key_id, overlap))


def _shown_once(principal: Principal, issued: IssuedKey) -> Response:
    shown = document(selectors.one(principal, issued.key.pk)) | {"api_key": issued.text}
    return Response(shown, status=201, headers={"Cache-Control": "no-store"})
