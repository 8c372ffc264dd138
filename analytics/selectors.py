"""What the ledger says to one organization."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Aggregate, Avg, Count, F, FloatField, Q, Sum

from acron_site.lib.errors import InvalidRequestError
from acron_site.lib.money import ZERO
from analytics.events import CostStatus, EventStatus, TokenCounts
from analytics.models import InferenceEvent

_TIERS = (1, 2, 3)
_INPUT_TOKENS = (
    F("tokens_input")
    + F("tokens_cache_read")
    + F("tokens_cache_write")
    + F("tokens_cache_write_long")
    + F("tokens_input_audio")
)
_OUTPUT_TOKENS = F("tokens_output") + F("tokens_output_audio")
_TRANSLATED = frozenset({"status", "cost_status", "tokens"})


@dataclass(frozen=True, slots=True)
class Inference:
    """One row of the ledger, as its owner sees it."""

    event_id: UUID
    request_id: str
    occurred_at: datetime
    settled_at: datetime | None
    status: EventStatus
    endpoint: str
    model_requested: str
    model: str
    provider: str
    task_type: str
    routing_mode: str
    route_reason: str
    cache_status: str
    cache_tier: int
    attempt: int
    stream: bool
    http_status: int
    error_code: str
    key_id: UUID | None
    end_user: str
    tags: Mapping[str, str]
    tokens: TokenCounts
    usage_flag: str
    cost_usd: Decimal | None
    cost_status: CostStatus
    cost_breakdown: Mapping[str, str]
    baseline_model: str
    baseline_cost_usd: Decimal | None
    saved_usd: Decimal | None
    quality_score: float | None
    latency_ms: float
    first_token_ms: float | None
    overhead_ms: float


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, newest first. `next` is what to hand in as `after` for the part that follows."""

    rows: tuple[Inference, ...]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an organization's requests cost, saved and took.

    Tokens are those of provider calls. A row under way counts as a request and a call, its estimates do not.
    Quality and latency are of answers that came.
    """

    total_cost: Decimal
    baseline_cost: Decimal
    saved: Decimal
    requests: int
    provider_calls: int
    tier_hits: Mapping[int, int]
    errors: int
    interrupted: int
    unpriced: int
    tokens_input: int
    tokens_output: int
    avg_quality: float | None
    avg_latency_ms: float | None
    p50_latency_ms: float | None
    p95_latency_ms: float | None

    @property
    def cache_hits(self) -> int:
        return sum(self.tier_hits.values())

    @property
    def cache_hit_rate(self) -> float:
        return self.cache_hits / self.requests if self.requests else 0.0


class _Percentile(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def recent(organization_id: UUID, limit: int, after: UUID | None = None) -> Page:
    """The newest rows, or those that follow the row `after`. Raises InvalidRequestError if it is not there."""
    rows = InferenceEvent.objects.for_organization(organization_id)
    if after is not None:
        rows = rows.filter(_is_older(organization_id, after))
    found = list(rows.order_by("-occurred_at", "-event_id")[: limit + 1])
    shown = found[:limit]
    return Page(rows=tuple(map(_inference, shown)), next=shown[-1].event_id if shown and len(found) > limit else None)


def totals(organization_id: UUID, since: datetime | None = None) -> Metrics:
    """Sums over all rows, or those since a moment."""
    rows = InferenceEvent.objects.for_organization(organization_id)
    if since is not None:
        rows = rows.filter(occurred_at__gte=since)
    is_over, is_result = ~Q(status=EventStatus.STARTED), Q(status=EventStatus.OK)
    is_call = Q(cache_tier=0)
    sums = rows.aggregate(
        total_cost=Sum("cost_usd", filter=is_over, default=ZERO),
        baseline_cost=Sum("baseline_cost_usd", filter=is_over, default=ZERO),
        saved=Sum("saved_usd", filter=is_over, default=ZERO),
        requests=Count("pk", filter=Q(attempt=1)),
        provider_calls=Count("pk", filter=is_call),
        errors=Count("pk", filter=Q(status=EventStatus.ERROR)),
        interrupted=Count("pk", filter=Q(status=EventStatus.INTERRUPTED)),
        unpriced=Count("pk", filter=is_over & Q(cost_status=CostStatus.UNPRICED)),
        tokens_input=Sum(_INPUT_TOKENS, filter=is_over & is_call, default=0),
        tokens_output=Sum(_OUTPUT_TOKENS, filter=is_over & is_call, default=0),
        avg_quality=Avg("quality_score", filter=is_result),
        avg_latency_ms=Avg("latency_ms", filter=is_result),
        p50_latency_ms=_Percentile("latency_ms", fraction=0.5, filter=is_result),
        p95_latency_ms=_Percentile("latency_ms", fraction=0.95, filter=is_result),
        **{f"tier_{tier}": Count("pk", filter=Q(cache_tier=tier)) for tier in _TIERS},
    )
    tier_hits = {tier: sums.pop(f"tier_{tier}") for tier in _TIERS}
    return Metrics(tier_hits=tier_hits, **sums)


def has_request(organization_id: UUID, request_id: str) -> bool:
    """Whether the ledger has a row of it."""
    return InferenceEvent.objects.for_organization(organization_id).filter(request_id=request_id).exists()


def spent_by_keys(organization_id: UUID, key_ids: Collection[UUID], since: datetime) -> Decimal:
    """What calls of these keys have cost since a moment. Calls under way are left out: their rows hold estimates."""
    rows = InferenceEvent.objects.for_organization(organization_id).filter(
        key_id__in=key_ids, occurred_at__gte=since, cache_tier=0
    )
    total: Decimal = rows.exclude(status=EventStatus.STARTED).aggregate(total=Sum("cost_usd", default=ZERO))["total"]
    return total


def _is_older(organization_id: UUID, than: UUID) -> Q:
    try:
        row = InferenceEvent.objects.for_organization(organization_id).only("occurred_at").get(pk=than)
    except InferenceEvent.DoesNotExist:
        raise InvalidRequestError(
            f"after: there is no row {than}; hand in the `next` of the page before, or leave it out", param="after"
        ) from None
    # the first condition is implied, and lets the index find the place
    return Q(occurred_at__lte=row.occurred_at) & (Q(occurred_at__lt=row.occurred_at) | Q(event_id__lt=than))


def _inference(row: InferenceEvent) -> Inference:
    same = {field.name: getattr(row, field.name) for field in fields(Inference) if field.name not in _TRANSLATED}
    return Inference(
        **same,
        status=EventStatus(row.status),
        cost_status=CostStatus(row.cost_status),
        tokens=TokenCounts(
            input=row.tokens_input,
            cache_read=row.tokens_cache_read,
            cache_write=row.tokens_cache_write,
            cache_write_long=row.tokens_cache_write_long,
            input_audio=row.tokens_input_audio,
            output=row.tokens_output,
            output_audio=row.tokens_output_audio,
            reasoning=row.tokens_reasoning,
            web_searches=row.web_searches,
        ),
    )
