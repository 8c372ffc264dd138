"""Makes the provider calls of one request: the first, and another where one fails and it pays to try again."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from random import random
from typing import Protocol

from accounts.limits.balances import Reservation
from accounts.principal import Principal
from acron_site.lib.errors import AcronError, InvalidRequestError, OverloadedError, UpstreamUnreachableError
from analytics.events import EventKind, InferenceFacts, Ledger
from inference.accounting import Accountant
from inference.allowances import FREE, Allowances
from inference.attempts import Attempt, Line
from inference.catalog import Model
from inference.domain import Answer, Ask, Completion, Route
from inference.facts import Visit
from inference.providers.base import Call, Dialect, Reply
from inference.resilience.latencies import Latencies
from inference.resilience.retries import Failure, RetryBudget, asked_wait_seconds, classify, pause_seconds
from inference.streaming import Relay
from inference.targets import Target, Trail
from inference.wire.formats import MANNERS

_REFUSED = 300  # redirects are not followed, so they are no answer either


class Switchboard(Protocol):
    """What is known of the targets: who takes calls, who is busy, how calls ended."""

    def ordered(self, targets: Sequence[Target], visit: Visit) -> Sequence[Target]:
        """The targets of one model, the one to be asked first in front."""
        ...

    def allows(self, target: Target) -> bool: ...

    async def enter(self, target: Target) -> Line | None:
        """The line of a call that may be made; None when the target takes none just now."""
        ...

    def opens_in_seconds(self, targets: Sequence[Target]) -> int:
        """When the first of targets that take no calls is tried again."""
        ...


@dataclass(frozen=True, slots=True)
class Completed:
    """A whole answer, with the row that was settled for it and the model and provider that gave it."""

    completion: Completion
    facts: InferenceFacts
    route: Route
    provider: str


OnComplete = Callable[[Completed], None]


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How long and how often is tried."""

    max_attempts: int = 3
    longest_wait_seconds: float = 5.0
    total_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class CallParts:
    """What calls need of the world. `targets` finds the deployments of a model, for whom it is asked."""

    targets: Callable[[Model, Principal], Sequence[Target]]
    switchboard: Switchboard
    retries: RetryBudget
    policy: CallPolicy = CallPolicy()
    latencies: Latencies = field(default_factory=Latencies)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A call that is ready to be made."""

    visit: Visit
    route: Route
    target: Target
    dialect: Dialect
    call: Call
    number: int


class _AttemptError(Exception):
    """One attempt has failed, is recorded, and may be followed by another."""

    def __init__(self, error: AcronError, failure: Failure) -> None:
        super().__init__(error.message)
        self.error, self.failure = error, failure


class Caller:
    """Asks providers. Every attempt is a row of the ledger of its own; the last failure is what the caller hears."""

    def __init__(
        self,
        parts: CallParts,
        *,
        alternatives: Callable[[Visit, Route], Iterable[Model]],
        ledger: Ledger,
        accountant: Accountant,
        allowances: Allowances,
    ) -> None:
        self._targets, self._switchboard = parts.targets, parts.switchboard
        self._retries, self._policy, self._latencies = parts.retries, parts.policy, parts.latencies
        self._alternatives = alternatives
        self._ledger, self._accountant, self._allowances = ledger, accountant, allowances

    async def answer(
        self, visit: Visit, route: Route, on_complete: OnComplete, *, is_heard: Callable[[], bool]
    ) -> Answer:
        """Raises an AcronError that is fit to be shown to the caller. A stream has begun when this returns.

        `on_complete` is told of the answer when it is whole; `is_heard` says whether anybody still waits for it.
        """
        trail = Trail(self._groups(visit, route), self._switchboard.allows)
        target = trail.first()
        if target is None:
            raise self._nobody(visit, route)
        planned = self._plan_first(visit, route, trail, target)
        self._retries.note_request()
        for number in count(1):
            try:
                return await self._attempt(planned, on_complete, is_heard)
            except _AttemptError as failed:
                following = await self._after(failed, trail, planned, number)
                if following is None:
                    failed.error.headers.setdefault("x-acron-attempts", str(number))
                    raise failed.error from None
                planned = replace(following, number=number + 1)
        raise AssertionError  # `count` has no end

    def _groups(self, visit: Visit, route: Route) -> Iterator[Sequence[Target]]:
        """Alternatives are looked for only once the chosen model has failed."""
        yield self._switchboard.ordered(self._targets(route.model, visit.principal), visit)
        for model in self._alternatives(visit, route):
            yield self._switchboard.ordered(self._targets(model, visit.principal), visit)

    def _nobody(self, visit: Visit, route: Route) -> OverloadedError:
        targets = self._targets(route.model, visit.principal)
        wait = self._switchboard.opens_in_seconds(targets)
        return OverloadedError(
            f"{route.model.provider} fails at present and is not asked for another {wait} s; "
            "try again then, or choose a model of another provider",
            headers={"Retry-After": str(wait)},
        )

    def _plan_first(self, visit: Visit, route: Route, trail: Trail, target: Target) -> _Planned:
        """Skips models that cannot be asked this. Raises what the first of them said when none can."""
        refusal: InvalidRequestError | None = None
        following: Target | None = target
        while following is not None:
            try:
                return self._plan(visit, _instead(route, following), following)
            except InvalidRequestError as error:
                refusal = refusal or error
                following = trail.skip_model()
        assert refusal is not None  # noqa: S101 - the loop has run at least once
        raise refusal

    def _plan(self, visit: Visit, route: Route, target: Target) -> _Planned:
        if visit.principal.rules is not None:
            visit = replace(visit, ask=self._allowances.fitted(visit.principal, visit.ask, target.model))
        dialect = target.provider.dialect(visit.ask.format)
        call = dialect.call(visit.ask, target.model)
        if target.model is not route.model:
            route = replace(route, model=target.model)
        return _Planned(visit, route, target, dialect, call, 1)

    async def _after(self, failed: _AttemptError, trail: Trail, planned: _Planned, number: int) -> _Planned | None:
        """The next call, after the pause it takes; None when there is to be none."""
        if number >= self._policy.max_attempts:
            return None
        target = trail.after(failed.failure)
        if target is None:
            return None
        is_repeating = trail.is_repeating(target)
        pause = self._pause(failed, number) if is_repeating else 0.0
        if pause is None or not self._has_time(planned.visit.ask, pause):
            return None
        # elsewhere it is no second call: how much is sent there is for the breaker of that place to say
        if is_repeating and not self._retries.take():
            target, pause = trail.skip_model(), 0.0
            if target is None:
                return None
        if pause:
            await asyncio.sleep(pause)
        route = replace(planned.route, reason=_reason(planned, failed, target))
        try:
            return self._plan(planned.visit, route, target)
        except InvalidRequestError:  # the other model cannot be asked this
            return None

    def _pause(self, failed: _AttemptError, number: int) -> float | None:
        return pause_seconds(
            number,
            retry_after=asked_wait_seconds(failed.error, now=datetime.now(UTC)),
            longest_wait_seconds=self._policy.longest_wait_seconds,
            random=random,
        )

    def _has_time(self, ask: Ask, pause: float) -> bool:
        return time.perf_counter() + pause - ask.started < self._policy.total_seconds

    async def _attempt(self, planned: _Planned, on_complete: OnComplete, is_heard: Callable[[], bool]) -> Answer:
        """Raises _AttemptError, or an AcronError after which nothing else may be tried."""
        visit, target = planned.visit, planned.target
        line = await self._switchboard.enter(target)
        if line is None:  # others were quicker to try whether it is back
            raise _AttemptError(self._nobody(visit, planned.route), Failure.BUSY)
        attempt: Attempt | None = None
        try:
            grant = FREE
            if visit.principal.rules is not None:
                grant = await self._allowances.grant(visit.principal, visit.ask, target.model, planned.call)
            attempt = self._open(planned, grant.reservation, is_heard, line)
        finally:
            if attempt is None:
                line.drop()
        answer = await self._ask(planned, attempt, on_complete)
        return replace(answer, limits=grant.headers) if grant.headers else answer

    def _open(
        self, planned: _Planned, reservation: Reservation | None, is_heard: Callable[[], bool], line: Line
    ) -> Attempt:
        try:
            return Attempt(
                planned.visit,
                planned.route,
                planned.target.provider.name,
                number=planned.number,
                ledger=self._ledger,
                accountant=self._accountant,
                reservation=reservation,
                is_heard=is_heard,
                line=line,
            )
        except AcronError:
            if reservation is not None:
                reservation.release()
            raise

    async def _ask(self, planned: _Planned, attempt: Attempt, on_complete: OnComplete) -> Answer:
        reply: Reply | None = None
        answer: Answer | None = None
        try:
            reply = await planned.target.provider.transport.send(planned.call)
            if reply.status >= _REFUSED:
                raise planned.dialect.refusal(reply.status, reply.headers, await reply.read())
            answer = await self._read(planned, attempt, reply, on_complete)
        except AcronError as error:
            # a refused call costs nothing; one that was cut off later may have been billed
            was_refused = reply.status >= _REFUSED if reply else isinstance(error, UpstreamUnreachableError)
            failure = classify(error, status=reply.status if reply is not None and was_refused else None)
            await attempt.fail(error, None if was_refused else attempt.estimate, failure=failure)
            raise _AttemptError(error, failure) from error
        except asyncio.CancelledError:
            await attempt.abandon(attempt.estimate)
            raise
        else:
            return answer
        finally:
            if answer is None:
                attempt.release()
            if reply is not None and (answer is None or answer.stream is None):  # a stream's is closed by its relay
                reply.close()

    async def _read(self, planned: _Planned, attempt: Attempt, reply: Reply, on_complete: OnComplete) -> Answer:
        ask, model = planned.visit.ask, planned.target.model

        def keep(completion: Completion) -> None:
            self._measure(planned, attempt.facts)
            on_complete(Completed(completion, attempt.facts, planned.route, planned.target.provider.name))

        body, stream = b"", None
        if ask.stream:
            reader, manner = planned.dialect.reader(ask, model), MANNERS[ask.format]
            stream = Relay(reply, reader, attempt, keep, error_event=manner.error_event)
            await stream.begin()
        else:
            completion = planned.dialect.completion(await reply.read(), ask)
            await attempt.succeed(completion)
            keep(completion)
            body = completion.body
        return Answer(
            facts=attempt.facts,
            sides=attempt.sides,
            body=body,
            stream=stream,
            candidates=planned.route.candidates,
            confidence=planned.route.confidence,
            dropped=planned.call.dropped,
        )

    def _measure(self, planned: _Planned, row: InferenceFacts) -> None:
        """What the gateway asks for its own sake may be of another length than what people ask; what a cascade asks
        first is the same."""
        target = planned.target
        is_as_people_ask = planned.visit.kind is EventKind.ANSWER or planned.route.is_asked_first
        if target.is_private or not is_as_people_ask:
            return
        first = row.first_token_ms
        self._latencies.saw(
            target.id,
            target.model.name,
            latency_ms=row.latency_ms - row.overhead_ms,
            first_token_ms=None if first is None else first - row.overhead_ms,
            tokens=row.tokens.total_output,
        )


def _instead(route: Route, target: Target) -> Route:
    """What the ledger and the caller are told where the first call goes to another model than the chosen one."""
    if target.model.name == route.model.name:
        return route
    return replace(route, reason=f"fallback: {route.model.name} takes no such call at present")


def _reason(planned: _Planned, failed: _AttemptError, target: Target) -> str:
    """What the ledger and the caller are told of an attempt that follows a failure."""
    before = planned.target
    if target.id == before.id:
        return f"tried again after {failed.error.code}"
    if target.model.name == before.model.name:
        return f"another deployment of the model, after {failed.error.code}"
    return f"fallback: {before.model.name} failed ({failed.error.code})"
