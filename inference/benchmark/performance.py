"""Sends a workload through the gateway as a temporary organization, beside the strong model where that is paid for."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from acron_site.lib.config import Config
from acron_site.lib.errors import AcronError, InvalidRequestError
from acron_site.lib.ids import new_request_id
from acron_site.lib.money import ZERO
from analytics import selectors
from analytics.events import EventKind
from analytics.selectors import Inference
from caching.protocols import Namespace
from inference import pricing
from inference.benchmark import outcomes, savings, stage, workload
from inference.benchmark.outcomes import Answered, Outcome, Run
from inference.benchmark.savings import Row, Savings
from inference.benchmark.stage import RealStage, SimulatedStage
from inference.benchmark.workload import Item
from inference.catalog import Catalog, Model
from inference.commandline import Present, running
from inference.corrections import usage_of
from inference.domain import Answer
from inference.replay.performance import temporary_organizations
from inference.replay.stage import principal_in
from inference.wire import chat, native
from inference.wire.http import Head

AnyStage = SimulatedStage | RealStage


@dataclass(frozen=True, slots=True)
class Plan:
    """`most_usd` stops a run before the request that would follow once it is spent; None: no ceiling."""

    strong: str
    semantic: str
    is_real: bool = False
    most_usd: Decimal | None = None


def perform(items: Sequence[Item], config: Config, plan: Plan, *, show: Callable[[int], None] = lambda _: None) -> Run:
    """Nothing of it stays in the database. Raises UnknownModelError, InvalidRequestError."""
    config = stage.settings_for(config, semantic=plan.semantic, is_real=plan.is_real)
    made: AnyStage = RealStage(config) if plan.is_real else SimulatedStage(config)
    strong = _strong(made.catalog, plan)
    began, since = time.monotonic(), timezone.now()
    with temporary_organizations(iter([stage.TENANT])) as owners:
        owner = owners[stage.TENANT]
        run = asyncio.run(_Performance(made, owner, strong, plan).run(items, show))
        return _priced(replace(run, seconds=time.monotonic() - began), owner, since, made.catalog)


def _strong(catalog: Catalog, plan: Plan) -> Model:
    model = catalog.find(plan.strong)
    if pricing.estimate_cost(model, 1, 1) is None:
        raise InvalidRequestError(f"{model.name} has no price, so nothing can be compared with it; name another model")
    if plan.is_real and not model.is_available:
        raise InvalidRequestError(f"{model.name} cannot be asked here: {model.unavailable_because}")
    return model


class _Performance:
    """One request at a time, each when all that the one before has set off is done."""

    def __init__(self, made: AnyStage, owner: UUID, strong: Model, plan: Plan) -> None:
        self._stage, self._owner, self._strong, self._plan = made, owner, strong, plan
        self._spent = ZERO

    async def run(self, items: Sequence[Item], show: Callable[[int], None]) -> Run:
        found: list[Outcome] = []
        stopped = ""
        async with running(self._stage):
            for number, (item, kind) in enumerate(zip(items, workload.kinds(items), strict=True), start=1):
                if stopped := self._over_ceiling(number, len(items)):
                    break
                found.append(await self._outcome(item, kind, number))
                show(number)
            reason = self._gate_reasons(items)
        wrong = outcomes.wrong_hits((each.item.group, each.optimised) for each in found)
        marked = [replace(each, is_wrong_hit=place in wrong) for place, each in enumerate(found)]
        return Run(
            marked, self._strong.name, self._plan.is_real, seconds=0.0, stopped_because=stopped, gate_reason=reason
        )

    def _gate_reasons(self, items: Sequence[Item]) -> str:
        """There is a gate for each kind of task."""
        reasons = defaultdict[str, list[str]](list)
        for task in dict.fromkeys(item.task for item in items):
            reasons[self._stage.gate_reason(Namespace(self._owner), task)].append(task)
        return "; ".join(f"{reason} ({', '.join(tasks)})" for reason, tasks in reasons.items())

    async def _outcome(self, item: Item, kind: workload.Kind, number: int) -> Outcome:
        await self._stage.prepare(item, number)
        request_id = new_request_id()
        optimised = await self._ask(item.body("auto", is_cached=True), request_id)
        await self._stage.settle()
        baseline = None
        if self._plan.is_real:
            baseline = await self._ask(item.body(self._strong.name, is_cached=False), new_request_id())
        return Outcome(item, kind, request_id, optimised, baseline)

    async def _ask(self, body: bytes, request_id: str) -> Answered:
        try:
            ask = chat.read(body, Head(request_id, time.perf_counter()))
            answer = await self._stage.gateway.answer(principal_in(self._owner), ask, Present())
        except AcronError as error:
            return Answered(error=error.message)
        self._spent += answer.cost_usd or ZERO
        return _answered(answer)

    def _over_ceiling(self, number: int, count: int) -> str:
        most = self._plan.most_usd
        if most is None or self._spent < most:
            return ""
        return f"stopped before request {number:,} of {count:,}: {most} USD were spent"


def _answered(answer: Answer) -> Answered:
    facts = answer.facts
    return Answered(
        text=native.answer_text(answer.body),
        tier=facts.cache_tier,
        model=facts.model,
        latency_ms=facts.latency_ms,
        cost=answer.cost_usd or ZERO,
    )


def _priced(run: Run, owner: UUID, since: datetime, catalog: Catalog) -> Run:
    """The ledger is what counts: failed attempts, other models' shares and checks cost too."""
    strong = catalog.find(run.strong)
    rows = defaultdict[str, list[Inference]](list)
    for row in selectors.settled_since(owner, since):
        rows[row.request_id].append(row)
    found = [replace(each, savings=_sum(rows.pop(each.request_id, []), strong, catalog)) for each in run.outcomes]
    own = [row for left in rows.values() for row in left if row.kind is EventKind.OVERHEAD]
    return replace(run, outcomes=found, loose=_sum(own, strong, catalog) or Savings())


def _sum(rows: Sequence[Inference], strong: Model, catalog: Catalog) -> Savings | None:
    found = [savings.of_row(row_of(each, catalog), strong) for each in rows]
    return None if None in found else savings.total(found)


def row_of(row: Inference, catalog: Catalog) -> Row:
    """A row of the ledger, with its model as the catalogue has it today."""
    model = catalog.find(row.model) if row.model in catalog.names else None
    return Row(row.kind, row.cache_tier, usage_of(row), model, row.adjusted_cost_usd)
