"""The ledger's numbers in Prometheus' text format."""

from collections.abc import Iterable, Mapping

from acron_site.lib import money
from analytics.selectors import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Samples = Mapping[str, object]  # labels -> value


def of_metrics(metrics: Metrics) -> str:
    """Sums are counters; what can fall is a gauge. A value that is not known yet is left out."""
    return "".join(
        (
            *_family("acron_requests_total", "counter", "Requests", {"": metrics.requests}),
            *_family("acron_provider_calls_total", "counter", "Calls to providers", {"": metrics.provider_calls}),
            *_family("acron_cache_hits_total", "counter", "Answers from the cache", _tiers(metrics)),
            *_family("acron_errors_total", "counter", "Provider calls that failed", {"": metrics.errors}),
            *_family("acron_tokens_total", "counter", "Tokens of provider calls", _tokens(metrics)),
            *_money_families(metrics),
            *_family("acron_unpriced", "gauge", "Rows whose price is not known", {"": metrics.unpriced}),
            *_family("acron_interrupted", "gauge", "Rows that were never settled", {"": metrics.interrupted}),
            *_family("acron_cache_hit_ratio", "gauge", "Hits per request", {"": metrics.cache_hit_rate}),
            *_family("acron_quality_avg", "gauge", "Quality of answers, 0-5", {"": metrics.avg_quality}),
            *_family("acron_latency_ms", "gauge", "Latency of answers", _latencies(metrics)),
        )
    )


def _money_families(metrics: Metrics) -> Iterable[str]:
    """The counters are as the rows were first priced: an adjustment may be negative, so it is a gauge of its own."""
    adjusted = metrics.adjustments
    amounts = (
        ("acron_cost_usd_total", "counter", "Paid, adjustments apart", metrics.total_cost - adjusted.cost),
        (
            "acron_baseline_cost_usd_total",
            "counter",
            "What it would have cost, adjustments apart",
            metrics.baseline_cost - adjusted.baseline_cost,
        ),
        ("acron_cost_adjustments_usd", "gauge", "What corrected prices add to what was paid", adjusted.cost),
        ("acron_saved_usd", "gauge", "Baseline less paid, adjustments included", metrics.saved),
        (
            "acron_prompt_cache_saved_usd",
            "gauge",
            "The providers' prompt caches' part of what was saved",
            metrics.prompt_cache_saved,
        ),
        ("acron_overhead_cost_usd", "gauge", "What the gateway's own calls cost, part of paid", metrics.overhead),
    )
    for name, kind, text, amount in amounts:
        yield from _family(name, kind, text, {"": money.to_text(amount)})


def _family(name: str, kind: str, text: str, samples: _Samples) -> Iterable[str]:
    yield f"# HELP {name} {text}.\n# TYPE {name} {kind}\n"
    for labels, value in samples.items():
        if value is not None:
            yield f"{name}{labels} {value}\n"


def _tiers(metrics: Metrics) -> _Samples:
    return {f'{{tier="{tier}"}}': hits for tier, hits in metrics.tier_hits.items()}


def _tokens(metrics: Metrics) -> _Samples:
    return {'{direction="input"}': metrics.tokens_input, '{direction="output"}': metrics.tokens_output}


def _latencies(metrics: Metrics) -> _Samples:
    return {'{quantile="0.5"}': metrics.p50_latency_ms, '{quantile="0.95"}': metrics.p95_latency_ms}
