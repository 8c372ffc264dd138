"""The ledger's numbers as JSON says them."""

from decimal import Decimal
from typing import Any

from acron_site.lib import money
from analytics.cache_performance import CachePerformance
from analytics.feedback import Kept
from analytics.measured_savings import Arm, Interval, MeasuredSavings
from analytics.selectors import Adjustment, Inference, Metrics


def of_metrics(metrics: Metrics) -> dict[str, Any]:
    return {
        "total_cost": money.to_text(metrics.total_cost),
        "baseline_cost": money.to_text(metrics.baseline_cost),
        "savings": money.to_text(metrics.saved),
        "savings_percent": _percent(metrics.saved, metrics.baseline_cost),
        "prompt_cache_saved": money.to_text(metrics.prompt_cache_saved),
        "overhead_cost": money.to_text(metrics.overhead),
        "adjustments": money.to_text(metrics.adjustments.cost),
        "requests": metrics.requests,
        "total_requests": metrics.requests,
        "provider_calls": metrics.provider_calls,
        "cache_hits": metrics.cache_hits,
        "cache_hit_rate": round(metrics.cache_hit_rate, 6),
        "tier_hits": {str(tier): hits for tier, hits in metrics.tier_hits.items()},
        "avg_quality": _rounded(metrics.avg_quality),
        "avg_latency_ms": _rounded(metrics.avg_latency_ms),
        "p50_latency_ms": _rounded(metrics.p50_latency_ms),
        "p95_latency_ms": _rounded(metrics.p95_latency_ms),
        "tokens_input": metrics.tokens_input,
        "tokens_output": metrics.tokens_output,
        "errors": metrics.errors,
        "interrupted": metrics.interrupted,
        "unpriced": metrics.unpriced,
    }


def of_cache_performance(found: CachePerformance) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "requests": found.requests,
        "eligible": found.eligible,
        "hits": found.hits,
        "hit_rate": round(found.hit_rate, 6),
        "shared": found.shared,
        "tiers": {
            str(number): {"hits": tier.hits, "avoided_cost": money.to_text(tier.avoided_usd)}
            for number, tier in found.tiers.items()
        },
        "not_asked": dict(found.not_asked),
        "not_kept": dict(found.not_kept),
        "avoided_cost": money.to_text(found.avoided_usd),
        "overhead_cost": money.to_text(found.overhead_usd),
    }


def of_savings(modelled: Metrics, measured: MeasuredSavings) -> dict[str, Any]:
    return {
        "since": measured.since.isoformat(),
        "until": measured.until.isoformat(),
        "modelled": {
            "baseline_cost": money.to_text(modelled.baseline_cost),
            "total_cost": money.to_text(modelled.total_cost),
            "savings": money.to_text(modelled.saved),
            "savings_percent": _percent(modelled.saved, modelled.baseline_cost),
        },
        "measured": {
            "savings": _interval(measured.saved_usd),
            "measured_requests": measured.measured_requests,
            "optimised_requests": measured.optimised_requests,
            "holdout_requests": measured.holdout_requests,
            "tasks": [
                {
                    "task_type": task.task_type,
                    "optimised": _arm(task.optimised),
                    "holdout": _arm(task.holdout),
                    "savings_per_request": _interval(task.saved_usd),
                }
                for task in measured.tasks
            ],
        },
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {"requests": arm.requests, "mean_cost": money.to_text(arm.mean_usd)}


def _interval(interval: Interval | None) -> dict[str, float] | None:
    """An estimate, so in figures that are no more exact than they are."""
    if interval is None:
        return None
    return {name: float(f"{getattr(interval, name):.6g}") for name in ("mean", "low", "high")}


def of_inference(row: Inference) -> dict[str, Any]:
    return {
        "request_id": row.request_id,
        "event_id": str(row.event_id),
        "timestamp": row.occurred_at.isoformat(),
        "settled_at": row.settled_at.isoformat() if row.settled_at else None,
        "status": row.status,
        "kind": row.kind,
        "endpoint": row.endpoint,
        "model": row.model,
        "model_requested": row.model_requested,
        "provider": row.provider,
        "routing_mode": row.routing_mode,
        "route_reason": row.route_reason,
        "task_type": row.task_type,
        "arm": row.arm,
        "cache_status": row.cache_status,
        "cache_tier": row.cache_tier,
        "cache_reason": row.cache_reason,
        "cache_similarity": row.cache_similarity,
        **_tokens(row),
        **_amounts(row),
        "quality_score": row.quality_score,
        "latency_ms": row.latency_ms,
        "first_token_ms": row.first_token_ms,
        "overhead_ms": row.overhead_ms,
        "stream": row.stream,
        "attempt": row.attempt,
        "http_status": row.http_status,
        "error_code": row.error_code,
        "key_id": str(row.key_id) if row.key_id else None,
        "user": row.end_user,
        "step": row.step_id or None,
        "tags": dict(row.tags),
    }


def _tokens(row: Inference) -> dict[str, Any]:
    tokens = row.tokens
    return {
        "tokens_input": tokens.total_input,
        "tokens_output": tokens.total_output,
        "tokens_input_uncached": tokens.input,
        "tokens_cache_read": tokens.cache_read,
        "tokens_cache_write": tokens.cache_write,
        "tokens_cache_write_long": tokens.cache_write_long,
        "tokens_input_audio": tokens.input_audio,
        "tokens_output_audio": tokens.output_audio,
        "tokens_reasoning": tokens.reasoning,
        "web_searches": tokens.web_searches,
        "usage_flag": row.usage_flag,
        "service_tier": row.service_tier,
        "speed": row.speed,
        "geography": row.geography,
    }


def _amounts(row: Inference) -> dict[str, Any]:
    return {
        "cost": _amount(row.cost_usd),
        "cost_status": row.cost_status,
        "cost_breakdown": dict(row.cost_breakdown),
        "price_version": row.price_version,
        "adjusted_cost": _amount(row.adjusted_cost_usd),
        "adjustments": [_adjustment(each) for each in row.adjustments],
        "baseline_model": row.baseline_model,
        "baseline_cost": _amount(row.baseline_cost_usd),
        "savings": _amount(row.saved_usd),
        "prompt_cache_saved": _amount(row.prompt_cache_saved_usd),
    }


def _adjustment(each: Adjustment) -> dict[str, Any]:
    return {
        "amount": money.to_text(each.amount_usd),
        "baseline_cost": money.to_text(each.baseline_usd),
        "savings": money.to_text(each.saved_usd),
        "prompt_cache_saved": money.to_text(each.prompt_cache_saved_usd),
        "old_price_version": each.old_price_version,
        "new_price_version": each.new_price_version,
        "reason": each.reason,
        "created_at": each.created_at.isoformat(),
    }


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else money.to_text(amount)


def _percent(part: Decimal, whole: Decimal) -> float | None:
    return round(float(100 * part / whole), 2) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def of_feedback(kept: Kept) -> dict[str, Any]:
    return {
        "request_id": kept.request_id,
        "score": kept.score,
        "task_type": kept.task_type or None,
        "outcome": kept.outcome,
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
    }
