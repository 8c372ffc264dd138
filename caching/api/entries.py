"""Kept entries, for programs: list, read, delete, pin, mark as wrong, purge, export."""

import time
from typing import Any, ClassVar
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from caching import entry_documents, entry_export, entry_query, selectors_entries, services_entries, wiring
from caching.api import entry_schema
from caching.api.serializers import PurgeSerializer, purge_query
from caching.shelf import Slice

_NO_SUCH_ENTRY = OpenApiResponse(description="there is no such entry")
_BAD = OpenApiResponse(description="a parameter is wrong; the message says what to change")


class EntriesView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_SETTINGS}

    @extend_schema(
        operation_id="cache_entries_list",
        summary="Kept entries",
        description="What the cache keeps, of all tiers, newest first, without what was said. A part may hold fewer "
        "than `limit` although `has_more` is true. Lists by `prefix` or `q` take the right to change the settings, "
        "and are in the audit log.",
        parameters=[*entry_schema.FILTERS, *entry_schema.PART],
        responses={200: entry_schema.ENTRIES, 400: _BAD},
        tags=["cache"],
    )
    def get(self, request: Request) -> Response:
        now, query = time.time(), request.query_params
        chosen = entry_query.selection(query, now=now)
        after, limit = entry_query.after(query), entry_query.limit(query)
        if chosen.wanted.reads_questions:
            found = services_entries.search(wiring.shelves(), self.actor, chosen, after=after, limit=limit)
        else:
            organization_id = self.principal.organization_id
            found = selectors_entries.page(wiring.shelves(), organization_id, chosen, after=after, limit=limit)
        return Response(_part(found, now=now))


class EntryView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_SETTINGS, "DELETE": Right.MANAGE_SETTINGS}

    @extend_schema(
        operation_id="cache_entries_retrieve",
        summary="One kept entry with its question and answer",
        description="Each look is in the audit log.",
        responses={200: entry_schema.ENTRY, 404: _NO_SUCH_ENTRY},
        tags=["cache"],
    )
    def get(self, _: Request, entry_id: UUID) -> Response:
        opened = services_entries.read(wiring.shelves(), self.actor, entry_id)
        return Response(entry_documents.of_opened(opened, now=time.time()), headers={"Cache-Control": "no-store"})

    @extend_schema(
        summary="Delete a kept entry",
        description="It goes from every tier, for all workers at once; an answer that is under way to somebody does "
        "not take its place.",
        responses={204: None, 404: _NO_SUCH_ENTRY},
        tags=["cache"],
    )
    def delete(self, _: Request, entry_id: UUID) -> Response:
        services_entries.delete(wiring.shelves(), self.actor, entry_id)
        return Response(status=204)


class PinView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Pin a kept entry",
        description="It stays until it is unpinned, deleted or purged, and no later answer takes its place.",
        request=None,
        responses={204: None, 404: _NO_SUCH_ENTRY},
        tags=["cache"],
    )
    def post(self, _: Request, entry_id: UUID) -> Response:
        services_entries.pin(wiring.shelves(), self.actor, entry_id)
        return Response(status=204)


class UnpinView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Unpin a kept entry",
        description="Its time to live begins anew.",
        request=None,
        responses={204: None, 404: _NO_SUCH_ENTRY},
        tags=["cache"],
    )
    def post(self, _: Request, entry_id: UUID) -> Response:
        services_entries.unpin(wiring.shelves(), self.actor, entry_id)
        return Response(status=204)


class MarkWrongView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Mark a kept entry as wrong",
        description="It is not served any more, in no tier; who asks again gets a fresh answer.",
        request=None,
        responses={204: None, 404: _NO_SUCH_ENTRY},
        tags=["cache"],
    )
    def post(self, _: Request, entry_id: UUID) -> Response:
        services_entries.mark_wrong(wiring.shelves(), self.actor, entry_id)
        return Response(status=204)


class PurgeView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Purge kept entries",
        description="Deletes all entries to which every filter applies, pinned ones too, for all workers at once. "
        "Answers that were asked for before do not come back after it, unless `older_than` is given. Kept steps of "
        "workflows (tier 3) go with all of their namespace, or with everything, by no other filter. Answers under an "
        "Idempotency-Key are no part of the cache and stay for their day, or a request that is sent again would be "
        "paid for again; they go when the organization is deleted.",
        request=PurgeSerializer,
        responses={200: entry_schema.PURGED, 400: _BAD},
        tags=["cache"],
    )
    def post(self, request: Request) -> Response:
        fields = purge_query(request.data)
        chosen = entry_query.selection(fields.query, now=time.time())
        counts = services_entries.purge(
            wiring.shelves(), self.actor, chosen, is_trial=fields.is_trial, is_all=fields.is_all
        )
        return Response(entry_documents.of_purge(counts, is_trial=fields.is_trial))


class ExportView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Export kept entries",
        description="Streamed, newest first, a JSON object a line, with questions and answers. It is in the audit log.",
        parameters=entry_schema.FILTERS,
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, 400: _BAD},
        tags=["cache"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        chosen = entry_query.selection(request.query_params, now=time.time())
        services_entries.begin_export(self.actor, chosen)
        return entry_export.response(wiring.shelves(), self.principal.organization_id, chosen)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: ARG002
        # the answer is no renderer's: whatever Accept says, errors are JSON
        return super().perform_content_negotiation(request, force=True)


def _part(found: Slice, *, now: float) -> dict[str, Any]:
    return {
        "data": [entry_documents.of_listed(row, now=now) for row in found.rows],
        "has_more": found.next is not None,
        "next": None if found.next is None else str(found.next),
    }
