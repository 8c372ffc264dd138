"""Fills in the ledger's row from what the pipeline knows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from accounts.principal import Principal
from acron_site.lib.errors import AcronError
from acron_site.lib.ids import uuid7
from acron_site.lib.money import ZERO
from acron_site.lib.values import quick
from analytics.events import CostStatus, EventKind, EventStatus, InferenceFacts
from caching.policies import Policy
from caching.protocols import Namespace
from inference.accounting import Bill
from inference.catalog import Model
from inference.domain import Ask, CacheStatus, Route, Usage
from inference.notes import Note
from inference.routing.course import UNSTEERED, Course

KEPT = "the same request was answered before"
SIMILAR = "nearly the same request was answered before"
STEP = "the same step was answered before"
SHARED = "the same request was being answered at the same time"
_AS_BUILT_IN = Policy()
_TIERS = {CacheStatus.HIT_T3: 3}


@quick
@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its way: who asks what, and where its answer would be kept."""

    principal: Principal
    ask: Ask
    namespace: Namespace
    fingerprint: bytes
    reads: bool
    writes: bool
    target: str = ""  # what the fingerprint was made for: a model's name, or how one is chosen
    is_mock: bool = False
    named_model: str = ""  # the one the request names, whose answers alone are kept under its fingerprint
    policy: Policy = _AS_BUILT_IN
    cache_reason: str = ""  # why it was no look-up
    kind: EventKind = EventKind.ANSWER
    course: Course = UNSTEERED  # what its routing goes by

    @property
    def reads_exact(self) -> bool:
        return self.reads and 1 in self.ask.controls.tiers

    @property
    def ttl_seconds(self) -> int:
        wanted = self.ask.controls.ttl_seconds
        return self.policy.ttl_seconds if wanted is None else wanted

    def for_the_gateway(self, kind: EventKind) -> "Visit":
        """The same request, asked once more for the gateway's own sake: whole, and for nobody who waits."""
        asked = replace(self.ask, stream=False, started=time.perf_counter(), idempotency_key="")
        return replace(self, ask=asked, kind=kind)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a kept answer is worth: its note, its model's quality, and what a hit on it avoids."""

    note: Note
    quality: float
    bill: Bill


def of_hit(
    visit: Visit, worth: Worth, *, status: CacheStatus, reason: str, similarity: float | None = None
) -> InferenceFacts:
    """The final row of an answer that no provider was asked for."""
    note, bill = worth.note, worth.bill
    ask = visit.ask
    latency_ms = (time.perf_counter() - ask.started) * 1000
    return InferenceFacts(
        event_id=uuid7(),
        request_id=ask.request_id,
        organization_id=visit.principal.organization_id,
        occurred_at=datetime.now(UTC),
        status=EventStatus.OK,
        endpoint=ask.endpoint,
        routing_mode=ask.mode,
        route_reason=reason,
        model_requested=ask.model_requested,
        model=note.model,
        provider=note.provider,
        cache_status=status,
        cache_tier=_TIERS.get(status, 1) if similarity is None else 2,
        cache_similarity=similarity,
        stream=ask.stream,
        http_status=200,
        key_id=visit.principal.key_id,
        end_user=ask.end_user,
        step_id=ask.step_id,
        arm=visit.course.arm,
        task_type=note.task_type,
        tags=ask.tags,
        tokens=note.usage.tokens,
        cost_usd=bill.cost.amount,
        cost_status=bill.cost.status,
        baseline_model=bill.baseline_model,
        baseline_cost_usd=bill.baseline_usd,
        saved_usd=bill.saved_usd,
        prompt_cache_saved_usd=bill.prompt_cache_saved_usd,
        quality_score=worth.quality,
        latency_ms=latency_ms,
        overhead_ms=latency_ms,
    )


def of_verified(visit: Visit, cheap: InferenceFacts, usage: Usage, bill: Bill, *, reason: str) -> InferenceFacts:
    """The row of an answer that a cascade has verified.

    The calls that it took are overhead rows of their own, so it costs nothing more; what it saved is the baseline, off
    which theirs are taken.
    """
    latency_ms = (time.perf_counter() - visit.ask.started) * 1000
    return InferenceFacts(
        **_asked(visit),
        status=EventStatus.OK,
        route_reason=reason,
        model=cheap.model,
        provider=cheap.provider,
        cache_status=CacheStatus.MISS if visit.reads else CacheStatus.BYPASS,
        cache_reason=visit.cache_reason,
        http_status=200,
        task_type=cheap.task_type,
        quality_score=cheap.quality_score,
        latency_ms=latency_ms,
        overhead_ms=max(latency_ms - cheap.latency_ms, 0.0),
        **money(usage, bill),
    )


