"""What optimising saves, modelled and measured, for programs."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView
from accounts.permissions import Rights
from accounts.rights import Right
from analytics import documents, selectors
from analytics.api import schema, spans
from analytics.measured_savings import measured_savings


class SavingsView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_ANALYTICS}

    @extend_schema(
        summary="Savings",
        description="Modelled: what the same tokens would have cost at the baseline model, less what was paid. "
        "Measured: a small random share of conversations is not optimised (the routing policy's `holdout_percent`), "
        "and what a request costs there is compared with the others, task by task, with an interval at 95 %.",
        parameters=spans.PARAMETERS,
        responses={200: schema.SAVINGS, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["analytics"],
    )
    def get(self, request: Request) -> Response:
        since, until = spans.asked(request)
        organization_id = self.principal.organization_id
        modelled = selectors.totals(organization_id, since, until)
        return Response(documents.of_savings(modelled, measured_savings(organization_id, since, until)))
