"""How the cache's answers look, for the OpenAPI document."""

from typing import Any

_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBER: dict[str, Any] = {"type": "number"}
_TEXT: dict[str, Any] = {"type": "string"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_ID: dict[str, Any] = {"type": "string", "format": "uuid"}
_STATE: dict[str, Any] = {"type": "string", "enum": ["shadow", "serving", "off"]}
_THRESHOLD: dict[str, Any] = {"type": "number", "nullable": True, "description": "of the score; null: none is proven"}
_BOUND: dict[str, Any] = {**_SHARE, "description": "of the wrong ones among hits, 95 % sure"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list_of(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _object(properties)}


_GATE: dict[str, Any] = {
    "id": _ID,
    **dict.fromkeys(("namespace", "task_type", "space", "likeness_version"), _TEXT),
    "state": _STATE,
    "is_retired": {
        "type": "boolean",
        "description": "another embedder, or likeness of another version, decides in its place; its state is then off",
    },
    "threshold": _THRESHOLD,
    "tolerance": _SHARE,
    "checked": _COUNT,
    "wrong": _COUNT,
    "upper_bound": _BOUND,
    "needed": {**_COUNT, "description": "how many more checks without a mistake it takes, at least"},
    "complaints": {
        **_COUNT,
        "description": "answers that people have called wrong in the last 30 days. Where the cache policy sets the "
        "threshold by hand nothing else lowers it: whoever sets it answers for it",
    },
    "sample_rate": _SHARE,
    "reason": _TEXT,
    "since": _TIME,
    "off_until": {**_TIME, "nullable": True},
    "calibrated_at": {**_TIME, "nullable": True},
    "history": _list_of(
        {
            "at": _TIME,
            "state": _STATE,
            "threshold": _THRESHOLD,
            **dict.fromkeys(("checked", "wrong"), _COUNT),
            "upper_bound": _BOUND,
            "reason": _TEXT,
        }
    ),
}
_BUCKETS = _list_of({"low": _NUMBER, "agree": _COUNT, "disagree": _COUNT})

GATE = _object(_GATE)
GATES = _object(
    {"data": {"type": "array", "items": GATE}, "has_more": {"type": "boolean"}, "next": {**_ID, "nullable": True}}
)
GATE_REPORT = _object(
    {
        **_GATE,
        "scores": _BUCKETS,
        "similarities": _BUCKETS,
        "outlooks": _list_of(
            {
                "threshold": _NUMBER,
                "hit_share": {**_SHARE, "description": "of the look-ups that found a neighbour"},
                "checked": _COUNT,
                "wrong": _COUNT,
                "wrong_share": _SHARE,
                "upper_bound": _BOUND,
            }
        ),
    }
)
