"""What the ledger says to one organization."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Aggregate, Avg, Count, F, FloatField, Q, QuerySet, Sum

from acron_site.lib.errors import InvalidRequestError
from acron_site.lib.money import ZERO
from analytics.events import CostStatus, EventKind, EventStatus, TokenCounts
from analytics.models import CostAdjustment, InferenceEvent

Row = TypeVar("Row", InferenceEvent, CostAdjustment)

_TIERS = (1, 2, 3)
_INPUT_TOKENS = (
    F("tokens_input")
    + F("tokens_cache_read")
    + F("tokens_cache_write")
    + F("tokens_cache_write_long")
    + F("tokens_input_audio")
)
_OUTPUT_TOKENS = F("tokens_output") + F("tokens_output_audio")
_TRANSLATED = frozenset({"status", "cost_status", "kind", "tokens", "adjustments"})
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a corrected price has changed of a row: differences to what the row itself says."""

    amount_usd: Decimal
    baseline_usd: Decimal
    saved_usd: Decimal
    prompt_cache_saved_usd: Decimal
    old_price_version: str
    new_price_version: str
    reason: str
    created_at: datetime


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
    arm: str
    routing_mode: str
    route_reason: str
    cache_status: str
    cache_tier: int
    cache_reason: str
    cache_similarity: float | None
    attempt: int
    stream: bool
    http_status: int
    error_code: str
    key_id: UUID | None
    end_user: str
    step_id: str
    tags: Mapping[str, str]
    tokens: TokenCounts
    usage_flag: str
    service_tier: str
    speed: str
    geography: str
    kind: EventKind
    cost_usd: Decimal | None
    cost_status: CostStatus
    cost_breakdown: Mapping[str, str]
    price_version: str
    baseline_model: str
    baseline_cost_usd: Decimal | None
    saved_usd: Decimal | None
    prompt_cache_saved_usd: Decimal | None
    quality_score: float | None
    latency_ms: float
    first_token_ms: float | None
    overhead_ms: float
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def adjusted_cost_usd(self) -> Decimal | None:
        """What it cost by what is known today; None while no price is."""
        if self.cost_usd is None and not self.adjustments:
            return None
        return sum((each.amount_usd for each in self.adjustments), self.cost_usd or ZERO)


@dataclass(frozen=True, slots=True)
class Answered:
    """Which model has answered, and what kind of task it was taken for."""

    model: str
    task_type: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, newest first. `next` is what to hand in as `after` for the part that follows."""

    rows: tuple[Inference, ...]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What corrected prices have changed of the sums."""

    cost: Decimal = ZERO
    baseline_cost: Decimal = ZERO
    saved: Decimal = ZERO
    prompt_cache_saved: Decimal = ZERO
    priced: int = 0  # rows that had no price and got one


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an organization's requests cost, saved and took.

    Amounts include `adjustments`. `saved` is net of `overhead`, which the total cost contains; the provider's prompt
    cache's part of it is `prompt_cache_saved`. Tokens are those of provider calls; what another model did inside a call
    is no call of its own. A row under way counts as a request and a call, its estimates do not. Quality and latency
    are of answers that came.
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
    prompt_cache_saved: Decimal = ZERO
    overhead: Decimal = ZERO
    adjustments: Adjusted = field(default_factory=Adjusted)

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
    return Page(
        rows=_inferences(organization_id, shown), next=shown[-1].event_id if shown and len(found) > limit else None
    )


def touched_by(organization_id: UUID, model: str, *, since: datetime, until: datetime) -> Iterator[Inference]:
    """Settled rows of a span of time that `model` answered or was the baseline of, oldest first."""
    rows = InferenceEvent.objects.for_organization(organization_id)
    touched = rows.filter(Q(model=model) | Q(baseline_model=model), occurred_at__gte=since, occurred_at__lt=until)
    return _settled(organization_id, touched)


def settled_since(organization_id: UUID, since: datetime) -> Iterator[Inference]:
    """All settled rows since a moment, oldest first."""
    rows = InferenceEvent.objects.for_organization(organization_id)
    return _settled(organization_id, rows.filter(occurred_at__gte=since))


