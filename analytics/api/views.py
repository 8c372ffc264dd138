"""What the ledger says, for programs."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import pagination
from accounts.api.base import OrganizationAPIView
from accounts.permissions import Rights
from accounts.rights import Right
from analytics import documents, prometheus, selectors
from analytics.api import schema
from analytics.api.renderers import CONTENT_TYPES, OpenMetricsRenderer, PrometheusRenderer


class MetricsView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}
    renderer_classes = [JSONRenderer, PrometheusRenderer, OpenMetricsRenderer]

    @extend_schema(
        summary="Totals",
        description="Cost, savings, hits and latency of all requests of the organization. With "
        "`Accept: text/plain` in Prometheus' format.",
        responses={
            (200, "application/json"): schema.METRICS,
            (200, "text/plain"): OpenApiTypes.STR,
        },
        tags=["analytics"],
    )
    def get(self, request: Request) -> Response:
        metrics = selectors.totals(self.principal.organization_id)
        content_type = CONTENT_TYPES.get(request.accepted_renderer.format)
        if content_type is None:
            return Response(documents.of_metrics(metrics))
        return Response(prometheus.of_metrics(metrics), content_type=content_type)


class RecentInferencesView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}

    @extend_schema(
        summary="Recent inferences",
        description="One row for each attempt at a provider and each answer from the cache, newest first. "
        "The next part of the list comes with `after` set to this part's `next`.",
        parameters=pagination.PARAMETERS,
        responses={200: schema.RECENT, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["analytics"],
    )
    def get(self, request: Request) -> Response:
        part = pagination.asked(request)
        page = selectors.recent(self.principal.organization_id, part.limit, part.after)
        return Response(
            {
                "data": [documents.of_inference(row) for row in page.rows],
                "has_more": page.next is not None,
                "next": page.next,
            }
        )
