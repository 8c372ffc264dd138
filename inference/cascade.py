"""Asks cheap models first, verifies what they say, and asks the strong one only where that fails."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from acron_site.lib.errors import AcronError
from analytics.events import EventKind, InferenceFacts, Ledger
from inference import facts, verifying
from inference.accounting import Accountant
from inference.calling import Caller, Completed, OnComplete
from inference.catalog import Model
from inference.domain import Answer, Cascade, Route
from inference.facts import Visit
from inference.streaming import Replay
from inference.wire.formats import MANNERS

_ASKED_FIRST = "cascade: asked before {}"


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
        wholes = await self._opinions(visit, route, first, is_heard)
        reason = "not all of those that were asked first have answered"
        if len(wholes) == len(first):
            is_good, how = verifying.verified(visit.ask, cascade.verify, [whole.completion for whole in wholes])
            if is_good:
                told = f"cascade: {_praise(wholes)} ({how})"
                return self._verified(visit, route, wholes, on_complete, reason=told)
            reason = f"{_blame(wholes)} ({how})"
        escalated = replace(route, reason=f"cascade: {reason}")
        answer = await self._caller.answer(visit, escalated, on_complete, is_heard=is_heard)
        return replace(answer, sides=(*answer.sides, *_rows(wholes)))

    async def _opinions(
        self, visit: Visit, route: Route, first: Sequence[Model], is_heard: Callable[[], bool]
    ) -> Sequence[Completed]:
        """All at once; fewer where one has failed, whose row says so."""
        async with asyncio.TaskGroup() as group:  # when the caller leaves, it returns only when each has been put down
            asked = [group.create_task(self._opinion(visit, route, model, is_heard)) for model in first]
        return [whole for task in asked if (whole := task.result()) is not None]

    async def _opinion(
        self, visit: Visit, route: Route, model: Model, is_heard: Callable[[], bool]
    ) -> Completed | None:
        aside = visit.for_the_gateway(EventKind.OVERHEAD)
        heard: list[Completed] = []
        reason = _ASKED_FIRST.format(route.model.name)
        asked = replace(route, model=model, reason=reason, candidates=(), in_place_of=route.model)
        try:
            await self._caller.answer(aside, asked, heard.append, is_heard=is_heard)
        except AcronError:
            return None
        return heard[0] if heard else None

    def _verified(
        self, visit: Visit, route: Route, wholes: Sequence[Completed], on_complete: OnComplete, *, reason: str
    ) -> Answer:
        cheap = wholes[0]
        accountant, usage = self._accountant, cheap.completion.usage
        is_test = visit.principal.is_test
        model = cheap.route.model
        bill = accountant.of_test_key(model) if is_test else accountant.hit(model, route.mode, usage)
        row = facts.of_verified(visit, cheap.facts, usage, bill, reason=reason)
        self._ledger.record(row)
        on_complete(Completed(cheap.completion, row, cheap.route, cheap.provider))
        body, told = cheap.completion.body, visit.ask
        events = MANNERS[told.format].replay(body, told.include_usage) if told.stream else ()
        return Answer(
            facts=row,
            sides=_rows(wholes),
            body=b"" if told.stream else body,
            stream=Replay(events, row) if told.stream else None,
            candidates=route.candidates,
            confidence=route.confidence,
        )


def _rows(wholes: Sequence[Completed]) -> tuple[InferenceFacts, ...]:
    return tuple(whole.facts for whole in wholes)


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