def _settled(organization_id: UUID, chosen: QuerySet[InferenceEvent]) -> Iterator[Inference]:
    """A part at a time: history may be long."""
    rows = chosen.exclude(status=EventStatus.STARTED).order_by("occurred_at", "event_id")
    part = list(rows[:_AT_ONCE])
    while part:
        yield from _inferences(organization_id, part)
        last = part[-1]
        is_later = Q(occurred_at__gt=last.occurred_at) | Q(event_id__gt=last.event_id)
        part = list(rows.filter(is_later, occurred_at__gte=last.occurred_at)[:_AT_ONCE])


def totals(organization_id: UUID, since: datetime | None = None, until: datetime | None = None) -> Metrics:
    """Sums over all rows, or those of a span of time."""
    rows = _within(InferenceEvent.objects.for_organization(organization_id), since, until)
    sums = {**_sums(rows), **_counts(rows)}
    tier_hits = {tier: sums.pop(f"tier_{tier}") for tier in _TIERS}
    adjusted = _adjusted(organization_id, since, until)
    return Metrics(
        total_cost=sums.pop("cost") + adjusted.cost,
        baseline_cost=sums.pop("baseline") + adjusted.baseline_cost,
        # the adjustments of overhead have lowered their own `saved` already
        saved=sums.pop("kept") - sums["overhead"] + adjusted.saved,
        prompt_cache_saved=sums.pop("cached") + adjusted.prompt_cache_saved,
        unpriced=sums.pop("without_price") - adjusted.priced,
        tier_hits=tier_hits,
        adjustments=adjusted,
        **sums,
    )


def spent_by_keys(organization_id: UUID, key_ids: Collection[UUID], since: datetime) -> Decimal:
    """What calls of these keys have cost since a moment, by the prices that are known today.

    Calls under way are left out: their rows hold estimates.
    """
    rows = _calls_of(organization_id, key_ids, since)
    total: Decimal = rows.aggregate(total=Sum("cost_usd", default=ZERO))["total"]
    adjustments = CostAdjustment.objects.for_organization(organization_id).filter(
        key_id__in=key_ids, occurred_at__gte=since
    )
    adjusted: Decimal = adjustments.aggregate(total=Sum("amount_usd", default=ZERO))["total"]
    return total + adjusted


def unpriced_tokens(organization_id: UUID, key_ids: Collection[UUID], since: datetime) -> TokenCounts:
    """What calls of these keys have used since a moment for which no price is known, in and out."""
    priced_later = CostAdjustment.objects.for_organization(organization_id).filter(was_unpriced=True).values("event_id")
    rows = _calls_of(organization_id, key_ids, since).filter(cost_status=CostStatus.UNPRICED)
    sums = rows.exclude(event_id__in=priced_later).aggregate(
        input=Sum(_INPUT_TOKENS, default=0), output=Sum(_OUTPUT_TOKENS, default=0)
    )
    return TokenCounts(input=int(sums["input"]), output=int(sums["output"]))


def _calls_of(organization_id: UUID, key_ids: Collection[UUID], since: datetime) -> QuerySet[InferenceEvent]:
    rows = InferenceEvent.objects.for_organization(organization_id)
    return rows.filter(key_id__in=key_ids, occurred_at__gte=since, cache_tier=0).exclude(status=EventStatus.STARTED)


def _sums(rows: QuerySet[InferenceEvent]) -> dict[str, Any]:
    is_over, is_call = ~Q(status=EventStatus.STARTED), Q(cache_tier=0)
    return rows.aggregate(
        cost=Sum("cost_usd", filter=is_over, default=ZERO),
        baseline=Sum("baseline_cost_usd", filter=is_over, default=ZERO),
        kept=Sum("saved_usd", filter=is_over, default=ZERO),
        cached=Sum("prompt_cache_saved_usd", filter=is_over, default=ZERO),
        overhead=Sum("cost_usd", filter=is_over & Q(kind=EventKind.OVERHEAD), default=ZERO),
        tokens_input=Sum(_INPUT_TOKENS, filter=is_over & is_call, default=0),
        tokens_output=Sum(_OUTPUT_TOKENS, filter=is_over & is_call, default=0),
    )


