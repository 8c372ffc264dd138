"""The audit log as JSONL or CSV, part by part, with all that it takes to verify it without us."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from asgiref.sync import sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse

from accounts import audit, selectors_audit
from accounts.models import AuditEvent
from accounts.services.audit_exports import Export

_CONTENT_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_COLUMNS = (
    "organization_id", "sequence", "occurred_at", "action", "actor_kind", "actor_user_id", "actor_key_id", "actor_role",
    "object_kind", "object_id", "object_name", "before", "after", "address", "user_agent", "request_id",
    "previous_hash", "hash",
)  # fmt: skip
# spreadsheets take a cell that begins so for a formula, and run it
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def document(event: AuditEvent) -> dict[str, Any]:
    """An act as it is hashed, with the hash before it and its own in hex."""
    hashes = {"previous_hash": bytes(event.previous_hash).hex(), "hash": bytes(event.hash).hex()}
    return {**audit.facts_of(event), **hashes}


def response(export: Export) -> StreamingHttpResponse:
    name = f"audit-{export.up_to}.{export.format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    # an iterator that is not asynchronous would be gathered in memory before the first byte is sent
    return StreamingHttpResponse(parts(export), content_type=_CONTENT_TYPES[export.format], headers=headers)


async def parts(export: Export) -> AsyncIterator[bytes]:
    if export.format == "csv":
        yield _csv([_COLUMNS])
    after = 0
    while events := await sync_to_async(_chunk)(export, after):
        yield _encoded(export, events)
        after = events[-1].sequence


def _chunk(export: Export, after: int) -> list[AuditEvent]:
    try:
        return selectors_audit.chunk(export.organization_id, export.filters, after=after, up_to=export.up_to)
    finally:
        # a slow reader holds no connection while it reads; one with an open transaction is not ours to give back
        if not connection.in_atomic_block:
            connection.close()


def _encoded(export: Export, events: Sequence[AuditEvent]) -> bytes:
    if export.format == "csv":
        return _csv([_cells(document(event)) for event in events])
    # the keys are sorted here too, so that `before` and `after` stand as they were hashed
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS
    return b"".join(orjson.dumps(document(event), option=options) for event in events)


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(fields: Mapping[str, Any]) -> list[str]:
    return [_cell(fields[name]) for name in _COLUMNS]


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        value = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    text = "" if value is None else str(value)
    # an apostrophe is doubled, so that whoever verifies the export can take exactly one away
    return f"'{text}" if text.startswith(_FORMULA) else text
