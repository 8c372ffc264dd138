"""How well an organization's cache does: hits among the requests that were look-ups, and why others were none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from acron_site.lib.money import ZERO
from analytics.events import EventKind, EventStatus
from analytics.models import InferenceEvent

_TIERS = (1, 2, 3)
_SHARED = "COALESCED"
_BYPASS = "BYPASS"
_STORE_DOWN = "store-down"  # asked, but nobody was there to answer


@dataclass(frozen=True, slots=True)
class TierPerformance:
    """`avoided_usd`: what the calls would have cost that were not made."""

    hits: int
    avoided_usd: Decimal


@dataclass(frozen=True, slots=True)
class CachePerformance:
    """Of a span of time. A request that shared another's call at the same time is a hit of tier 1 as well.

    `not_asked` are the requests that were no look-ups, `not_kept` the answers of those that were and found nothing,
    each by the reason that the ledger gives.
    """

    since: datetime
    until: datetime
    requests: int
    eligible: int
    shared: int
    tiers: Mapping[int, TierPerformance]
    not_asked: Mapping[str, int]
    not_kept: Mapping[str, int]
    overhead_usd: Decimal  # of the gateway's own calls; what hits avoided is not net of it

    @property
    def hits(self) -> int:
        return sum(tier.hits for tier in self.tiers.values())

    @property
    def hit_rate(self) -> float:
        return self.hits / self.eligible if self.eligible else 0.0

    @property
    def avoided_usd(self) -> Decimal:
        return sum((tier.avoided_usd for tier in self.tiers.values()), ZERO)

    @property
    def net_usd(self) -> Decimal:
        return self.avoided_usd - self.overhead_usd

    @property
    def bypasses(self) -> int:
        """Requests that were no look-ups."""
        return self.requests - self.eligible


def of(organization_id: UUID, since: datetime, until: datetime) -> CachePerformance:
    rows = InferenceEvent.objects.for_organization(organization_id).filter(
        occurred_at__gte=since, occurred_at__lt=until
    )
    answers = rows.filter(kind=EventKind.ANSWER)
    is_first, was_asked = Q(attempt=1), ~Q(cache_status=_BYPASS) & ~Q(cache_reason=_STORE_DOWN)
    counts = answers.aggregate(
        requests=Count("pk", filter=is_first),
        eligible=Count("pk", filter=is_first & was_asked),
        shared=Count("pk", filter=Q(cache_status=_SHARED, status=EventStatus.OK)),
    )
    settled = answers.filter(status=EventStatus.OK).filter(was_asked).exclude(cache_reason="")
    return CachePerformance(
        since=since,
        until=until,
        tiers=_tiers(answers),
        not_asked=_by_reason(answers.filter(is_first).exclude(was_asked)),
        not_kept=_by_reason(settled),
        overhead_usd=rows.filter(kind=EventKind.OVERHEAD).aggregate(cost=Sum("cost_usd", default=ZERO))["cost"],
        **counts,
    )


def _tiers(answers: QuerySet[InferenceEvent]) -> dict[int, TierPerformance]:
    """A follower whose call failed was served by nothing."""
    hits = answers.filter(cache_tier__in=_TIERS, status=EventStatus.OK).values("cache_tier")
    found = {
        row["cache_tier"]: TierPerformance(row["hits"], row["avoided"])
        for row in hits.annotate(hits=Count("pk"), avoided=Sum("saved_usd", default=ZERO)).order_by("cache_tier")
    }
    return {tier: found.get(tier, TierPerformance(0, ZERO)) for tier in _TIERS}


def _by_reason(rows: QuerySet[InferenceEvent]) -> dict[str, int]:
    counted = rows.values("cache_reason").annotate(requests=Count("pk")).order_by("-requests", "cache_reason")
    return {row["cache_reason"] or "unknown": row["requests"] for row in counted}
