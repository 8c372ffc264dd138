"""`POST /cache/steps/invalidate`: kept steps that are true no longer."""

from typing import Any, ClassVar

from django.db import models
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from caching import services_steps
from caching.namespaces import MAX_NAME_CHARACTERS
from caching.steps import MAX_TAG_CHARACTERS, MAX_TAGS


class InvalidateStepsSerializer(serializers.Serializer[models.Model]):
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG_CHARACTERS, trim_whitespace=False),
        min_length=1,
        max_length=MAX_TAGS,
        help_text="as the steps carry them, for example doc:42",
    )
    namespace = serializers.CharField(
        max_length=MAX_NAME_CHARACTERS,
        default="default",
        trim_whitespace=False,
        help_text="the compartment of the cache that the steps lie in",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({unknown[0][:64]: f"is not taken; send {', '.join(self.fields)}"})
        return attrs


class InvalidateStepsView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Invalidate kept steps",
        description="From now on no step of a workflow is answered from the cache that carries one of these tags, or "
        "that was computed from one that does. It is safe to send this twice.",
        request=InvalidateStepsSerializer,
        responses={
            200: InvalidateStepsSerializer,
            503: OpenApiResponse(description="it cannot be known whether it was done; send it again"),
        },
        tags=["cache"],
    )
    def post(self, request: Request) -> Response:
        given = InvalidateStepsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        tags, namespace = given.validated_data["tags"], given.validated_data["namespace"]
        services_steps.invalidate(self.actor, tags, namespace=namespace)
        return Response({"tags": sorted(set(tags)), "namespace": namespace})
