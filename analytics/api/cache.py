"""How well the cache does, for programs."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView
from accounts.permissions import Rights
from accounts.rights import Right
from analytics import cache_performance, documents
from analytics.api import schema, spans


class CachePerformanceView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}

    @extend_schema(
        summary="Cache performance",
        description="The hit rate is hits by eligible requests: those for which the cache was asked. Why others were "
        "none, and why answers are not kept, is counted by reason.",
        parameters=spans.PARAMETERS,
        responses={200: schema.CACHE_PERFORMANCE, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["analytics"],
    )
    def get(self, request: Request) -> Response:
        since, until = spans.asked(request)
        found = cache_performance.of(self.principal.organization_id, since, until)
        return Response(documents.of_cache_performance(found))
