"""`/governance/policies/cache`: what an organization's cache may keep, namespace by namespace."""

import difflib
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from acron_site.lib.api import BriefJsonParser
from acron_site.lib.errors import InvalidRequestError
from caching import selectors_policies, services_policies
from caching.policies import (
    HIGHEST_TOLERANCE,
    LONGEST_TTL_SECONDS,
    MOST_AHEAD_PERCENT,
    MOST_BYTES,
    Semantic,
    Wall,
    Wishes,
)
from caching.selectors_policies import PolicyPage

_TAGS = ["governance"]
_OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}
_LARGEST_BYTES = 2**31 - 1


class PolicySettingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.JSONField()
    default = serializers.JSONField(help_text="what holds where nobody has set it")
    source = serializers.CharField(help_text="where the value comes from")  # type: ignore[assignment]  # not the base's
    description = serializers.CharField()


class CachePolicySerializer(serializers.Serializer[PolicyPage]):
    namespace = serializers.CharField(help_text="`*`: all that have no policy of their own")
    changed_at = serializers.DateTimeField(allow_null=True, help_text="null: nothing is set for this namespace")
    settings = PolicySettingSerializer(many=True)


class CachePoliciesSerializer(serializers.Serializer[Any]):
    data = CachePolicySerializer(many=True)  # type: ignore[assignment]  # a field of this name, as in every list


class WishesSerializer(serializers.Serializer[Any]):
    is_enabled = serializers.BooleanField(**_OPTIONAL)
    ttl_seconds = serializers.IntegerField(min_value=1, max_value=LONGEST_TTL_SECONDS, **_OPTIONAL)
    max_entry_bytes = serializers.IntegerField(
        min_value=1, max_value=_LARGEST_BYTES, help_text="at most what the operator allows", **_OPTIONAL
    )
    max_bytes = serializers.IntegerField(
        min_value=0,
        max_value=MOST_BYTES,
        help_text="of tier 1 in this namespace, pinned answers not counted; 0: no limit of its own",
        **_OPTIONAL,
    )
    refresh_ahead_percent = serializers.IntegerField(
        min_value=0,
        max_value=MOST_AHEAD_PERCENT,
        help_text="a hit in the last percent of its answer's life renews it in the background, at the usual price; "
        "0: off",
        **_OPTIONAL,
    )
    keep_sampled = serializers.BooleanField(**_OPTIONAL)
    keep_tool_calls = serializers.BooleanField(**_OPTIONAL)
    wall = serializers.ChoiceField(choices=[wall.value for wall in Wall], **_OPTIONAL)
    semantic = serializers.ChoiceField(choices=[mode.value for mode in Semantic], **_OPTIONAL)
    semantic_tolerance = serializers.FloatField(max_value=HIGHEST_TOLERANCE, help_text="above 0", **_OPTIONAL)
    semantic_threshold = serializers.FloatField(max_value=1, help_text="above 0", **_OPTIONAL)


class CachePoliciesView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_SETTINGS}

    @extend_schema(
        operation_id="governance_policies_cache_list",
        summary="Cache policies",
        description="What holds for all namespaces (`*`), then each namespace that has a policy of its own. Each value "
        "says its default and where it comes from.",
        responses={200: CachePoliciesSerializer},
        tags=_TAGS,
    )
    def get(self, _: Request) -> Response:
        pages = selectors_policies.pages(self.principal.organization_id, services_policies.defaults())
        return Response(CachePoliciesSerializer({"data": pages}).data)


class CachePolicyView(OrganizationAPIView):
    rights: ClassVar[Rights] = {
        "GET": Right.READ_SETTINGS,
        "PUT": Right.MANAGE_SETTINGS,
        "DELETE": Right.MANAGE_SETTINGS,
    }
    parser_classes = [BriefJsonParser]

    @extend_schema(
        summary="The cache policy of a namespace",
        description="What holds there, whether something is set for it or not.",
        responses={200: CachePolicySerializer},
        tags=_TAGS,
    )
    def get(self, _: Request, namespace: str) -> Response:
        services_policies.require_name(self.actor, namespace)
        return self._answer(namespace)

    @extend_schema(
        summary="Set the cache policy of a namespace",
        description="Takes the place of what was set for it before; what is left out or null goes by the policy for "
        "all namespaces, then by the operator's settings. Every worker goes by it within a second.",
        request=WishesSerializer,
        responses={200: CachePolicySerializer, 400: OpenApiResponse(description="a field is wrong, or there is none")},
        tags=_TAGS,
    )
    def put(self, request: Request, namespace: str) -> Response:
        _refuse_unknown(request.data)
        given = WishesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services_policies.put(self.actor, namespace, _wishes(given.validated_data))
        return self._answer(namespace)

    @extend_schema(
        summary="Remove the cache policy of a namespace",
        responses={204: None, 404: OpenApiResponse(description="nothing is set for it")},
        tags=_TAGS,
    )
    def delete(self, _: Request, namespace: str) -> Response:
        services_policies.remove(self.actor, namespace)
        return Response(status=204)

    def _answer(self, namespace: str) -> Response:
        page = selectors_policies.page(self.principal.organization_id, namespace, services_policies.defaults())
        return Response(CachePolicySerializer(page).data)


def _wishes(given: dict[str, Any]) -> Wishes:
    wall, semantic = given.pop("wall", None), given.pop("semantic", None)
    return Wishes(wall=Wall(wall) if wall else None, semantic=Semantic(semantic) if semantic else None, **given)


def _refuse_unknown(given: Any) -> None:
    # a policy that is silently ignored looks as if it held
    known = list(WishesSerializer().fields)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise InvalidRequestError(f"there is no field {name[:64]!r}: {hint}", param=name[:64])
