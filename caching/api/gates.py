"""The gates of the semantic tier, for programs."""

from typing import ClassVar
from uuid import UUID

from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import pagination
from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from acron_site.lib.api import BriefJsonParser
from caching import documents, namespaces, selectors_gates, services_gates
from caching.api import schema

_NOT_FOUND = OpenApiResponse(description="the organization has no such gate")


class ResetGateSerializer(serializers.Serializer[models.Model]):
    id = serializers.UUIDField(help_text="of the gate, as `GET /cache/gates` lists it")


class GatesView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}

    @extend_schema(
        operation_id="cache_gates_list",
        summary="Where near answers are served",
        description="One gate for each namespace and task type, the oldest first: whether answers to nearly the same "
        "question are given, from which score on, and what proves it.",
        parameters=[
            *pagination.PARAMETERS,
            OpenApiParameter("namespace", OpenApiTypes.STR, description="only its gates"),
        ],
        responses={200: schema.GATES, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["cache"],
    )
    def get(self, request: Request) -> Response:
        part, namespace = pagination.asked(request), request.query_params.get("namespace")
        if namespace is not None:
            namespaces.named(self.principal.organization_id, namespace)
        records = selectors_gates.records(
            self.principal.organization_id, limit=part.limit + 1, after=part.after, namespace=namespace
        )
        return Response(pagination.document(records, part, documents.of_gate))


class GateView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}

    @extend_schema(
        summary="What one gate has seen",
        description="Its last checks by score and by similarity, and what serving from other thresholds would give.",
        responses={200: schema.GATE_REPORT, 404: _NOT_FOUND},
        tags=["cache"],
    )
    def get(self, _: Request, gate_id: UUID) -> Response:
        report = selectors_gates.report(self.principal.organization_id, gate_id)
        return Response(documents.of_gate_report(report))


class ResetGateView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_SETTINGS}
    parser_classes = [BriefJsonParser]

    @extend_schema(
        summary="Have a gate learn anew",
        description="Nothing is served there until checks that come from now on prove it. Goes on the record.",
        request=ResetGateSerializer,
        responses={200: schema.GATE, 404: _NOT_FOUND},
        tags=["cache"],
    )
    def post(self, request: Request) -> Response:
        given = ResetGateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        gate_id = given.validated_data["id"]
        services_gates.reset(self.actor, gate_id)
        return Response(documents.of_gate(selectors_gates.record(self.principal.organization_id, gate_id)))
