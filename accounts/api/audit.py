"""The audit log for programs."""

from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit_export, audit_query, selectors_audit
from accounts.api.base import OrganizationAPIView
from accounts.permissions import Rights
from accounts.rights import Right
from accounts.selectors_audit import Entry, Head, Verdict
from accounts.services import audit_exports

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE_ID: dict[str, Any] = {"type": "string", "format": "uuid", "nullable": True}
_LABEL: dict[str, Any] = {**_TEXT, "description": "today's name; the hash does not cover it"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_MAYBE_NUMBER: dict[str, Any] = {**_NUMBER, "nullable": True}
_FIELDS: dict[str, Any] = {"type": "object", "additionalProperties": True}
_HASH: dict[str, Any] = {"type": "string", "description": "SHA-256 in hex", "minLength": 64, "maxLength": 64}

_FILTERS = [
    OpenApiParameter("action", OpenApiTypes.STR, description="`api_key.created`, or `api_key` for all of its kind"),
    OpenApiParameter("actor", OpenApiTypes.STR, description="an email, a key's public part, an id, `system`"),
    OpenApiParameter("object", OpenApiTypes.STR, description="an id, a kind, a part of a name, an email"),
    OpenApiParameter("from", OpenApiTypes.STR, description="a day or a moment; UTC unless it names a zone"),
    OpenApiParameter("until", OpenApiTypes.STR, description="a day (all of it counts) or a moment (not included)"),
]


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_HEAD = _object({"sequence": _NUMBER, "hash": _HASH})
_EVENT = _object(
    {
        "organization_id": {"type": "string", "format": "uuid"},
        "sequence": _NUMBER,
        "occurred_at": {"type": "string", "format": "date-time"},
        **dict.fromkeys(("action", "actor_kind", "actor_role"), _TEXT),
        **dict.fromkeys(("actor_user_id", "actor_key_id"), _MAYBE_ID),
        **dict.fromkeys(("object_kind", "object_id", "object_name", "address", "user_agent", "request_id"), _TEXT),
        **dict.fromkeys(("before", "after"), _FIELDS),
        **dict.fromkeys(("previous_hash", "hash"), _HASH),
        **dict.fromkeys(("actor_label", "object_label"), _LABEL),
    }
)
_CHAIN = _object(
    {
        "is_intact": {"type": "boolean", "nullable": True, "description": "null unless asked for by `verify=true`"},
        **dict.fromkeys(("checked", "first_broken_sequence"), _MAYBE_NUMBER),
        "reason": _TEXT,
        "head": _HEAD,
    }
)
_LOG = _object(
    {
        "data": {"type": "array", "items": _EVENT},
        "has_more": {"type": "boolean"},
        "next": _MAYBE_NUMBER,
        "chain": _CHAIN,
    }
)


class AuditView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_AUDIT}

    @extend_schema(
        summary="Audit log",
        description="What was done here, newest first. Each entry's `hash` covers it and the one before.",
        parameters=[
            *_FILTERS,
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {audit_query.MAX_LIMIT}, else 50"),
            OpenApiParameter("after", OpenApiTypes.INT, description="`next` of the part before"),
            OpenApiParameter("verify", OpenApiTypes.BOOL, description="walk the whole chain; takes longer"),
        ],
        responses={200: _LOG, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["governance"],
    )
    def get(self, request: Request) -> Response:
        organization_id, query = self.principal.organization_id, request.query_params
        wants_verification = audit_query.wants_verification(query)
        page = selectors_audit.page(
            organization_id,
            audit_query.filters(query),
            limit=audit_query.limit(query),
            after=audit_query.after(query),
        )
        verdict = selectors_audit.verify(organization_id) if wants_verification else None
        return Response(
            {
                "data": [_document(entry) for entry in page.rows],
                "has_more": page.next is not None,
                "next": page.next,
                "chain": _chain(verdict, verdict.head if verdict else selectors_audit.head(organization_id)),
            }
        )


class AuditExportView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_AUDIT}

    @extend_schema(
        summary="Export the audit log",
        description="Streamed, oldest first, with all that the hashes cover. In CSV a cell that a spreadsheet would "
        "run as a formula begins with an apostrophe more. The export is recorded too: as its last entry.",
        parameters=[*_FILTERS, OpenApiParameter("format", OpenApiTypes.STR, enum=["jsonl", "csv"])],
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
            400: OpenApiResponse(description="a parameter is wrong"),
        },
        tags=["governance"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = request.query_params
        filters, export_format = audit_query.filters(query), audit_query.export_format(query)
        return audit_export.response(audit_exports.begin(self.actor, filters, export_format))

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: ARG002
        # `format` is ours here and the answer no renderer's: whatever Accept says, errors are JSON
        return super().perform_content_negotiation(request, force=True)


def _document(entry: Entry) -> dict[str, Any]:
    labels = {"actor_label": entry.actor_name, "object_label": entry.object_name}
    return {**audit_export.document(entry.event), **labels}


def _chain(verdict: Verdict | None, head: Head) -> dict[str, Any]:
    return {
        "is_intact": verdict.is_intact if verdict else None,
        "checked": verdict.checked if verdict else None,
        "first_broken_sequence": verdict.first_broken_sequence if verdict else None,
        "reason": verdict.reason if verdict else "",
        "head": {"sequence": head.sequence, "hash": head.hash.hex()},
    }
