"""Facts as tests need them: a priced answer, unless they say otherwise."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from acron_site.lib.ids import new_request_id, uuid7
from analytics import rows
from analytics.events import CostStatus, EventStatus, InferenceFacts, TokenCounts


def paid_answer(organization_id: UUID, **changes: Any) -> InferenceFacts:
    values: dict[str, Any] = {
        "event_id": uuid7(),
        "request_id": new_request_id(),
        "organization_id": organization_id,
        "occurred_at": datetime.now(UTC),
        "status": EventStatus.OK,
        "endpoint": "chat.completions",
        "routing_mode": "explicit",
        "route_reason": "asked for by name",
        "model_requested": "mock-large",
        "model": "mock-large",
        "provider": "mock",
        "cache_status": "MISS",
        "http_status": 200,
        "tokens": TokenCounts(input=100, output=20),
        "cost_usd": Decimal("0.0025"),
        "cost_status": CostStatus.PRICED,
        "baseline_model": "mock-large",
        "baseline_cost_usd": Decimal("0.0025"),
        "saved_usd": Decimal(0),
        "quality_score": 4.0,
        "latency_ms": 200.0,
        "overhead_ms": 0.5,
    }
    return InferenceFacts(**{**values, **changes})


def cache_hit(organization_id: UUID, **changes: Any) -> InferenceFacts:
    hit: dict[str, Any] = {
        "cache_status": "HIT-T1",
        "cache_tier": 1,
        "cost_usd": Decimal(0),
        "cost_status": CostStatus.FREE,
        "saved_usd": Decimal("0.0025"),
        "latency_ms": 1.0,
    }
    return paid_answer(organization_id, **{**hit, **changes})


def keep(*all_facts: InferenceFacts) -> None:
    """Puts the rows into the table within the test's own transaction."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY analytics_inferenceevent ({', '.join(rows.COLUMNS)}) FROM STDIN") as copy,
    ):
        for facts in all_facts:
            copy.write(rows.encode(facts))
