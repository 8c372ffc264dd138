"""Has a second model answer a sample of requests, so that pairs of answers show whether the cheaper one does."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from acron_site.lib.ids import uuid7
from analytics.events import EventKind
from caching import agreement
from caching.agreement import Agreement
from caching.embedders.remembering import behind
from caching.protocols import Embedder, EmbeddingError, Purpose
from inference import last_turn, question, verifying
from inference.calling import Completed
from inference.catalog import Model
from inference.checks import Checks
from inference.domain import Ask, Cascade, Route, RoutingMode, Verify
from inference.embedding_costs import on_behalf_of
from inference.facts import Visit
from inference.routing import cascading, staying, traits
from inference.routing.policies import CascadeUse
from inference.routing.proofs import TWO_THAT_AGREE, Pair, PairSource
from inference.routing.router import Router
from inference.routing.traits import Traits

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
    """What trials need of the world. `random`: from 0 up to 1. `embedder`: for answers that words do not settle, and
    for what was asked."""

    reports: Reports = field(default_factory=NoReports)
    random: Callable[[], float] = lambda: 1.0
    embedder: Embedder | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """`asked` answer what the other side has answered; `model` is the cheaper side: a model's name, or that of two that
    agree."""

    asked: tuple[Model, ...]
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
        if trial is None or not self._is_within_budget(visit.ask, whole, trial):
            return

        async def work(asked: Visit) -> None:
            await self._try(asked, whole, trial)

        self._checks.begin(visit, work)

    def _trial(self, visit: Visit, route: Route) -> _Trial | None:
        cascade = visit.ask.cascade
        # where the two differed, what is left is not what usually comes; and who is asked may be the caller's choice
        if cascade is not None and not (route.is_asked_first and cascade == Cascade()):
            return None
        if (reference := route.in_place_of) is not None:  # whether the proof still holds
            side = TWO_THAT_AGREE if route.is_asked_first else route.model.name
            return _Trial((reference,), side, reference.name, route.task_type)
        router = self._router.serving(visit.principal)
        course = visit.course
        model = router.on_trial(visit.ask, route.model, course.proofs, predictor=course.predictor)
        if model is not None:
            return _Trial((model,), model.name, route.model.name, route.task_type)
        return self._of_two(visit, route, router)

    def _is_within_budget(self, ask: Ask, whole: Completed, trial: _Trial) -> bool:
        """Whether the request and its trial together cost no more than its caller has set for it."""
        budget = ask.cost_budget_usd
        if budget is None:
            return True
        if whole.route.is_asked_first:  # what its cascade has cost is not all known here
            return False
        costs = [whole.facts.cost_usd, *(self._router.estimate_usd(ask, model) for model in trial.asked)]
        known = [cost for cost in costs if cost is not None]
        return len(known) == len(costs) and sum(known) <= budget

    def _of_two(self, visit: Visit, route: Route, router: Router) -> _Trial | None:
        """For where none is left that might do alone."""
        standing = visit.course.proofs.between(route.task_type, TWO_THAT_AGREE, route.model.name)
        is_wanted = visit.course.policy.cascades is CascadeUse.PROVEN and cascading.may_agree(visit.ask)
        if not is_wanted or standing.is_proven or standing.is_hopeless:
            return None
        two = tuple(router.asked_first(replace(visit.ask, cascade=Cascade()), route))
        return _Trial(two, TWO_THAT_AGREE, route.model.name, route.task_type) if two else None

    async def _try(self, visit: Visit, whole: Completed, trial: _Trial) -> None:
        found: list[Completed] = []
        for model in trial.asked:
            reason = TRIED.format(model=model.name, other=whole.route.model.name)
            await self._ask(visit, Route(model, visit.ask.mode, reason, trial.task_type), found.append)
        if len(found) < len(trial.asked) or not _agree(visit, found):  # then it would have been for the dearer one
            return
        agreed = await self._compared(visit, found[0], whole)
        if agreed.agrees is None:  # what cannot be told is no pair
            return
        # of two that agree nothing is learnt of either: where they differ, nobody is compared
        seen = None if trial.model == TWO_THAT_AGREE else await self._traits(visit)
        self._parts.reports.report(_pair(visit, trial, agreed, seen))

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

    async def _traits(self, visit: Visit) -> Traits:
        """Embeds the words where nothing has done so yet; never in another space than the predictor's, for that may be
        a provider's, who is paid."""
        found, embedder = traits.traits_of(visit.ask), self._parts.embedder
        if found.vector is not None or embedder is None or embedder.space != traits.SPACE:
            return found
        try:
            with behind(visit.namespace):
                (vector,) = await embedder.embed([question.asked(visit.ask)], Purpose.QUERY)
        except EmbeddingError:  # then the signals alone are evidence
            return found
        traits.note_vector(visit.ask, embedder.space, vector)
        return traits.traits_of(visit.ask)


def _agree(visit: Visit, found: Sequence[Completed]) -> bool:
    if len(found) == 1:
        return True
    return verifying.verified(visit.ask, Verify.AGREEMENT, [each.completion for each in found])[0]


def _may_be_tried(visit: Visit, whole: Completed) -> bool:
    """Whether the two answers could be compared, and the caller has nothing against it."""
    is_plain = visit.kind is EventKind.ANSWER and not visit.principal.is_test and not visit.course.is_held_out
    # after a failure another model has answered than the one that would have been compared with
    is_as_chosen = whole.facts.attempt == 1 and visit.ask.mode is RoutingMode.AUTOPILOT
    return (
        is_plain
        and is_as_chosen
        and set(whole.completion.finish_reasons) == {"stop"}
        and cascading.is_comparable(visit.ask)
        and not staying.holds_thoughts(visit.ask)
    )


def _pair(visit: Visit, trial: _Trial, agreed: Agreement, seen: Traits | None) -> Pair:
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
        traits=seen,
    )
