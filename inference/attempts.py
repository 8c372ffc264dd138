"""One call at a provider in the ledger: opened before, settled exactly once after."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from accounts.limits.balances import Reservation
from acron_site.lib.errors import AcronError
from acron_site.lib.money import total
from acron_site.lib.values import changed
from analytics.events import EventKind, EventStatus, InferenceFacts, Ledger, TokenCounts
from inference import facts, keeping
from inference.accounting import NOTHING_USED, Accountant, Bill
from inference.domain import Completion, Route, Usage
from inference.facts import Visit
from inference.resilience.retries import Failure
from inference.routing.needs import estimate_tokens

_CLIENT_CLOSED_REQUEST = 499  # nginx's number for a caller who left; nobody sees it but the ledger
_NO_USAGE = Usage()
# nothing at all for so long is a sign of sickness, whoever gives up first
_LONG_WAIT_SECONDS = 30.0


def _unheard() -> bool:
    return False


class Line(Protocol):
    """One call under way, as the switchboard sees it: ended once, or dropped when its caller has left."""

    def end(self, failure: Failure | None, error: AcronError | None) -> None: ...

    def drop(self) -> None: ...


class Attempt:
    """The bookkeeping of one provider call. Creating it writes the STARTED row, which holds an estimate."""

    def __init__(
        self,
        visit: Visit,
        route: Route,
        provider_name: str,
        *,
        ledger: Ledger,
        accountant: Accountant,
        number: int = 1,
        reservation: Reservation | None = None,
        is_heard: Callable[[], bool],
        line: Line,
    ) -> None:
        self._visit, self._route, self._reservation = visit, route, reservation
        self._ledger, self._accountant, self._line = ledger, accountant, line
        self._is_heard, self._is_over = is_heard, False
        self._provider_started = perf_counter()
        self._first_token_at: float | None = None
        self.is_settled = False
        self.sides: tuple[InferenceFacts, ...] = ()
        self._side_bills: list[tuple[str, Usage, Bill]] = []
        self.estimate = Usage(tokens=TokenCounts(input=estimate_tokens(visit.ask.sketch)), is_estimate=True)
        estimated = accountant.estimated(route.model, self.estimate, is_free=visit.principal.is_test)
        money = facts.money(self.estimate, estimated)
        self.facts = facts.of_start(visit, route, provider_name, attempt=number, money=money)
        ledger.open(self.facts)

    def saw_first_token(self) -> None:
        if self._first_token_at is None:
            self._first_token_at = perf_counter()

    async def succeed(self, completion: Completion) -> None:
        self._hang_up(None, None)
        bill = self._bill(completion.usage, answered=completion.model_answered)
        self._side_bills = self._bills_of(completion.side_usages)
        visit = self._visit
        why_not = visit.cache_reason or keeping.why_not_kept(visit, self._route.model.name, completion)
        # an answer that was waited for to its end although its caller had left is none to them
        status, http_status = (
            (EventStatus.OK, 200) if self._is_heard() else (EventStatus.CLIENT_GONE, _CLIENT_CLOSED_REQUEST)
        )
        await self._settle(status, completion.usage, bill, http_status=http_status, cache_reason=why_not)

    async def fail(self, error: AcronError, usage: Usage | None, *, failure: Failure = Failure.TRANSIENT) -> None:
        """`usage` is what the provider did before it failed; None when it refused the call, which costs nothing."""
        self._hang_up(failure, error)
        bill = NOTHING_USED if usage is None else self._bill(usage)
        await self._settle(EventStatus.ERROR, usage or _NO_USAGE, bill, http_status=error.status, error_code=error.code)

    async def abandon(self, usage: Usage) -> None:
        """The caller has left before the end."""
        waited_seconds = perf_counter() - self._provider_started
        if self._first_token_at is None and waited_seconds > _LONG_WAIT_SECONDS:
            self._hang_up(Failure.TIMEOUT, None)  # callers who give up first must not hide that nothing comes
        self.release()
        await self._settle(EventStatus.CLIENT_GONE, usage, self._bill(usage), http_status=_CLIENT_CLOSED_REQUEST)

    async def _settle(
        self,
        status: EventStatus,
        usage: Usage,
        bill: Bill,
        *,
        http_status: int,
        error_code: str = "",
        cache_reason: str | None = None,
    ) -> None:
        if self.is_settled:
            return
        self.is_settled = True
        # it knows the flight, which knows the answer that this belongs to: such circles wait for the collector
        self._is_heard = _unheard
        # before the ledger: what stands there is then counted already, and a budget made from it counts it once
        self._settle_reservation(usage, bill)
        ended, started = perf_counter(), self._visit.ask.started
        self.facts = changed(
            self.facts,
            status=status,
            http_status=http_status,
            error_code=error_code,
            cache_reason=self.facts.cache_reason if cache_reason is None else cache_reason,
            latency_ms=(ended - started) * 1000,
            overhead_ms=(self._provider_started - started) * 1000,
            first_token_ms=(self._first_token_at - started) * 1000 if self._first_token_at else None,
            **facts.money(usage, bill),
        )
        self.sides = tuple(facts.of_side(self.facts, *side) for side in self._side_bills)
        for row in self.sides:  # first, so that whoever finds the answer's row finds all of its cost
            await self._ledger.settle(row)
        await self._ledger.settle(self.facts)

    def _settle_reservation(self, usage: Usage, bill: Bill) -> None:
        if self._reservation is None:
            return
        usages = [usage, *(used for _, used, _ in self._side_bills)]
        tokens = sum(used.tokens.total_input + used.tokens.total_output for used in usages)
        charged = total([bill.charged_usd, *(side.charged_usd for _, _, side in self._side_bills)])
        self._reservation.settle(tokens=tokens, cost_usd=charged)

    def release(self) -> None:
        """Whatever has happened, the call is not under way any more."""
        if not self._is_over:
            self._is_over = True
            self._line.drop()

    def _hang_up(self, failure: Failure | None, error: AcronError | None) -> None:
        """Once, before anything that can be interrupted."""
        if not self._is_over:
            self._is_over = True
            self._line.end(failure, error)

    def _bills_of(self, side_usages: Sequence[tuple[str, Usage]]) -> list[tuple[str, Usage, Bill]]:
        """What other models used in the call, each by its name in the catalogue; a test key pays for none."""
        if self._visit.principal.is_test:
            return []
        bills = [(used, *self._accountant.side(self._route.model, name, used)) for name, used in side_usages]
        return [(model, used, bill) for used, model, bill in bills]

    def _bill(self, usage: Usage, *, answered: str = "") -> Bill:
        if self._visit.principal.is_test:
            return self._accountant.of_test_key(self._route.model)
        if self._visit.kind is EventKind.OVERHEAD:
            return self._accountant.overhead(self._route.model, usage)
        return self._accountant.paid(self._route.model, self._visit.ask.mode, usage, answered=answered)
