"""What the ledger says was spent, for those who only look: remembered for some seconds, since it takes a long read."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.limits.domain import Subject, month_of

_REMEMBERED_MS = 10_000
_MOST_REMEMBERED = 1_000

Spent = Callable[[Subject, datetime], Decimal]


class LedgerUnreadableError(Exception):
    """What was spent could not be read."""


@dataclass(frozen=True, slots=True)
class _Look:
    asked_ms: int
    reading: "asyncio.Task[Decimal]"


class Spending:
    """One reading at a time for each subject, and one for all in a thread of its own: who looks holds up no budget."""

    def __init__(self, spent: Spent) -> None:
        self._spent = spent
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spending")
        self._looks: OrderedDict[Subject, _Look] = OrderedDict()

    async def of(self, subject: Subject, now_ms: int, *, patience_seconds: float) -> Decimal | None:
        """In this month so far; None when that cannot be told in time. The reading goes on for the next who asks."""
        look = self._looks.get(subject)
        if look is None or not self._is_fresh(look, now_ms):
            look = self._begin(subject, now_ms)
        try:
            return await asyncio.wait_for(asyncio.shield(look.reading), patience_seconds)
        except (TimeoutError, LedgerUnreadableError):
            return None

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _is_fresh(self, look: _Look, now_ms: int) -> bool:
        is_of_month = month_of(look.asked_ms) == month_of(now_ms)
        return is_of_month and (not look.reading.done() or now_ms - look.asked_ms < _REMEMBERED_MS)

    def _begin(self, subject: Subject, now_ms: int) -> _Look:
        reading = asyncio.get_running_loop().create_task(self._read(subject, month_of(now_ms)))
        look = self._looks[subject] = _Look(now_ms, reading)
        self._looks.move_to_end(subject)
        if len(self._looks) > _MOST_REMEMBERED:
            self._looks.popitem(last=False)
        reading.add_done_callback(lambda _: self._forget_failure(subject, look))
        return look

    async def _read(self, subject: Subject, month: datetime) -> Decimal:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._spent, subject, month)

    def _forget_failure(self, subject: Subject, look: _Look) -> None:
        has_failed = look.reading.cancelled() or look.reading.exception() is not None
        if has_failed and self._looks.get(subject) is look:
            del self._looks[subject]
