"""How the answers about kept entries look, for the OpenAPI document."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from caching.entry_query import MAX_LIMIT, TIERS

_TEXT: dict[str, Any] = {"type": "string"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_TRUTH: dict[str, Any] = {"type": "boolean"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_ENTRY: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid"},
    "tier": {"type": "integer", "enum": list(TIERS)},
    **dict.fromkeys(("namespace", "model", "provider", "task"), _TEXT),
    "walled_by": {
        **_TEXT,
        "enum": ["user", "key", None],
        "nullable": True,
        "description": "what divides the namespace, where its policy has a wall; this entry lies on one of its sides",
    },
    "tags": {"type": "object", "additionalProperties": _TEXT},
    "created": _TIME,
    "expires": {**_TIME, "nullable": True, "description": "null: pinned, so never"},
    "age": {**_COUNT, "description": "seconds"},
    "hits": {**_COUNT, "nullable": True, "description": "null where they are not counted"},
    "bytes": _COUNT,
    **dict.fromkeys(("pinned", "marked_wrong"), _TRUTH),
}
ENTRIES = _object(
    {
        "data": {"type": "array", "items": _object(_ENTRY)},
        "has_more": _TRUTH,
        "next": {**_TEXT, "nullable": True},
    }
)
ENTRY = _object(
    {
        **_ENTRY,
        "question": {**_TEXT, "description": "in tier 1 its first 300 characters"},
        "answer": {"nullable": True, "description": "as it was given; null after it was marked as wrong"},
    }
)
PURGED = _object(
    {
        "dry_run": _TRUTH,
        "purged": {"type": "object", "additionalProperties": _COUNT, "description": "how many of each tier"},
        "total": _COUNT,
    }
)

FILTERS = [
    OpenApiParameter("tier", OpenApiTypes.INT, enum=list(TIERS)),
    OpenApiParameter("namespace", OpenApiTypes.STR),
    OpenApiParameter("model", OpenApiTypes.STR),
    OpenApiParameter("task", OpenApiTypes.STR),
    OpenApiParameter("tag", OpenApiTypes.STR, description="a name and a value, as in `team:search`"),
    OpenApiParameter("prefix", OpenApiTypes.STR, description="how the question begins; takes the right to read it"),
    OpenApiParameter("q", OpenApiTypes.STR, description="what stands in the question; takes the right to read it"),
    OpenApiParameter("older_than", OpenApiTypes.STR, description="an age like `90s`, `30m`, `12h`, `7d`, `2w`"),
]
PART = [
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MAX_LIMIT}, else 50"),
    OpenApiParameter("after", OpenApiTypes.STR, description="`next` of the part before"),
]
