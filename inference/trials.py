"""Has a second model answer a sample of requests, so that pairs of answers show whether the cheaper one does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from acron_site.lib.ids import uuid7
from analytics.events import EventKind
from caching import agreement
from caching.agreement import Agreement
from caching.protocols import Embedder, EmbeddingError, Purpose
from inference import last_turn
from inference.calling import Completed
from inference.catalog import Model
from inference.checks import Checks
from inference.domain import Ask, Format, Route, RoutingMode
from inference.embedding_costs import on_behalf_of
from inference.facts import Visit
from inference.routing.proofs import Pair, PairSource
from inference.routing.router import Router
from inference.wire import responses_sketch

TRIED = "tried: compares the answer of {model} with that of {other}"

AskModel = Callable[[Visit, Route, Callable[[Completed], None]], Awaitable[object]]


class Reports(Protocol):
    def report(self, pair: Pair) -> None:
        """Does not wait."""
        ...


class NoReports:
    """For where nothing is to be proven."""

    def report(self, pair: Pair) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class TrialParts:
    """What trials need of the world. `random`: from 0 up to 1. `embedder`: for answers that words do not settle."""

    reports: Reports = field(default_factory=NoReports)
    random: Callable[[], float] = lambda: 1.0
    embedder: Embedder | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """`asked` answers what the other of the two has answered; `model` is the cheaper one."""

    asked: Model
    model: str
    reference: str
    task_type: str


class Trials:
    def __init__(self, parts: TrialParts, router: Router, checks: Checks, ask: AskModel) -> None:
        self._parts, self._router, self._checks, self._ask = parts, router, checks, ask

    def saw(self, visit: Visit, whole: Completed) -> None:
        """Looks at a fresh answer. Nobody waits for what becomes of it."""
        policy = visit.course.policy
        if not policy.explores or not _may_be_tried(visit, whole):
            return
        if self._parts.random() >= policy.explore_percent / 100:
            return
        trial = self._trial(visit, whole.route)
        if trial is None:
            return

        async def work(asked: Visit) -> None:
            await self._try(asked, whole, trial)

        self._checks.begin(visit, work)

    def _trial(self, visit: Visit, route: Route) -> _Trial | None:
        if (reference := route.in_place_of) is not None:  # whether the proof still holds
            return _Trial(reference, route.model.name, reference.name, route.task_type)
        router = self._router.serving(visit.principal)
        model = router.on_trial(visit.ask, route.model, visit.course.proofs)
        return None if model is None else _Trial(model, model.name, route.model.name, route.task_type)

    async def _try(self, visit: Visit, whole: Completed, trial: _Trial) -> None:
        other = trial.reference if trial.asked.name == trial.model else trial.model
        reason = TRIED.format(model=trial.asked.name, other=other)
        found: list[Completed] = []
        await self._ask(visit, Route(trial.asked, visit.ask.mode, reason, trial.task_type), found.append)
        for tried in found:
            agreed = await self._compared(visit, tried, whole)
            if agreed.agrees is not None:  # what cannot be told is no pair
                self._parts.reports.report(_pair(visit, trial, agreed))

    async def _compared(self, visit: Visit, tried: Completed, whole: Completed) -> Agreement:
        """Embeddings are asked for only where words alone do not settle it."""
        ours, theirs = (last_turn.answered_text(visit.ask.format, each.completion.body) for each in (tried, whole))
        agreed = agreement.compare(ours, theirs)
        if agreed.agrees is not None or self._parts.embedder is None:
            return agreed
        on_behalf_of.set(visit)
        try:
            one, other = await self._parts.embedder.embed([ours, theirs], Purpose.DOCUMENT)
        except EmbeddingError:  # busy, away, or the answers are too long
            return agreed
        return agreement.compare(ours, theirs, similarity=float(one @ other))


def _may_be_tried(visit: Visit, whole: Completed) -> bool:
    """Whether the two answers could be compared, and the caller has nothing against it."""
    is_plain = visit.kind is EventKind.ANSWER and not visit.principal.is_test and not visit.course.is_held_out
    # after a failure another model has answered than the one that would have been compared with
    is_as_chosen = whole.facts.attempt == 1 and visit.ask.mode is RoutingMode.AUTOPILOT
    return is_plain and is_as_chosen and set(whole.completion.finish_reasons) == {"stop"} and _is_comparable(visit.ask)


def _is_comparable(ask: Ask) -> bool:
    """`no-store` is taken at its word: the request goes nowhere that it need not go. An answer with a temperature
    differs from itself, one with tools is not its words alone, and a stored conversation must not get a second turn."""
    if ask.controls.is_bypassed or ask.body.get("temperature") or ask.sketch.get("tools"):
        return False
    return not (ask.format is Format.RESPONSES and (responses_sketch.is_stateful(ask.body) or ask.body.get("store")))


def _pair(visit: Visit, trial: _Trial, agreed: Agreement) -> Pair:
    return Pair(
        id=uuid7(),
        organization_id=visit.principal.organization_id,
        task_type=trial.task_type,
        model=trial.model,
        reference=trial.reference,
        lost=not agreed.agrees,
        method=agreed.method,
        source=PairSource.TRIAL,
        request_id=visit.ask.request_id,
        occurred_at=datetime.now(UTC),
    )
