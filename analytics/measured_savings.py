"""What optimising saves, measured: what requests cost that were held out from it, and those that were not."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from acron_site.lib.money import ZERO
from analytics.events import EventKind, EventStatus

OPTIMISED, HOLDOUT = "optimised", "holdout"
# fewer requests in an arm say nothing of how much they vary
LEAST_REQUESTS = 10

# of the standard normal distribution, two-sided at 95 %
_NORMAL = 1.959964

# a request is what all its rows cost, the gateway's own calls for it too; one without an answer, or with a price that
# is not known, says nothing
_ARMS = """
WITH requests AS (
    SELECT request_id, arm, MAX(task_type) FILTER (WHERE kind = %(answer)s) AS task_type, SUM(cost_usd) AS cost
    FROM analytics_inferenceevent
    WHERE organization_id = %(organization_id)s AND occurred_at >= %(since)s AND occurred_at < %(until)s
        AND arm <> '' AND status <> %(started)s
    GROUP BY request_id, arm
    HAVING BOOL_OR(kind = %(answer)s AND status = %(ok)s) AND BOOL_AND(cost_usd IS NOT NULL)
)
SELECT task_type, arm, COUNT(*), AVG(cost), COALESCE(VAR_SAMP(cost), 0)
FROM requests GROUP BY task_type, arm ORDER BY task_type, arm
"""


@dataclass(frozen=True, slots=True)
class Arm:
    """Requests of one kind of task on one side of the comparison."""

    requests: int = 0
    mean_usd: Decimal = ZERO
    variance: float = 0.0  # of what single requests cost

    @property
    def squared_error(self) -> float:
        """Of the mean."""
        return self.variance / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and, at 95 %, between what it lies (B. L. Welch: The generalization of Student's problem, 1947)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TaskSavings:
    """`saved_usd` is a request's, the held out less the optimised; None where there are too few of either."""

    task_type: str
    optimised: Arm
    holdout: Arm
    saved_usd: Interval | None


@dataclass(frozen=True, slots=True)
class MeasuredSavings:
    """Of a span of time. `saved_usd` is of all optimised requests of the `tasks` that could be measured.

    Requests are taken for independent of each other. Those of a conversation are in one arm together, so where
    conversations are long the true interval is wider.
    """

    since: datetime
    until: datetime
    tasks: Sequence[TaskSavings]
    saved_usd: Interval | None

    @property
    def holdout_requests(self) -> int:
        return sum(task.holdout.requests for task in self.tasks)

    @property
    def optimised_requests(self) -> int:
        return sum(task.optimised.requests for task in self.tasks)

    @property
    def measured_requests(self) -> int:
        """Optimised ones of which `saved_usd` speaks."""
        return sum(task.optimised.requests for task in self.tasks if task.saved_usd is not None)


def measured_savings(organization_id: UUID, since: datetime, until: datetime) -> MeasuredSavings:
    arms: dict[str, dict[str, Arm]] = {}
    for task_type, arm, requests, mean, variance in _read(organization_id, since, until):
        arms.setdefault(task_type, {})[arm] = Arm(requests, mean, float(variance))
    tasks = [
        _task(name, sides.get(OPTIMISED, Arm()), sides.get(HOLDOUT, Arm())) for name, sides in sorted(arms.items())
    ]
    return MeasuredSavings(since, until, tasks, total(tasks))


def total(tasks: Iterable[TaskSavings]) -> Interval | None:
    """Over all tasks: each has as many of the held out as of the optimised, so that their mix does not matter."""
    measured = [task for task in tasks if task.saved_usd is not None]
    if not measured:
        return None
    mean = sum(task.optimised.requests * task.saved_usd.mean for task in measured if task.saved_usd is not None)
    parts = [(task.optimised.requests**2 * arm.squared_error, arm) for task in measured for arm in _sides(task)]
    return _interval(mean, parts)


def welch(holdout: Arm, optimised: Arm) -> Interval | None:
    if min(holdout.requests, optimised.requests) < LEAST_REQUESTS:
        return None
    mean = float(holdout.mean_usd - optimised.mean_usd)
    return _interval(mean, [(arm.squared_error, arm) for arm in (holdout, optimised)])


def quantile(freedom: float) -> float:
    """Of Student's t, two-sided at 95 % (M. Abramowitz, I. A. Stegun: Handbook of Mathematical Functions, 26.7.5)."""
    z = _NORMAL
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


def _interval(mean: float, parts: Sequence[tuple[float, Arm]]) -> Interval:
    """`parts`: the squared errors that add up, and what each was found in."""
    squared = sum(error for error, _ in parts)
    if not squared:
        return Interval(mean, mean, mean)
    freedom = squared**2 / sum(error**2 / (arm.requests - 1) for error, arm in parts)
    reach = quantile(freedom) * math.sqrt(squared)
    return Interval(mean, mean - reach, mean + reach)


def _task(name: str, optimised: Arm, holdout: Arm) -> TaskSavings:
    return TaskSavings(name, optimised, holdout, welch(holdout, optimised))


def _sides(task: TaskSavings) -> tuple[Arm, Arm]:
    return task.holdout, task.optimised


def _read(organization_id: UUID, since: datetime, until: datetime) -> list[tuple[str, str, int, Decimal, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _ARMS,
            {
                "organization_id": organization_id,
                "since": since,
                "until": until,
                "answer": EventKind.ANSWER.value,
                "started": EventStatus.STARTED.value,
                "ok": EventStatus.OK.value,
            },
        )
        rows: list[tuple[str, str, int, Decimal, Decimal]] = cursor.fetchall()
        return rows
