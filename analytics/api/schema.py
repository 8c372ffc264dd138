"""How the answers look, for the OpenAPI document."""

from typing import Any

_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_NUMBER: dict[str, Any] = {"type": "number", "nullable": True}
_TEXT: dict[str, Any] = {"type": "string"}
_AMOUNT: dict[str, Any] = {"type": "string", "description": "USD, exact", "example": "0.0000025"}
_MAYBE_AMOUNT: dict[str, Any] = {**_AMOUNT, "nullable": True, "description": "USD, exact; null when not known"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_ID: dict[str, Any] = {"type": "string", "format": "uuid"}
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


METRICS = _object(
    {
        **dict.fromkeys(("total_cost", "baseline_cost", "savings"), _AMOUNT),
        **dict.fromkeys(("prompt_cache_saved", "overhead_cost", "adjustments"), _AMOUNT),
        "savings_percent": _NUMBER,
        **dict.fromkeys(("requests", "total_requests", "provider_calls", "cache_hits"), _COUNT),
        "cache_hit_rate": {"type": "number", "minimum": 0, "maximum": 1},
        "tier_hits": _object(dict.fromkeys(("1", "2", "3"), _COUNT)),
        **dict.fromkeys(("avg_quality", "avg_latency_ms", "p50_latency_ms", "p95_latency_ms"), _NUMBER),
        **dict.fromkeys(("tokens_input", "tokens_output", "errors", "interrupted", "unpriced"), _COUNT),
    }
)

_REASONS: dict[str, Any] = {"type": "object", "additionalProperties": _COUNT}
_TIER = _object({"hits": _COUNT, "avoided_cost": _AMOUNT})
CACHE_PERFORMANCE = _object(
    {
        **dict.fromkeys(("since", "until"), _TIME),
        **dict.fromkeys(("requests", "eligible", "hits"), _COUNT),
        "hit_rate": {"type": "number", "minimum": 0, "maximum": 1, "description": "hits / eligible"},
        "shared": {**_COUNT, "description": "hits that shared a call which was under way"},
        "tiers": _object(dict.fromkeys(("1", "2", "3"), _TIER)),
        "not_asked": {**_REASONS, "description": "requests that were no look-ups, by reason"},
        "not_kept": {**_REASONS, "description": "answers of look-ups that are not kept, by reason"},
        **dict.fromkeys(("avoided_cost", "overhead_cost"), _AMOUNT),
    }
)

_FIGURE: dict[str, Any] = {"type": "number"}
_INTERVAL: dict[str, Any] = {
    **_object(dict.fromkeys(("mean", "low", "high"), _FIGURE)),
    "nullable": True,
    "description": "USD, an estimate and its interval at 95 %; null where too few requests were held out",
}
_ARM = _object({"requests": _COUNT, "mean_cost": _AMOUNT})
_TASK_SAVINGS = _object({"task_type": _TEXT, "optimised": _ARM, "holdout": _ARM, "savings_per_request": _INTERVAL})
SAVINGS = _object(
    {
        **dict.fromkeys(("since", "until"), _TIME),
        "modelled": _object(
            {**dict.fromkeys(("baseline_cost", "total_cost", "savings"), _AMOUNT), "savings_percent": _NUMBER}
        ),
        "measured": _object(
            {
                "savings": _INTERVAL,
                "measured_requests": {**_COUNT, "description": "optimised ones of which `savings` speaks"},
                **dict.fromkeys(("optimised_requests", "holdout_requests"), _COUNT),
                "tasks": {"type": "array", "items": _TASK_SAVINGS},
            }
        ),
    }
)

_ADJUSTMENT = _object(
    {
        **dict.fromkeys(("amount", "baseline_cost", "savings", "prompt_cache_saved"), _AMOUNT),
        **dict.fromkeys(("old_price_version", "new_price_version", "reason"), _TEXT),
        "created_at": _TIME,
    }
)

_INFERENCE = _object(
    {
        "request_id": _TEXT,
        "event_id": _ID,
        "timestamp": _TIME,
        "settled_at": {**_TIME, "nullable": True},
        "status": {"type": "string", "enum": ["started", "ok", "error", "client_gone", "interrupted"]},
        "kind": {"type": "string", "enum": ["answer", "side", "overhead"]},
        **dict.fromkeys(("endpoint", "model", "model_requested", "provider"), _TEXT),
        **dict.fromkeys(("routing_mode", "route_reason", "task_type", "cache_status"), _TEXT),
        "arm": {
            "type": "string",
            "enum": ["", "optimised", "holdout"],
            "description": "where savings are measured: the side of the comparison it is on",
        },
        "cache_tier": {"type": "integer", "enum": [0, 1, 2, 3]},
        "cache_similarity": {
            "type": "number",
            "nullable": True,
            "description": "of a hit in tier 2: how alike the question that was answered before is (cosine)",
        },
        "cache_reason": {"type": "string", "description": "why the cache was not asked, or does not keep the answer"},
        **dict.fromkeys(("tokens_input", "tokens_output", "tokens_input_uncached", "tokens_cache_read"), _COUNT),
        **dict.fromkeys(("tokens_cache_write", "tokens_cache_write_long", "tokens_input_audio"), _COUNT),
        **dict.fromkeys(("tokens_output_audio", "tokens_reasoning", "web_searches"), _COUNT),
        **dict.fromkeys(("usage_flag", "service_tier", "speed", "geography"), _TEXT),
        "cost": _MAYBE_AMOUNT,
        "cost_status": {"type": "string", "enum": ["priced", "estimated", "unpriced", "free"]},
        "cost_breakdown": _TEXTS,
        "price_version": _TEXT,
        "adjusted_cost": _MAYBE_AMOUNT,
        "adjustments": {"type": "array", "items": _ADJUSTMENT},
        "baseline_model": _TEXT,
        **dict.fromkeys(("baseline_cost", "savings", "prompt_cache_saved"), _MAYBE_AMOUNT),
        "quality_score": _NUMBER,
        "latency_ms": {"type": "number"},
        "first_token_ms": _NUMBER,
        "overhead_ms": {"type": "number"},
        "stream": {"type": "boolean"},
        **dict.fromkeys(("attempt", "http_status"), _COUNT),
        "error_code": _TEXT,
        "key_id": {**_ID, "nullable": True},
        "user": _TEXT,
        "step": {**_TEXT, "nullable": True, "description": "of a workflow, that this was a call for"},
        "tags": _TEXTS,
    }
)
RECENT = _object(
    {"data": {"type": "array", "items": _INFERENCE}, "has_more": {"type": "boolean"}, "next": {**_ID, "nullable": True}}
)

FEEDBACK = _object(
    {
        "request_id": _TEXT,
        "score": {"type": "number", "nullable": True, "minimum": 0, "maximum": 5},
        "task_type": {"type": "string", "nullable": True},
        "outcome": {
            "nullable": True,
            "oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}],
            "description": "as it was sent",
        },
        "created_at": _TIME,
        "updated_at": _TIME,
    }
)
