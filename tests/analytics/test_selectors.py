"""What the ledger says is the sum of its rows, and only of one's own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from acron_site.lib.errors import InvalidRequestError
from acron_site.lib.ids import uuid7
from analytics import selectors, services, tasks
from analytics.events import CostStatus, EventKind, EventStatus, TokenCounts
from analytics.models import InferenceEvent
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)


@pytest.fixture
def ada() -> UUID:
    return uuid7()


@pytest.fixture
def mallory() -> UUID:
    return uuid7()


def test_an_organization_without_requests_has_zeros_and_no_averages(ada: UUID):
    metrics = selectors.totals(ada)

    assert metrics.total_cost == 0
    assert (metrics.requests, metrics.cache_hit_rate) == (0, 0.0)
    assert metrics.tier_hits == {1: 0, 2: 0, 3: 0}
    assert metrics.avg_quality is metrics.p95_latency_ms is None


def test_totals_add_up_to_the_last_digit(ada: UUID):
    tiny = Decimal("0.000000000000000001")
    keep(
        paid_answer(ada, cost_usd=Decimal("0.1"), quality_score=4.0, latency_ms=100.0),
        paid_answer(ada, cost_usd=tiny, quality_score=3.0, latency_ms=300.0),
        paid_answer(ada, status=EventStatus.ERROR, cost_usd=Decimal(0), attempt=1),
        paid_answer(
            ada, cost_usd=None, cost_status=CostStatus.UNPRICED, attempt=2, quality_score=None, latency_ms=500.0
        ),
        paid_answer(ada, status=EventStatus.INTERRUPTED, cost_status=CostStatus.ESTIMATED, cost_usd=Decimal("0.2")),
        cache_hit(ada, quality_score=2.0, latency_ms=1.0),
        cache_hit(ada, cache_tier=2, cache_status="HIT-T2", quality_score=3.0, latency_ms=3.0),
        paid_answer(ada, status=EventStatus.STARTED, cost_usd=Decimal(99)),
    )

    metrics = selectors.totals(ada)

    assert metrics.total_cost == Decimal("0.3") + tiny
    assert metrics.saved == Decimal("0.0050")
    assert metrics.requests == 7
    assert metrics.provider_calls == 6
    assert metrics.tier_hits == {1: 1, 2: 1, 3: 0}
    assert metrics.cache_hit_rate == pytest.approx(2 / 7)
    assert (metrics.errors, metrics.interrupted, metrics.unpriced) == (1, 1, 1)
    assert metrics.avg_quality == pytest.approx(3.0)
    assert metrics.p50_latency_ms == 100.0
    assert metrics.p95_latency_ms == pytest.approx(460.0)


def test_what_another_model_did_in_a_call_costs_and_is_no_call_of_its_own(ada: UUID):
    answer = paid_answer(ada, cost_usd=Decimal("0.1"), baseline_cost_usd=Decimal("0.3"), saved_usd=Decimal("0.2"))
    side = replace(
        answer,
        event_id=uuid7(),
        kind=EventKind.SIDE,
        cost_usd=Decimal("0.02"),
        baseline_cost_usd=Decimal("0.03"),
        saved_usd=Decimal("0.01"),
    )
    keep(answer, side)

    metrics = selectors.totals(ada)

    assert (metrics.total_cost, metrics.baseline_cost, metrics.saved) == (
        Decimal("0.12"),
        Decimal("0.33"),
        Decimal("0.21"),
    )
    assert (metrics.requests, metrics.provider_calls) == (1, 1)
    assert metrics.tokens_input == 200


def test_what_the_gateways_own_calls_cost_is_paid_and_taken_off_the_savings(ada: UUID):
    answer = paid_answer(ada, cost_usd=Decimal("0.1"), baseline_cost_usd=Decimal("0.3"), saved_usd=Decimal("0.2"))
    embedding = paid_answer(
        ada, kind=EventKind.OVERHEAD, cost_usd=Decimal("0.5"), baseline_cost_usd=None, saved_usd=None
    )
    keep(answer, embedding)

    metrics = selectors.totals(ada)

    assert (metrics.total_cost, metrics.overhead) == (Decimal("0.6"), Decimal("0.5"))
    assert metrics.saved == metrics.baseline_cost - metrics.total_cost == Decimal("-0.3")
    assert (metrics.requests, metrics.provider_calls) == (1, 2)


def test_what_the_prompt_cache_saved_is_a_part_of_what_was_saved(ada: UUID):
    keep(
        paid_answer(ada, saved_usd=Decimal("0.2"), prompt_cache_saved_usd=Decimal("0.15")),
        paid_answer(ada, saved_usd=Decimal("-0.1"), prompt_cache_saved_usd=Decimal("-0.05")),
        paid_answer(ada, saved_usd=None, prompt_cache_saved_usd=None),
    )

    metrics = selectors.totals(ada)

    assert (metrics.saved, metrics.prompt_cache_saved) == (Decimal("0.1"), Decimal("0.1"))


def test_tokens_are_those_of_provider_calls(ada: UUID):
    keep(paid_answer(ada, tokens=TokenCounts(1, 2, 3, 4, 5, 6, 7, 6)), cache_hit(ada))

    metrics = selectors.totals(ada)

    assert (metrics.tokens_input, metrics.tokens_output) == (15, 13)


def test_totals_may_begin_at_a_moment(ada: UUID):
    keep(paid_answer(ada, occurred_at=NOON - timedelta(seconds=1)), paid_answer(ada, occurred_at=NOON))

    assert selectors.totals(ada, since=NOON).requests == 1


def test_pages_show_every_row_once_newest_first(ada: UUID):
    # three rows of the same moment, so that the moment alone does not tell where a page ends
    written = [paid_answer(ada, occurred_at=NOON + timedelta(seconds=number // 3)) for number in range(10)]
    keep(*written)

    seen, after = [], None
    while True:
        page = selectors.recent(ada, 3, after)
        seen += [row.event_id for row in page.rows]
        after = page.next
        if after is None:
            break

    expected = sorted(written, key=lambda facts: (facts.occurred_at, facts.event_id), reverse=True)
    assert seen == [facts.event_id for facts in expected]


def test_a_page_that_ends_the_list_has_no_next(ada: UUID):
    keep(paid_answer(ada), paid_answer(ada))

    assert selectors.recent(ada, 2).next is None
    assert selectors.recent(uuid7(), 2) == selectors.Page((), None)


def test_mallory_sees_nothing_of_adas(ada: UUID, mallory: UUID):
    facts = paid_answer(ada)
    keep(facts)

    assert selectors.totals(mallory).requests == 0
    assert selectors.recent(mallory, 10).rows == ()
    with pytest.raises(InvalidRequestError, match="there is no row"):
        selectors.recent(mallory, 10, facts.event_id)


def test_rows_that_nobody_will_settle_are_ended_once(ada: UUID):
    old, priceless, young, done = (
        paid_answer(ada, status=EventStatus.STARTED, occurred_at=NOON),
        paid_answer(ada, status=EventStatus.STARTED, occurred_at=NOON, cost_usd=None),
        paid_answer(ada, status=EventStatus.STARTED),
        paid_answer(ada, occurred_at=NOON),
    )
    keep(old, priceless, young, done)

    assert services.settle_abandoned(timedelta(hours=1)) == 2
    assert tasks.settle_abandoned() == 0

    rows = {row.event_id: (row.status, row.cost_status) for row in InferenceEvent.objects.for_organization(ada)}
    assert rows == {
        old.event_id: ("interrupted", "estimated"),
        priceless.event_id: ("interrupted", "unpriced"),
        young.event_id: ("started", "priced"),
        done.event_id: ("ok", "priced"),
    }