def _counts(rows: QuerySet[InferenceEvent]) -> dict[str, Any]:
    is_over, is_answer = ~Q(status=EventStatus.STARTED), Q(kind=EventKind.ANSWER)
    is_result = Q(status=EventStatus.OK) & is_answer
    return rows.aggregate(
        requests=Count("pk", filter=Q(attempt=1) & is_answer),
        provider_calls=Count("pk", filter=Q(cache_tier=0) & ~Q(kind=EventKind.SIDE)),
        errors=Count("pk", filter=Q(status=EventStatus.ERROR) & is_answer),
        interrupted=Count("pk", filter=Q(status=EventStatus.INTERRUPTED) & is_answer),
        without_price=Count("pk", filter=is_over & Q(cost_status=CostStatus.UNPRICED)),
        avg_quality=Avg("quality_score", filter=is_result),
        avg_latency_ms=Avg("latency_ms", filter=is_result),
        p50_latency_ms=_Percentile("latency_ms", fraction=0.5, filter=is_result),
        p95_latency_ms=_Percentile("latency_ms", fraction=0.95, filter=is_result),
        **{f"tier_{tier}": Count("pk", filter=Q(cache_tier=tier)) for tier in _TIERS},
    )


def _adjusted(organization_id: UUID, since: datetime | None, until: datetime | None) -> Adjusted:
    rows = _within(CostAdjustment.objects.for_organization(organization_id), since, until)
    return Adjusted(
        **rows.aggregate(
            cost=Sum("amount_usd", default=ZERO),
            baseline_cost=Sum("baseline_usd", default=ZERO),
            saved=Sum("saved_usd", default=ZERO),
            prompt_cache_saved=Sum("prompt_cache_saved_usd", default=ZERO),
            priced=Count("event_id", filter=Q(was_unpriced=True), distinct=True),
        )
    )


def _within(rows: QuerySet[Row], since: datetime | None, until: datetime | None) -> QuerySet[Row]:
    rows = rows if since is None else rows.filter(occurred_at__gte=since)
    return rows if until is None else rows.filter(occurred_at__lt=until)


def has_request(organization_id: UUID, request_id: str) -> bool:
    """Whether the ledger has a row of it."""
    return InferenceEvent.objects.for_organization(organization_id).filter(request_id=request_id).exists()


def answered(organization_id: UUID, request_id: str) -> Answered | None:
    """What has answered a request; the last one where callers use an id again, None where nothing has."""
    rows = InferenceEvent.objects.for_organization(organization_id).filter(
        request_id=request_id, kind=EventKind.ANSWER, status=EventStatus.OK
    )
    found = rows.order_by("-occurred_at").values_list("model", "task_type").first()
    return None if found is None else Answered(*found)


def _is_older(organization_id: UUID, than: UUID) -> Q:
    try:
        row = InferenceEvent.objects.for_organization(organization_id).only("occurred_at").get(pk=than)
    except InferenceEvent.DoesNotExist:
        raise InvalidRequestError(
            f"after: there is no row {than}; hand in the `next` of the page before, or leave it out", param="after"
        ) from None
    # the first condition is implied, and lets the index find the place
    return Q(occurred_at__lte=row.occurred_at) & (Q(occurred_at__lt=row.occurred_at) | Q(event_id__lt=than))


def _inferences(organization_id: UUID, rows: Iterable[InferenceEvent]) -> tuple[Inference, ...]:
    shown = tuple(rows)
    made = defaultdict[UUID, list[Adjustment]](list)
    adjustments = CostAdjustment.objects.for_organization(organization_id)
    for each in adjustments.filter(event_id__in=[row.event_id for row in shown]).order_by("created_at", "id"):
        same = {name.name: getattr(each, name.name) for name in fields(Adjustment)}
        made[each.event_id].append(Adjustment(**same))
    return tuple(_inference(row, tuple(made[row.event_id])) for row in shown)


def _inference(row: InferenceEvent, adjustments: tuple[Adjustment, ...]) -> Inference:
    same = {field.name: getattr(row, field.name) for field in fields(Inference) if field.name not in _TRANSLATED}
    return Inference(
        **same,
        status=EventStatus(row.status),
        cost_status=CostStatus(row.cost_status),
        kind=EventKind(row.kind),
        adjustments=adjustments,
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
