"""`POST /feedback`: how good an answer was, and what came of it."""

import math
from typing import Any, ClassVar

from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from acron_site.lib import ids
from acron_site.lib.api import BriefJsonParser
from analytics import documents, feedback
from analytics.api import schema
from analytics.feedback import Said

_BEST = 5.0
_THUMBS = {"up": _BEST, "down": 0.0}
_LONGEST_OUTCOME = 200
_LARGEST_NUMBER = 2**53  # beyond it programs do not agree on the digits


@extend_schema_field(OpenApiTypes.FLOAT)
class _ScoreField(serializers.Field):  # type: ignore[type-arg]  # not generic at run time
    def to_internal_value(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _BEST:
            raise serializers.ValidationError("send a number from 0 (useless) to 5 (perfect)")
        return float(value)


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": 200}, {"type": "number"}, {"type": "boolean"}]})
class _OutcomeField(serializers.Field):  # type: ignore[type-arg]  # not generic at run time
    def to_internal_value(self, value: Any) -> feedback.Outcome:
        is_text = isinstance(value, str) and len(value) <= _LONGEST_OUTCOME and "\x00" not in value
        is_number = isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _LARGEST_NUMBER
        if not (is_text or is_number):
            raise serializers.ValidationError(f"send a number, or a text of at most {_LONGEST_OUTCOME} characters")
        outcome: feedback.Outcome = value
        return outcome


class FeedbackSerializer(serializers.Serializer[models.Model]):
    request_id = serializers.CharField(max_length=128, help_text="the `x-request-id` of the answer")
    score = _ScoreField(required=False, help_text="0 (useless) to 5 (perfect), as quality is measured everywhere")
    thumbs = serializers.ChoiceField(
        choices=list(_THUMBS), required=False, help_text="in place of a score: up is 5, down is 0"
    )
    task_type = serializers.CharField(max_length=64, required=False, help_text="what kind of task it really was")
    outcome = _OutcomeField(required=False, help_text="what came of it: a number or a short text of your own")

    def validate_request_id(self, value: str) -> str:
        if not ids.is_request_id(value):
            raise serializers.ValidationError("this is no request id; send the x-request-id of an answer")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({unknown[0][:64]: f"is not taken; send {', '.join(self.fields)}"})
        if "score" in attrs and "thumbs" in attrs:
            raise serializers.ValidationError({"thumbs": "stands in place of a score; send one of the two"})
        if not attrs.keys() & {"score", "thumbs", "outcome"}:
            raise serializers.ValidationError({"score": "nothing is said; send score, thumbs or outcome"})
        return attrs


class FeedbackView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.GIVE_FEEDBACK}
    parser_classes = [BriefJsonParser]

    @extend_schema(
        summary="Say how good an answer was",
        description="One opinion a request and key: a second takes the first one's place, as far as it says something, "
        "and is answered with 200. It costs nothing and counts against no limit.",
        request=FeedbackSerializer,
        responses={
            201: schema.FEEDBACK,
            200: schema.FEEDBACK,
            404: OpenApiResponse(description="no request of your organization, or not on record yet"),
        },
        tags=["gateway"],
    )
    def post(self, request: Request) -> Response:
        given = FeedbackSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        kept, is_new = feedback.give(self.principal, _said(given.validated_data))
        return Response(documents.of_feedback(kept), status=201 if is_new else 200)


def _said(given: dict[str, Any]) -> Said:
    score = _THUMBS[given["thumbs"]] if "thumbs" in given else given.get("score")
    return Said(given["request_id"], score=score, task_type=given.get("task_type"), outcome=given.get("outcome"))
