"""Taking kept entries along: a stream of JSON lines."""

import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse

from caching import entry_documents, selectors_entries
from caching.entry_query import Selection
from caching.shelf import Listed, Opened, Position, Shelf

_AT_ONCE = 100


def response(shelves: Sequence[Shelf], organization_id: UUID, chosen: Selection) -> StreamingHttpResponse:
    headers = {
        "Content-Disposition": 'attachment; filename="cache-entries.jsonl"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    # an iterator that is not asynchronous would be gathered in memory before the first byte is sent
    parts = lines(shelves, organization_id, chosen)
    return StreamingHttpResponse(parts, content_type="application/x-ndjson", headers=headers)


async def lines(shelves: Sequence[Shelf], organization_id: UUID, chosen: Selection) -> AsyncIterator[bytes]:
    after: Position | None = None
    while True:
        part, after = await sync_to_async(_part)(shelves, organization_id, chosen, after)
        yield part
        if after is None:
            return


def _part(
    shelves: Sequence[Shelf], organization_id: UUID, chosen: Selection, after: Position | None
) -> tuple[bytes, Position | None]:
    try:
        found = selectors_entries.page(shelves, organization_id, chosen, after=after, limit=_AT_ONCE)
        opened = [_opened(shelves, organization_id, row) for row in found.rows]
    finally:
        # a slow reader holds no connection while it reads; one with an open transaction is not ours to give back
        if not connection.in_atomic_block:
            connection.close()
    now = time.time()
    # one that has gone meanwhile is no longer there to be taken
    return b"".join(entry_documents.line_of(each, now=now) for each in opened if each is not None), found.next


def _opened(shelves: Sequence[Shelf], organization_id: UUID, row: Listed) -> Opened | None:
    shelf = next(shelf for shelf in shelves if shelf.tier == row.tier)
    return shelf.read(organization_id, row.id)
