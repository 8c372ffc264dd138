"""Kept entries as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from caching.shelf import Listed, Opened


def of_listed(row: Listed, *, now: float) -> dict[str, Any]:
    label = row.label
    return {
        "id": row.id,
        "tier": row.tier,
        "namespace": row.known_namespace,
        "walled_by": row.walled_by,
        "model": label.model,
        "provider": label.provider,
        "task": label.task_type,
        "tags": dict(label.tags),
        "created": _moment(row.stored_at),
        "expires": None if row.expires_at is None else _moment(row.expires_at),
        "age": max(0, int(now - row.stored_at)),
        "hits": row.hits,
        "bytes": row.size_bytes,
        "pinned": row.is_pinned,
        "marked_wrong": row.marked_wrong_at is not None,
    }


def of_opened(opened: Opened, *, now: float) -> dict[str, Any]:
    return {**of_listed(opened.listed, now=now), "question": opened.question, "answer": _answer(opened.answer)}


def line_of(opened: Opened, *, now: float) -> bytes:
    """One line of an export."""
    return orjson.dumps(of_opened(opened, now=now), option=orjson.OPT_APPEND_NEWLINE)


def of_purge(counts: Mapping[int, int], *, is_trial: bool) -> dict[str, Any]:
    purged = {str(tier): count for tier, count in counts.items()}
    return {"dry_run": is_trial, "purged": purged, "total": sum(counts.values())}


def _answer(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):  # a time to live that nobody will live to see
        return None
