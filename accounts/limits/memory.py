"""Counters in this process's memory: where there is no Redis, and while it is away."""

from collections import OrderedDict
from collections.abc import Awaitable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from accounts.limits.domain import (
    SLICES,
    Reading,
    Settlement,
    Subject,
    Taking,
    Verdict,
    expiry_of,
    free_at_ms,
    month_of,
    slice_of,
)

_MOST_SUBJECTS = 20_000
Value = TypeVar("Value")


@dataclass(slots=True)
class Uses:
    """Uses by slice."""

    by_slice: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.by_slice.values())

    @property
    def latest(self) -> int:
        return max((each for each, count in self.by_slice.items() if count), default=-1)

    def forget_before(self, first: int) -> None:
        for each in [each for each in self.by_slice if each < first]:
            del self.by_slice[each]

    def add(self, each: int, count: int) -> None:
        if count:
            self.by_slice[each] = self.by_slice.get(each, 0) + count

    def correct(self, each: int, difference: int) -> None:
        if each in self.by_slice:
            self.by_slice[each] = max(0, self.by_slice[each] + difference)

    def has_room(self, wanted: int, limit: int) -> bool:
        return limit < 0 or self.total + wanted <= limit

    def wait_ms(self, wanted: int, limit: int, now_ms: int) -> int:
        """Until there is room; -1 if there never will be."""
        left = self.total
        for each in sorted(self.by_slice):
            left -= self.by_slice[each]
            if left + wanted <= limit:
                return free_at_ms(each) - now_ms
        return -1


@dataclass(slots=True)
class _Month:
    begins: datetime
    spent: int
    epoch: int
    held: dict[int, int] = field(default_factory=dict)  # by the minute in which it falls back

    def forget_expired(self, minute: int) -> bool:
        expired = [each for each in self.held if each <= minute]
        for each in expired:
            del self.held[each]
        return bool(expired)


@dataclass(slots=True)
class _Account:
    requests: Uses = field(default_factory=Uses)
    tokens: Uses = field(default_factory=Uses)
    month: _Month | None = None


class _Now(Awaitable[Value]):
    """A result that is there already."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, Value]:
        yield from ()
        return self._value


class MemoryCounters:
    """The twin of `RedisCounters`: the same decisions, for one process."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[Subject, _Account] = OrderedDict()

    def take(self, subject: Subject, taking: Taking) -> Awaitable[Reading]:
        account = self._account(subject)
        current = slice_of(taking.now_ms)
        account.requests.forget_before(current - SLICES + 1)
        account.tokens.forget_before(current - SLICES + 1)
        month = self._month(account, taking.now_ms) if taking.nano_limit >= 0 else None
        has_expired = _refresh(month, taking)
        verdict = _judge(account, month, taking)
        wait_ms = _wait_ms(account, taking, verdict)
        if verdict is Verdict.ALLOWED:
            account.requests.add(current, taking.requests)
            account.tokens.add(current, taking.tokens)
            if month is not None and taking.nano:
                _hold(month, taking.now_ms, taking.nano)
        return _Now(_reading(account, month, verdict, wait_ms=wait_ms, has_expired=has_expired))

    def settle(self, subject: Subject, settlement: Settlement) -> Awaitable[bool | None]:
        account = self._account(subject)
        account.tokens.correct(slice_of(settlement.taken_ms), settlement.tokens_difference)
        month = self._month(account, settlement.taken_ms)
        if month is None:
            return _Now(False)
        month.spent += settlement.spent_nano
        expiry = expiry_of(settlement.taken_ms)
        if month.epoch == settlement.epoch and expiry in month.held:
            month.held[expiry] = max(0, month.held[expiry] - settlement.held_nano)
        return _Now(True)

    def hold(self, subject: Subject, *, taken_ms: int, held_nano: int) -> None:
        month = self._month(self._account(subject), taken_ms)
        if month is not None:
            _hold(month, taken_ms, held_nano)

    def raise_to(self, subject: Subject, *, now_ms: int, spent_nano: int, epoch: int) -> Awaitable[bool | None]:
        account = self._account(subject)
        month = self._month(account, now_ms)
        if month is None:
            account.month = _Month(month_of(now_ms), spent_nano, epoch)
        else:
            month.spent = max(month.spent, spent_nano)
        return _Now(True)

    def forget_month(self, subject: Subject) -> None:
        self._account(subject).month = None

    def _account(self, subject: Subject) -> _Account:
        account = self._accounts.get(subject)
        if account is None:
            account = self._accounts[subject] = _Account()
            if len(self._accounts) > _MOST_SUBJECTS:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(subject)
        return account

    def _month(self, account: _Account, now_ms: int) -> _Month | None:
        month = account.month
        return month if month is not None and month.begins == month_of(now_ms) else None


def _refresh(month: _Month | None, taking: Taking) -> bool:
    """Brings the month up to date before it is looked at; True if held amounts fell back."""
    if month is None:
        return False
    is_owed = taking.owed_epoch in (0, month.epoch)
    month.spent = max(month.spent + (taking.owed_nano if is_owed else 0), taking.floor_nano)
    return month.forget_expired(taking.now_ms // 60_000)


def _judge(account: _Account, month: _Month | None, taking: Taking) -> Verdict:
    if not account.requests.has_room(taking.requests, taking.requests_limit):
        return Verdict.TOO_MANY_REQUESTS
    if not account.tokens.has_room(taking.tokens, taking.tokens_limit):
        return Verdict.TOO_MANY_TOKENS
    if taking.nano_limit < 0:
        return Verdict.ALLOWED
    if month is None:
        return Verdict.UNKNOWN_BALANCE
    is_within = month.spent + sum(month.held.values()) + taking.nano <= taking.nano_limit
    return Verdict.ALLOWED if is_within else Verdict.OVER_BUDGET


def _wait_ms(account: _Account, taking: Taking, verdict: Verdict) -> int:
    if verdict is Verdict.TOO_MANY_REQUESTS:
        return account.requests.wait_ms(taking.requests, taking.requests_limit, taking.now_ms)
    if verdict is Verdict.TOO_MANY_TOKENS:
        return account.tokens.wait_ms(taking.tokens, taking.tokens_limit, taking.now_ms)
    return -1


def _hold(month: _Month, taken_ms: int, nano: int) -> None:
    expiry = expiry_of(taken_ms)
    month.held[expiry] = month.held.get(expiry, 0) + nano


def _reading(account: _Account, month: _Month | None, verdict: Verdict, *, wait_ms: int, has_expired: bool) -> Reading:
    return Reading(
        verdict=verdict,
        wait_ms=wait_ms,
        requests=account.requests.total,
        requests_slice=account.requests.latest,
        tokens=account.tokens.total,
        tokens_slice=account.tokens.latest,
        spent_nano=month.spent if month else 0,
        held_nano=sum(month.held.values()) if month else 0,
        epoch=month.epoch if month else 0,
        has_expired=has_expired,
    )
