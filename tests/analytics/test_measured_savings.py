"""Savings are measured: what was held out costs against what was optimised, task by task, with an interval."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from acron_site.lib.ids import uuid7
from analytics import measured_savings
from analytics.events import CostStatus, EventKind, EventStatus
from analytics.measured_savings import HOLDOUT, OPTIMISED, Arm, MeasuredSavings
from tests.accounts.conftest import signed_up
from tests.analytics.facts import cache_hit, keep, paid_answer

pytestmark = pytest.mark.django_db

PATH = "/analytics/savings"


def today(organization_id: UUID) -> MeasuredSavings:
    now = datetime.now(UTC)
    return measured_savings.measured_savings(organization_id, now - timedelta(days=1), now + timedelta(minutes=1))


def answers(organization_id: UUID, arm: str, costs: list[str], task_type: str = "general") -> None:
    keep(
        *(paid_answer(organization_id, arm=arm, task_type=task_type, cost_usd=Decimal(cost)) for cost in costs),
    )


def test_without_requests_nothing_is_measured():
    found = today(uuid7())

    assert (found.tasks, found.saved_usd, found.holdout_requests) == ([], None, 0)


def test_what_was_held_out_is_compared_with_what_was_optimised():
    ada = uuid7()
    answers(ada, HOLDOUT, ["0.010", "0.012"] * 10)
    answers(ada, OPTIMISED, ["0.002", "0.004"] * 100)

    found = today(ada)

    (task,) = found.tasks
    assert (task.holdout.requests, task.optimised.requests) == (20, 200)
    assert (task.holdout.mean_usd, task.optimised.mean_usd) == (Decimal("0.011"), Decimal("0.003"))
    assert task.saved_usd is not None
    assert found.saved_usd is not None
    assert task.saved_usd.mean == pytest.approx(0.008)
    assert 0.0074 < task.saved_usd.low < 0.008 < task.saved_usd.high < 0.0086
    assert found.saved_usd.mean == pytest.approx(200 * 0.008)
    assert (found.measured_requests, found.optimised_requests, found.holdout_requests) == (200, 200, 20)


def test_a_request_is_all_its_rows_and_a_hit_costs_nothing():
    ada = uuid7()
    hit = cache_hit(ada, arm=OPTIMISED)
    keep(
        hit,
        paid_answer(ada, arm=OPTIMISED, request_id=hit.request_id, kind=EventKind.OVERHEAD, cost_usd=Decimal("0.5")),
        paid_answer(ada, arm=OPTIMISED, request_id="req_2", status=EventStatus.ERROR, cost_usd=Decimal("0.25")),
        paid_answer(ada, arm=OPTIMISED, request_id="req_2", attempt=2, cost_usd=Decimal("0.25")),
    )

    (task,) = today(ada).tasks

    assert (task.optimised.requests, task.optimised.mean_usd) == (2, Decimal("0.5"))


def test_what_has_no_answer_no_price_or_no_arm_says_nothing():
    ada = uuid7()
    unpriced = {"cost_usd": None, "cost_status": CostStatus.UNPRICED}
    keep(
        paid_answer(ada, arm=OPTIMISED, status=EventStatus.ERROR),
        paid_answer(ada, arm=OPTIMISED, status=EventStatus.STARTED),
        paid_answer(ada, arm=HOLDOUT, **unpriced),
        paid_answer(ada),
        paid_answer(uuid7(), arm=HOLDOUT),
        paid_answer(ada, arm=HOLDOUT, occurred_at=datetime.now(UTC) - timedelta(days=2)),
    )

    assert today(ada).tasks == []


def test_the_mix_of_tasks_does_not_pass_for_savings():
    ada = uuid7()
    # nothing is saved on either, but cheap tasks were held out more often
    answers(ada, HOLDOUT, ["0.001"] * 30, "classification")
    answers(ada, HOLDOUT, ["0.100"] * 10, "code")
    answers(ada, OPTIMISED, ["0.001"] * 10, "classification")
    answers(ada, OPTIMISED, ["0.100"] * 30, "code")

    saved = today(ada).saved_usd

    assert saved is not None
    assert saved.mean == pytest.approx(0)


def test_a_task_with_too_few_of_either_is_not_measured_and_not_counted():
    ada = uuid7()
    answers(ada, HOLDOUT, ["0.01"] * 9, "code")
    answers(ada, OPTIMISED, ["0.01"] * 50, "code")
    answers(ada, HOLDOUT, ["0.01"] * 10)
    answers(ada, OPTIMISED, ["0.005"] * 10)

    found = today(ada)

    assert [task.saved_usd is None for task in found.tasks] == [True, False]
    assert (found.measured_requests, found.optimised_requests) == (10, 60)


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    chance = random.Random(3)
    held = 0
    for _ in range(1_000):
        arms = [_arm([chance.gauss(mean, 1.0) for _ in range(count)]) for mean, count in ((5.0, 12), (3.0, 200))]
        interval = measured_savings.welch(*arms)
        assert interval is not None
        held += interval.low <= 2.0 <= interval.high

    assert 930 <= held <= 970


@pytest.mark.parametrize(("freedom", "table"), [(9, 2.262), (20, 2.086), (100, 1.984), (1e9, 1.960)])
def test_quantiles_are_those_of_the_tables(freedom, table):
    assert measured_savings.quantile(freedom) == pytest.approx(table, abs=0.001)


def test_programs_get_modelled_and_measured_savings_side_by_side(client):
    ada, mallory = signed_up("Ada"), signed_up("Mallory")
    answers(ada.organization.pk, HOLDOUT, ["0.010"] * 10)
    answers(ada.organization.pk, OPTIMISED, ["0.002"] * 10)
    answers(mallory.organization.pk, HOLDOUT, ["9"] * 10)

    shown = client.get(PATH, headers={"x-api-key": ada.api_key}).json()

    assert shown["modelled"]["total_cost"] == "0.12"
    assert shown["modelled"]["savings"] == "0"
    assert shown["measured"]["savings"] == {"mean": 0.08, "low": 0.08, "high": 0.08}
    (task,) = shown["measured"]["tasks"]
    assert task["holdout"] == {"requests": 10, "mean_cost": "0.01"}
    assert task["savings_per_request"]["mean"] == 0.008


def test_modelled_savings_are_those_of_the_same_span(client):
    ada = signed_up("Ada")
    keep(
        cache_hit(ada.organization.pk),
        cache_hit(ada.organization.pk, occurred_at=datetime.now(UTC) - timedelta(days=40)),
        cache_hit(ada.organization.pk, occurred_at=datetime.now(UTC) + timedelta(days=1)),
    )

    shown = client.get(PATH, headers={"x-api-key": ada.api_key}).json()

    assert shown["modelled"]["savings"] == "0.0025"
    assert shown["measured"]["savings"] is None


def _arm(costs: list[float]) -> Arm:
    mean = sum(costs) / len(costs)
    variance = sum((cost - mean) ** 2 for cost in costs) / (len(costs) - 1)
    return Arm(len(costs), Decimal(mean), variance)
