"""Asks cheap models first, verifies what they say, and asks the strong one only where that fails."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from acron_site.lib.errors import AcronError
from analytics.events import EventKind, InferenceFacts, Ledger
from inference import facts, judging, verifying
from inference.accounting import Accountant
from inference.calling import Caller, Completed, OnComplete
from inference.catalog import Model
from inference.domain import Answer, Ask, Cascade, Route, Verify
from inference.facts import Visit
from inference.streaming import Replay
from inference.wire.formats import MANNERS

_ASKED_FIRST = "cascade: asked before {}"
_JUDGES = "cascade: judges the answer of {}"
_SOME_FAILED = "not all of those that were asked first have answered"
_MARK_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Finding:
    """Whether the first of these answers may be given, and why, in words for the ledger."""

    is_good: bool
    reason: str
    heard: tuple[Completed, ...]

    @property
    def rows(self) -> tuple[InferenceFacts, ...]:
        return tuple(whole.facts for whole in self.heard)


class Cascades:
    """Every call is a row of the ledger of its own: those that are asked first are overhead, the answer is not."""

    def __init__(self, caller: Caller, *, ledger: Ledger, accountant: Accountant) -> None:
        self._caller, self._ledger, self._accountant = caller, ledger, accountant

    async def answer(
        self,
        visit: Visit,
        route: Route,
        first: Sequence[Model],
        on_complete: OnComplete,
        *,
        is_heard: Callable[[], bool],
    ) -> Answer:
        """As `Caller.answer`; the strong model is the route's. A verified answer is whole before it is told."""
        cascade = visit.ask.cascade or Cascade()
        is_judged = cascade.verify is Verify.JUDGE
        asked = first[:-1] if is_judged else first
        wholes = await self._opinions(visit, route, asked, is_heard)
        if len(wholes) < len(asked):
            found = _Finding(False, _SOME_FAILED, tuple(wholes))
        elif is_judged:
            found = await self._judged(visit, route, wholes[0], first[-1], is_heard)
        else:
            found = _compared(visit.ask, cascade.verify, wholes)
        if found.is_good:
            return self._verified(visit, route, found, on_complete)
        escalated = replace(route, reason=f"cascade: {found.reason}")
        answer = await self._caller.answer(visit, escalated, on_complete, is_heard=is_heard)
        return replace(answer, sides=(*answer.sides, *found.rows))

    async def _opinions(
        self, visit: Visit, route: Route, asked: Sequence[Model], is_heard: Callable[[], bool]
    ) -> Sequence[Completed]:
        """All at once; fewer where one has failed, whose row says so."""
        aside, reason = visit.for_the_gateway(EventKind.OVERHEAD), _ASKED_FIRST.format(route.model.name)
        asides = [_aside(route, model, reason, in_place_of=route.model) for model in asked]
        async with asyncio.TaskGroup() as group:  # when the caller leaves, it returns only when each has been put down
            tasks = [group.create_task(self._opinion(aside, each, is_heard)) for each in asides]
        return [whole for task in tasks if (whole := task.result()) is not None]

    async def _opinion(self, aside: Visit, route: Route, is_heard: Callable[[], bool]) -> Completed | None:
        heard: list[Completed] = []
        try:
            await self._caller.answer(aside, route, heard.append, is_heard=is_heard)
        except AcronError:
            return None
        return heard[0] if heard else None

    async def _judged(
        self, visit: Visit, route: Route, cheap: Completed, judge: Model, is_heard: Callable[[], bool]
    ) -> _Finding:
        name = cheap.route.model.name
        answered, flaw = verifying.judgeable(visit.ask, cheap.completion)
        if flaw:
            return _Finding(False, f"{name} failed ({flaw})", (cheap,))
        aside = visit.for_the_gateway(EventKind.OVERHEAD)
        question = judging.asked(aside.ask, answered, judge=judge, mark=secrets.token_hex(_MARK_BYTES))
        asked = _aside(route, judge, _JUDGES.format(name))
        verdict = await self._opinion(replace(aside, ask=question), asked, is_heard)
        if verdict is None:
            return _Finding(False, f"{judge.name} has not judged {name}", (cheap,))
        is_good, how = judging.verdict(verdict.completion.body)
        stands = "stands" if is_good else "does not stand"
        return _Finding(is_good, f"{name} {stands} before {judge.name} ({how})", (cheap, verdict))

    def _verified(self, visit: Visit, route: Route, found: _Finding, on_complete: OnComplete) -> Answer:
        cheap = found.heard[0]
        accountant, usage = self._accountant, cheap.completion.usage
        is_test = visit.principal.is_test
        model = cheap.route.model
        bill = accountant.of_test_key(model) if is_test else accountant.hit(model, route.mode, usage)
        row = facts.of_verified(visit, cheap.facts, usage, bill, reason=f"cascade: {found.reason}")
        self._ledger.record(row)
        on_complete(Completed(cheap.completion, row, cheap.route, cheap.provider))
        body, told = cheap.completion.body, visit.ask
        events = MANNERS[told.format].replay(body, told.include_usage) if told.stream else ()
        return Answer(
            facts=row,
            sides=found.rows,
            body=b"" if told.stream else body,
            stream=Replay(events, row) if told.stream else None,
            candidates=route.candidates,
            confidence=route.confidence,
        )


def _aside(route: Route, model: Model, reason: str, *, in_place_of: Model | None = None) -> Route:
    """The route of a call that is made for the answer's sake."""
    is_first = in_place_of is not None
    return replace(route, model=model, reason=reason, candidates=(), in_place_of=in_place_of, is_asked_first=is_first)


def _compared(ask: Ask, verify: Verify, wholes: Sequence[Completed]) -> _Finding:
    is_good, how = verifying.verified(ask, verify, [whole.completion for whole in wholes])
    told = _praise(wholes) if is_good else _blame(wholes)
    return _Finding(is_good, f"{told} ({how})", tuple(wholes))


def _names(wholes: Sequence[Completed]) -> Sequence[str]:
    return list(dict.fromkeys(whole.route.model.name for whole in wholes))


def _praise(wholes: Sequence[Completed]) -> str:
    first, *others = _names(wholes)
    if others:
        return f"{first} and {others[0]} agree"
    return f"{first} agrees with itself" if len(wholes) > 1 else f"{first} keeps to the form"


def _blame(wholes: Sequence[Completed]) -> str:
    first, *others = _names(wholes)
    if others:
        return f"{first} and {others[0]} differ"
    return f"{first} contradicts itself" if len(wholes) > 1 else f"{first} failed"
