"""Holds subjects to their limits: counts requests, reserves tokens and money, settles what was used."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from accounts.limits import refusals
from accounts.limits.balances import Balance, Balances, Reservation
from accounts.limits.domain import (
    Ceilings,
    Counters,
    Reading,
    Settlement,
    Standing,
    Subject,
    Taking,
    Verdict,
    ceil_nano,
    dollars,
)
from accounts.limits.memory import MemoryCounters
from accounts.limits.spending import LedgerUnreadableError, Spending, Spent
from acron_site.lib.values import quick

logger = logging.getLogger(__name__)

# what the ledger's database may take before the caller is told to come again; the reading goes on for the next one
_PATIENCE_SECONDS = 0.5
# rows reach the database a moment after they are settled: what a counter was made of is compared again after this
_COMPARE_AFTER_SECONDS = 10.0

# how long a call waits while others hold what is left of a budget, before it is refused
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


@quick
@dataclass(frozen=True, slots=True)
class Entry:
    """A request that is being counted. `reading` is under way already."""

    subject: Subject
    ceilings: Ceilings
    taking: Taking
    reading: Awaitable[Reading | None]


class Limiter:
    """One per process. `shared` counts for all processes; this one's memory takes over while it is away.

    Requests and tokens are then counted per process. A budget is spent on from the last known balance, each of the
    `processes` its share of what was left, so that together they cannot pass it. `spent` reads the ledger: it blocks,
    and raises LedgerUnreadableError.
    """

    def __init__(
        self,
        shared: Counters | None,
        *,
        spent: Spent,
        processes: int = 1,
        clock: Callable[[], float] = time.time,
        pauses_seconds: Sequence[float] = _PAUSES_SECONDS,
    ) -> None:
        self._shared, self._spent, self._processes, self._clock = shared, spent, max(1, processes), clock
        self._pauses = tuple(pauses_seconds)
        self._spending = Spending(spent)
        self._spare = MemoryCounters()
        self._balances = Balances()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="budgets")
        self._readings: dict[Subject, asyncio.Task[bool]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def enter(self, subject: Subject, ceilings: Ceilings) -> Entry:
        """Begins to count a request; what is asked of Redis in this turn of the loop travels along."""
        taking = Taking(
            now_ms=self._now_ms(),
            requests=0 if ceilings.requests is None else 1,
            requests_limit=-1 if ceilings.requests is None else ceilings.requests,
        )
        return Entry(subject, ceilings, taking, (self._shared or self._spare).take(subject, taking))

    async def admit(self, entry: Entry) -> dict[str, str]:
        """The headers that tell how the limits stand. Raises RateLimitedError."""
        reading = await entry.reading
        if reading is None:
            reading = await self._locally(entry.subject, entry.taking)
        if reading.verdict is not Verdict.ALLOWED:
            raise refusals.of(reading, entry.taking, entry.ceilings)
        return refusals.rate_headers(reading, entry.ceilings, entry.taking.now_ms)

    async def reserve(
        self, subject: Subject, ceilings: Ceilings, *, tokens: int, cost_usd: Decimal
    ) -> tuple[Reservation, dict[str, str]]:
        """Holds what a call may use at most. Raises RateLimitedError, BudgetExceededError or OverloadedError."""
        for pause_seconds in self._pauses:
            taking, reading, reservation = await self._try(subject, ceilings, tokens, cost_usd)
            if not _is_held_back(reading, taking):
                break
            # what is held is a worst case: in a moment there may be room again
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))  # noqa: S311 (no secret)
        else:
            taking, reading, reservation = await self._try(subject, ceilings, tokens, cost_usd)
        if reservation is None:
            raise refusals.of(reading, taking, ceilings)
        return reservation, refusals.rate_headers(reading, ceilings, taking.now_ms)

    async def _try(
        self, subject: Subject, ceilings: Ceilings, tokens: int, cost_usd: Decimal
    ) -> tuple[Taking, Reading, Reservation | None]:
        taking = self._taking(ceilings, tokens, cost_usd)
        balance = None if ceilings.budget_nano is None else self._balances.of(subject, taking.now_ms)
        reading = await self._take(subject, taking, balance)
        epoch = reading.epoch if reading is not None else 0
        if reading is None:
            reading = await self._take_locally(subject, taking, balance)
        if reading.verdict is not Verdict.ALLOWED:
            return taking, reading, None
        reservation = Reservation(subject, taking.now_ms, taking.tokens, taking.nano, self, balance, epoch)
        if balance is not None:
            balance.live.add(reservation)
        return taking, reading, reservation

    async def standing(self, subject: Subject, ceilings: Ceilings) -> Standing:
        """Takes nothing. Without a budget nobody counts what is spent, so the ledger is asked."""
        taking = replace(self._taking(ceilings, 0, Decimal(0)), tokens_limit=-1)
        balance = None if ceilings.budget_nano is None else self._balances.of(subject, taking.now_ms)
        reading = await self._take(subject, taking, balance)
        if reading is None:
            reading = await self._take_locally(subject, taking, balance)
        spent: Decimal | None = dollars(reading.spent_nano)
        if balance is None:
            spent = await self._spending.of(subject, taking.now_ms, patience_seconds=_PATIENCE_SECONDS)
        return Standing(
            requests_remaining=None if ceilings.requests is None else max(0, ceilings.requests - reading.requests),
            tokens_remaining=None if ceilings.tokens is None else max(0, ceilings.tokens - reading.tokens),
            spent_usd=spent,
            held_usd=None if balance is None else dollars(reading.held_nano),
        )

    def settle(self, reservation: Reservation, *, tokens: int, spent_nano: int) -> None:
        balance = reservation.balance
        settlement = Settlement(
            taken_ms=reservation.taken_ms,
            tokens_difference=tokens - reservation.tokens if reservation.tokens else 0,
            held_nano=reservation.nano,
            spent_nano=spent_nano if balance is not None else 0,
            epoch=reservation.epoch,
        )
        if balance is not None:
            balance.drop(reservation, spent_nano)
        if self._shared is None or (balance is not None and not reservation.epoch):
            self._settle_locally(reservation, settlement)
        else:
            self._begin(self._settle_shared(self._shared.settle(reservation.subject, settlement), balance, spent_nano))

    async def close(self) -> None:
        """Lets settlements under way arrive."""
        self._is_closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._spending.close()

    def _taking(self, ceilings: Ceilings, tokens: int, cost_usd: Decimal) -> Taking:
        return Taking(
            now_ms=self._now_ms(),
            tokens=0 if ceilings.tokens is None else tokens,
            tokens_limit=-1 if ceilings.tokens is None else ceilings.tokens,
            nano=0 if ceilings.budget_nano is None else ceil_nano(cost_usd),
            nano_limit=-1 if ceilings.budget_nano is None else ceilings.budget_nano,
        )

    # the shared counters

    async def _take(self, subject: Subject, taking: Taking, balance: Balance | None) -> Reading | None:
        """None when this process has to go on by itself."""
        if self._shared is None:
            return None
        if balance is None:
            return await self._shared.take(subject, taking)
        reading = await self._take_money(self._shared, subject, taking, balance)
        if reading is not None and reading.verdict is Verdict.UNKNOWN_BALANCE:
            if not await self._made_from_ledger(subject, balance, taking.now_ms):
                return None
            reading = await self._take_money(self._shared, subject, taking, balance)
        return reading

    async def _take_money(self, shared: Counters, subject: Subject, taking: Taking, balance: Balance) -> Reading | None:
        owed = balance.take_owed()
        wanted = replace(taking, floor_nano=balance.spent, owed_nano=owed, owed_epoch=balance.epoch)
        reading = await shared.take(subject, wanted)
        if reading is None:
            balance.owed += owed
            return None
        if reading.verdict is not Verdict.UNKNOWN_BALANCE and reading.epoch:
            for each in balance.note(reading):
                shared.hold(subject, taken_ms=each.taken_ms, held_nano=each.nano)
            if reading.has_expired:  # a worker died with calls under way: what they cost stands in the ledger
                self._read_ledger(subject, balance, taking.now_ms, compares=False)
        return reading

    async def _settle_shared(self, settling: Awaitable[bool | None], balance: Balance | None, spent_nano: int) -> None:
        if await settling is None and balance is not None:
            balance.owed += spent_nano

    # the ledger

    async def _made_from_ledger(self, subject: Subject, balance: Balance, now_ms: int) -> bool:
        """Whether the counter could be made within the time that a caller can wait."""
        reading = self._read_ledger(subject, balance, now_ms, compares=True)
        try:
            return await asyncio.wait_for(asyncio.shield(reading), _PATIENCE_SECONDS)
        except TimeoutError:
            return False

    def _read_ledger(self, subject: Subject, balance: Balance, now_ms: int, *, compares: bool) -> "asyncio.Task[bool]":
        """One reading at a time for each subject."""
        reading = self._readings.get(subject)
        if reading is None:
            reading = self._readings[subject] = self._begin(
                self._raise_to_ledger(subject, balance, now_ms, compares=compares)
            )
            reading.add_done_callback(lambda _: self._readings.pop(subject, None))
        return reading

    async def _raise_to_ledger(self, subject: Subject, balance: Balance, now_ms: int, *, compares: bool) -> bool:
        loop = asyncio.get_running_loop()
        try:
            spent = await loop.run_in_executor(self._threads, self._spent, subject, balance.month)
        except LedgerUnreadableError as error:
            logger.warning("budgets.ledger_unreadable", extra={"cause": str(error)})
            return False
        balance.learn(ceil_nano(spent))
        if self._shared is None:
            return True
        epoch = secrets.randbits(48) + 1
        is_made = await self._shared.raise_to(subject, now_ms=now_ms, spent_nano=balance.spent, epoch=epoch)
        if is_made is not None and compares:
            loop.call_later(_COMPARE_AFTER_SECONDS, self._compare, subject, balance, now_ms)
        return is_made is not None

    def _compare(self, subject: Subject, balance: Balance, now_ms: int) -> None:
        if not self._is_closed:
            self._read_ledger(subject, balance, now_ms, compares=False)

    # this process alone

    async def _locally(self, subject: Subject, taking: Taking) -> Reading:
        return await self._spare.take(subject, taking)

    async def _take_locally(self, subject: Subject, taking: Taking, balance: Balance | None) -> Reading:
        if balance is None:
            return await self._locally(subject, taking)
        if not balance.is_known:
            await self._made_from_ledger(subject, balance, taking.now_ms)
        if not balance.is_known:
            raise refusals.unknown_balance()
        if balance.away_from is None:
            balance.away_from = balance.spent + balance.held
            self._spare.forget_month(subject)
        base = balance.away_from
        await self._spare.raise_to(subject, now_ms=taking.now_ms, spent_nano=base, epoch=0)
        share = base + max(0, taking.nano_limit - base) // self._processes
        return await self._locally(subject, replace(taking, nano_limit=min(share, taking.nano_limit)))

    def _settle_locally(self, reservation: Reservation, settlement: Settlement) -> None:
        self._spare.settle(reservation.subject, settlement)
        if reservation.balance is not None:
            reservation.balance.owed += settlement.spent_nano

    def _begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _is_held_back(reading: Reading, taking: Taking) -> bool:
    """Whether the budget would do, if it were not held for calls under way."""
    return reading.verdict is Verdict.OVER_BUDGET and reading.spent_nano + taking.nano <= taking.nano_limit
