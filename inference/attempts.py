"""One call at a provider in the ledger: opened before, settled exactly once after."""

from dataclasses import replace
from time import perf_counter
from typing import Any

from acron_site.lib.errors import AcronError
from analytics.events import EventStatus, InferenceFacts, Ledger, TokenCounts
from inference.accounting import FREE, Accountant, Bill
from inference.catalog import Model
from inference.domain import Ask, Completion, Cost, Usage
from inference.routing.needs import estimate_tokens

_CLIENT_CLOSED_REQUEST = 499  # nginx's number for a caller who left; nobody sees it but the ledger


class Attempt:
    """The bookkeeping of one provider call. Creating it writes the STARTED row."""

    def __init__(
        self,
        facts: InferenceFacts,
        *,
        ask: Ask,
        model: Model,
        ledger: Ledger,
        accountant: Accountant,
        is_free: bool,
    ) -> None:
        self._ask, self._model, self._is_free = ask, model, is_free
        self._ledger, self._accountant = ledger, accountant
        self.estimate = Usage(tokens=TokenCounts(input=estimate_tokens(ask.body)), is_estimate=True)
        self._provider_started = perf_counter()
        self._first_token_at: float | None = None
        self._answered = ""
        self.is_settled = False
        self.facts = replace(facts, **self._money(self.estimate))
        ledger.open(self.facts)

    def saw_first_token(self) -> None:
        if self._first_token_at is None:
            self._first_token_at = perf_counter()

    async def succeed(self, completion: Completion) -> None:
        self._answered = completion.model_answered
        await self._settle(EventStatus.OK, completion.usage, http_status=200)

    async def fail(self, error: AcronError, usage: Usage | None) -> None:
        """`usage` is what the provider did before it failed; None when it refused the call, which costs nothing."""
        await self._settle(EventStatus.ERROR, usage, http_status=error.status, error_code=error.code)

    async def abandon(self, usage: Usage) -> None:
        """The caller has left before the end."""
        await self._settle(EventStatus.CLIENT_GONE, usage, http_status=_CLIENT_CLOSED_REQUEST)

    async def _settle(
        self, status: EventStatus, usage: Usage | None, *, http_status: int, error_code: str = ""
    ) -> None:
        if self.is_settled:
            return
        self.is_settled = True
        ended = perf_counter()
        latency = ended - self._ask.started
        self.facts = replace(
            self.facts,
            status=status,
            http_status=http_status,
            error_code=error_code,
            latency_ms=latency * 1000,
            overhead_ms=(latency - (ended - self._provider_started)) * 1000,
            first_token_ms=(self._first_token_at - self._ask.started) * 1000 if self._first_token_at else None,
            **self._money(usage),
        )
        await self._ledger.settle(self.facts)

    def _money(self, usage: Usage | None) -> dict[str, Any]:
        if usage is None:
            nothing = {"tokens": TokenCounts(), "baseline_cost_usd": None, "saved_usd": None}
            return nothing | _cost_columns(FREE)
        bill = self._bill(usage)
        return {
            "tokens": usage.tokens,
            "usage_flag": usage.flag,
            "service_tier": usage.service_tier,
            "baseline_model": bill.baseline_model,
            "baseline_cost_usd": bill.baseline_usd,
            "saved_usd": bill.saved_usd,
        } | _cost_columns(bill.cost)

    def _bill(self, usage: Usage) -> Bill:
        if self._is_free:
            return self._accountant.of_test_key(self._model)
        return self._accountant.paid(self._model, self._ask.mode, usage, answered=self._answered)


def _cost_columns(cost: Cost) -> dict[str, Any]:
    return {
        "cost_usd": cost.amount,
        "cost_status": cost.status,
        "cost_breakdown": {bucket: format(amount, "f") for bucket, amount in cost.breakdown.items()},
        "price_version": cost.price_version,
    }