def of_follower(
    visit: Visit, leader: InferenceFacts | None, status: EventStatus, error: AcronError | None = None
) -> InferenceFacts:
    """The row of who waits for another's call, as long as what was used is not known; it costs nothing."""
    return InferenceFacts(
        **_asked(visit),
        status=status,
        route_reason=SHARED,
        model=leader.model if leader else visit.named_model,
        provider=leader.provider if leader else "",
        cache_status=CacheStatus.COALESCED,
        cache_tier=1,
        http_status=error.status if error else 200,
        error_code=error.code if error else "",
        task_type=leader.task_type if leader else "",
        cost_usd=ZERO,
        cost_status=CostStatus.FREE,
        latency_ms=(time.perf_counter() - visit.ask.started) * 1000,
    )


def of_start(visit: Visit, route: Route, provider: str, *, attempt: int, money: Mapping[str, Any]) -> InferenceFacts:
    """The row that exists before the provider is called."""
    return InferenceFacts(
        **_asked(visit),
        status=EventStatus.STARTED,
        kind=visit.kind,
        route_reason=route.reason,
        model=route.model.name,
        provider=provider,
        cache_status=CacheStatus.MISS if visit.reads else CacheStatus.BYPASS,
        cache_reason=visit.cache_reason,
        attempt=attempt,
        task_type=route.task_type,
        quality_score=route.model.quality_for(route.task_type),
        **money,
    )


def of_side(answer: InferenceFacts, model: str, usage: Usage, bill: Bill) -> InferenceFacts:
    """The row of what another model used inside the same provider call (accounting rule 11); final at once."""
    return replace(answer, event_id=uuid7(), kind=EventKind.SIDE, model=model, quality_score=None, **money(usage, bill))


def of_overhead(visit: Visit, model: Model, usage: Usage, bill: Bill, *, reason: str) -> InferenceFacts:
    """The row of a call that the gateway made for itself while it served a request (accounting rule 13).

    `reason` says what for, such as "embedding". What it cost is taken off the savings.
    """
    return InferenceFacts(
        **_asked(visit),
        status=EventStatus.OK,
        kind=EventKind.OVERHEAD,
        route_reason=reason,
        model=model.name,
        provider=model.provider,
        cache_status=CacheStatus.BYPASS,
        **money(usage, bill),
    )


def _asked(visit: Visit) -> dict[str, Any]:
    """The fields of a row that say who asked what. (`of_hit` is too hot for a dictionary.)"""
    ask = visit.ask
    return {
        "event_id": uuid7(),
        "request_id": ask.request_id,
        "organization_id": visit.principal.organization_id,
        "occurred_at": datetime.now(UTC),
        "endpoint": ask.endpoint,
        "routing_mode": ask.mode,
        "model_requested": ask.model_requested,
        "stream": ask.stream,
        "key_id": visit.principal.key_id,
        "end_user": ask.end_user,
        "step_id": ask.step_id,
        "arm": visit.course.arm,
        "tags": ask.tags,
    }


def money(usage: Usage, bill: Bill) -> dict[str, Any]:
    """The fields of a row that say what was used and what it cost."""
    cost = bill.cost
    return {
        "tokens": usage.tokens,
        "usage_flag": usage.flag,
        "service_tier": usage.service_tier,
        "speed": usage.speed,
        "geography": usage.geography,
        "cost_usd": cost.amount,
        "cost_status": cost.status,
        "cost_breakdown": {bucket: format(amount, "f") for bucket, amount in cost.breakdown.items()},
        "price_version": cost.price_version,
        "baseline_model": bill.baseline_model,
        "baseline_cost_usd": bill.baseline_usd,
        "saved_usd": bill.saved_usd,
        "prompt_cache_saved_usd": bill.prompt_cache_saved_usd,
    }
