"""Runs the steps of a workflow side by side, as far as they do not wait for each other."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from accounts.principal import Principal
from acron_site.lib.errors import AcronError
from caching.exact import Entry
from caching.steps import Snapshot
from inference.domain import Answer, Ask
from inference.facts import Visit
from inference.pipeline import Presence
from inference.visits import Visits
from inference.wire import native
from inference.workflows import graph, kept, reading
from inference.workflows.graph import Step
from inference.workflows.kept import KeptSteps, Place
from inference.workflows.reading import Flow
from inference.workflows.results import Outcome, StepResult, StepState

MOST_AT_ONCE = 8

# hears of a step as it begins (None), and again of what came of it
Report = Callable[[str, StepResult | None], None]


class Answering(Protocol):
    """What the gateway does for a step, as for any other request."""

    async def answer(self, principal: Principal, ask: Ask, presence: Presence) -> Answer: ...

    async def recall(self, visit: Visit, entry: Entry) -> Answer | None: ...


class Executor:
    """`most_at_once`: how many steps of one workflow may be under way together."""

    def __init__(
        self, gateway: Answering, visits: Visits, kept: KeptSteps, *, most_at_once: int = MOST_AT_ONCE
    ) -> None:
        self.gateway, self.visits, self.kept, self.most_at_once = gateway, visits, kept, most_at_once
        # calls that others wait for too, after the workflow's own caller has left
        self.lingering: set[asyncio.Task[StepResult]] = set()

    async def check(self, principal: Principal, flow: Flow) -> None:
        """Raises what is wrong with a step before any other is paid for: a model that is not known, for example."""
        for step in flow.graph.steps:
            try:
                await self.visits.of(principal, flow.asks[step.id])
            except AcronError as error:
                error.message = f"step {step.id!r}: {error.message}"
                raise

    async def run(self, principal: Principal, flow: Flow, report: Report) -> Outcome:
        """A step that fails takes along those that wait for it, and no other. When this is cancelled, so are the steps
        that are under way; what others were done is kept."""
        return await _Run(self, principal, flow, report).outcome()


@dataclass(frozen=True, slots=True)
class _Before:
    """What the steps that one waits for have given."""

    outputs: Mapping[str, str]
    after: tuple[Snapshot, ...]
    is_tagged: bool


class _Run:
    def __init__(self, executor: Executor, principal: Principal, flow: Flow, report: Report) -> None:
        self._executor, self._principal, self._flow, self._report = executor, principal, flow, report
        self._results: dict[str, StepResult] = {}
        self._outputs: dict[str, str] = {}
        self._under_way: dict[asyncio.Task[StepResult], _Attendance] = {}
        self._begun: set[str] = set()
        self._tagged = _tagged(flow.graph)

    async def outcome(self) -> Outcome:
        try:
            self._begin()
            while self._under_way:
                done, _ = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del self._under_way[task]
                    self._note(task.result())
                self._begin()
        finally:
            await self._leave()
        return Outcome(self._flow, tuple(self._results[step.id] for step in self._flow.graph.steps))

    def _begin(self) -> None:
        for result in self._hopeless():
            self._note(result)
        for step in graph.plan(self._flow.graph, self._outputs).ready:
            if step.id not in self._begun and len(self._under_way) < self._executor.most_at_once:
                self._begun.add(step.id)
                self._report(step.id, None)
                attendance = _Attendance()
                task = asyncio.create_task(self._result(step, self._before(step), attendance))
                self._under_way[task] = attendance

    def _hopeless(self) -> Iterator[StepResult]:
        """Steps that wait for one that gave nothing; in the order in which one takes the other along."""
        waits_for = self._flow.graph.waits_for
        for step in (step for wave in self._flow.graph.waves for step in wave if step.id not in self._results):
            lost = (self._results[name] for name in waits_for[step.id] if name in self._results)
            cause = next((result for result in lost if result.error is not None), None)
            if cause is not None:
                yield StepResult(
                    step.id, StepState.SKIPPED, error=cause.error, failed_step=cause.failed_step or cause.step_id
                )

    def _note(self, result: StepResult) -> None:
        self._results[result.step_id] = result
        if result.state is StepState.OK:
            self._outputs[result.step_id] = result.text
        self._report(result.step_id, result)

    def _before(self, step: Step) -> _Before:
        names = self._flow.graph.waits_for[step.id]
        outputs = {name: self._outputs[name] for name in names}
        return _Before(outputs, tuple(self._results[name].snapshot for name in names), step.id in self._tagged)

    async def _result(self, step: Step, before: _Before, attendance: "_Attendance") -> StepResult:
        try:
            ask = reading.filled(self._flow, step, graph.filled(step, before.outputs))
            return await self._answered(step, _begun_now(ask, is_tagged=before.is_tagged), before, attendance)
        except AcronError as error:
            return StepResult(step.id, StepState.FAILED, error=error, failed_step=step.id)

    async def _answered(self, step: Step, ask: Ask, before: _Before, attendance: "_Attendance") -> StepResult:
        executor = self._executor
        place = Place(
            await executor.visits.of(self._principal, ask), step.tags, before.after, is_tagged=before.is_tagged
        )
        found = await executor.kept.find(place)
        answer = None if found is None else await executor.gateway.recall(place.visit, found.entry)
        if found is not None and answer is not None:
            return _done(step, answer, found.snapshot)
        snapshot = await executor.kept.begin(place)
        answer = await executor.gateway.answer(self._principal, ask, attendance)
        executor.kept.keep(place, snapshot, answer)
        return _done(step, answer, snapshot)

    async def _leave(self) -> None:
        """Cancels what is still under way, but for calls that others wait for too."""
        under_way, self._under_way = self._under_way, {}
        ending = [task for task, attendance in under_way.items() if not attendance.hang_up(task)]
        for task in under_way.keys() - set(ending):
            self._executor.lingering.add(task)
            task.add_done_callback(self._executor.lingering.discard)
        if ending:
            await asyncio.wait(ending)


class _Attendance:
    """One step's end of the line: the caller's, whose leaving is told to each step in turn."""

    def __init__(self) -> None:
        self._stays: Callable[[], bool] | None = None

    def watch(self, stays: Callable[[], bool] | None = None) -> None:
        self._stays = stays

    def hang_up(self, task: "asyncio.Task[StepResult]") -> bool:
        """Whether the step goes on all the same."""
        if not task.done() and self._stays is not None and self._stays():
            return True
        task.cancel()
        return False


def _done(step: Step, answer: Answer, snapshot: Snapshot) -> StepResult:
    return StepResult(step.id, StepState.OK, answer, native.answer_text(answer.body), snapshot)


def _begun_now(ask: Ask, *, is_tagged: bool) -> Ask:
    """Tiers 1 and 2 know nothing of tags, so what carries one is looked for in tier 3 alone."""
    ask = replace(ask, started=time.perf_counter())
    if not is_tagged:
        return ask
    tiers = tuple(tier for tier in ask.controls.tiers if tier == kept.TIER)
    controls = replace(ask.controls, tiers=tiers, read=ask.controls.read and bool(tiers))
    return replace(ask, controls=controls)


def _tagged(workflow: graph.Workflow) -> frozenset[str]:
    """The steps that carry a tag, their own or one of a step before them."""
    found: set[str] = set()
    for step in (step for wave in workflow.waves for step in wave):
        if step.tags or not found.isdisjoint(workflow.waits_for[step.id]):
            found.add(step.id)
    return frozenset(found)
