"""What one request asked and was answered, for those who may read it."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from analytics import content_reading

_CONTENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "event_id": {"type": "string", "format": "uuid"},
        "timestamp": {"type": "string", "format": "date-time"},
        "request": {"type": "object", "description": "as it was asked, in OpenAI's format"},
        "response": {"type": "object", "description": "the whole answer, a streamed one too"},
    },
}


class ContentView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Prompt and answer of one request",
        description="Kept only where the organization wants it, as long as it says. Each look is in the audit log.",
        responses={200: _CONTENT, 404: OpenApiResponse(description="nothing is kept of this request")},
        tags=["analytics"],
    )
    def get(self, _: Request, event_id: UUID) -> Response:
        opened = content_reading.read(self.actor, event_id)
        return Response(
            {
                "event_id": opened.event_id,
                "timestamp": opened.occurred_at,
                "request": opened.request,
                "response": opened.response,
            }
        )
