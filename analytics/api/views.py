"""What the ledger says, for programs."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView
from accounts.permissions import Rights
from accounts.rights import Right
from acron_site.lib.errors import InvalidRequestError
from analytics import documents, prometheus, selectors
from analytics.api import schema
from analytics.api.renderers import CONTENT_TYPES, OpenMetricsRenderer, PrometheusRenderer

_DEFAULT_LIMIT, _MAX_LIMIT = 50, 1_000


class MetricsView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}
    renderer_classes = [JSONRenderer, PrometheusRenderer, OpenMetricsRenderer]

    @extend_schema(
        summary="Totals",
        description="Cost, savings, hits and latency of all requests of the organisation. With "
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
        parameters=[
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {_MAX_LIMIT}, else {_DEFAULT_LIMIT}"),
            OpenApiParameter("after", OpenApiTypes.UUID, description="`next` of the part before"),
        ],
        responses={200: schema.RECENT, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["analytics"],
    )
    def get(self, request: Request) -> Response:
        page = selectors.recent(
            self.principal.organization_id,
            _limit(request.query_params.get("limit")),
            _after(request.query_params.get("after")),
        )
        return Response(
            {
                "data": [documents.of_inference(row) for row in page.rows],
                "has_more": page.next is not None,
                "next": page.next,
            }
        )


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= _MAX_LIMIT:  # noqa: PLR2004
        return int(text)
    raise InvalidRequestError(f"limit must be a whole number from 1 to {_MAX_LIMIT}", param="limit")


def _after(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequestError(
            "after must be the `next` of the part before; leave it out for the newest rows", param="after"
        ) from None
