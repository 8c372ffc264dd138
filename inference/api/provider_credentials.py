"""`/governance/provider-credentials`: an organization's own keys at providers, write-only."""

from typing import Any, ClassVar

from django.db import models
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors_provider_credentials
from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from accounts.selectors_provider_credentials import KeptCredential
from accounts.services import provider_credentials
from acron_site.lib.outbound import LONGEST_URL
from inference import own_keys

_TAGS = ["governance"]
_TIME = {"type": "string", "format": "date-time"}
_CREDENTIAL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "provider": {"type": "string"},
        "base_url": {
            "type": "string",
            "nullable": True,
            "description": "the endpoint of your own that the key is sent to; null: the provider's",
        },
        "last_four": {"type": "string", "description": "all that is ever shown of the key"},
        "created": _TIME,
        "tested_at": {**_TIME, "nullable": True},
        "result": {"type": "string", "nullable": True, "description": "of the last test: ok, or what went wrong"},
    },
}
_LIST = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": _CREDENTIAL},
        "providers": {"type": "array", "items": {"type": "string"}, "description": "those that take a key"},
    },
}
_OUTCOME = {
    "type": "object",
    "properties": {
        "provider": {"type": "string"},
        "ok": {"type": "boolean"},
        "result": {"type": "string", "description": "ok, or what went wrong"},
    },
}
_NO_SUCH = OpenApiResponse(description="no such provider, or no key of your organization for it")


class ProviderKeySerializer(serializers.Serializer[models.Model]):
    api_key = serializers.CharField(max_length=2048, write_only=True, help_text="the key as the provider shows it")
    base_url = serializers.CharField(
        max_length=LONGEST_URL,
        required=False,
        allow_blank=True,
        allow_null=True,
        help_text="https address of a server that speaks the provider's API, to be called in its place",
    )


class ProviderCredentialsView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_PROVIDER_CREDENTIALS}

    @extend_schema(summary="Your own provider keys", responses={200: _LIST}, tags=_TAGS)
    def get(self, _: Request) -> Response:
        kept = selectors_provider_credentials.kept(self.principal.organization_id)
        takers = [provider.name for provider in own_keys.catalog().providers if provider.takes_keys]
        return Response({"data": [_document(each) for each in kept.values()], "providers": takers})


class ProviderCredentialView(OrganizationAPIView):
    rights: ClassVar[Rights] = {
        "PUT": Right.MANAGE_PROVIDER_CREDENTIALS,
        "DELETE": Right.MANAGE_PROVIDER_CREDENTIALS,
    }

    @extend_schema(
        summary="Bring your own key for a provider",
        description="It takes the place of a former one within a second, and of the operator's. With `base_url` it is "
        "sent to that endpoint of yours and nowhere else; without, to the provider, whatever was kept before.",
        request=ProviderKeySerializer,
        responses={200: _CREDENTIAL, 404: _NO_SUCH},
        tags=_TAGS,
    )
    def put(self, request: Request, provider: str) -> Response:
        given = ProviderKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        secret, base_url = given.validated_data["api_key"], given.validated_data.get("base_url") or ""
        return Response(_document(own_keys.put(self.actor, provider, secret, base_url=base_url)))

    @extend_schema(summary="Remove your own key", responses={204: None, 404: _NO_SUCH}, tags=_TAGS)
    def delete(self, _: Request, provider: str) -> Response:
        provider_credentials.remove(self.actor, provider)
        return Response(status=204)


class ProviderCredentialTestView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_PROVIDER_CREDENTIALS}

    @extend_schema(
        summary="Test your own key",
        description="Asks the provider for its list of models with this key, which costs nothing. Takes 10 s at most.",
        request=None,
        responses={200: _OUTCOME, 404: _NO_SUCH},
        tags=_TAGS,
    )
    def post(self, _: Request, provider: str) -> Response:
        outcome = own_keys.test(self.actor, provider)
        return Response({"provider": provider, "ok": outcome.is_ok, "result": outcome.says})


def _document(credential: KeptCredential) -> dict[str, Any]:
    return {
        "provider": credential.provider,
        "base_url": credential.base_url or None,
        "last_four": credential.last_four,
        "created": credential.created_at,
        "tested_at": credential.tested_at,
        "result": credential.test_result or None,
    }
