"""The words of limits: who is held to what, what a call wants, how things stand."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import IntEnum
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from accounts.principal import KeyRules
from acron_site.lib.values import quick

# uses are counted in slices; every stretch of 60 s lies within 13 neighbouring ones, so a limit holds for any minute
SLICE_MS = 5_000
SLICES = 13
# after this a call that was never settled is taken for lost with its worker, and no longer held against the budget
HELD_MINUTES = 15
# budgets are counted in whole nano-dollars, rounded against the caller: exact in Redis, whose scripts know only doubles
_NANO = 1_000_000_000
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is held to limits: keys today; organizations, members and tags count the same way.

    A key that was rolled is counted with those before it: `id` is the first one's.
    """

    organization_id: UUID
    kind: str
    id: UUID

    def __hash__(self) -> int:
        return hash(self.id.int)  # ids are unique by themselves; hashing all fields shows in a hit's CPU


@dataclass(frozen=True, slots=True)
class Ceilings:
    """None: not limited in this respect."""

    requests: int | None = None  # a minute
    tokens: int | None = None  # a minute
    budget_nano: int | None = None  # a calendar month, UTC

    @property
    def is_rate_limited(self) -> bool:
        return self.requests is not None or self.tokens is not None


@lru_cache(maxsize=4096)
def ceilings_of(rules: KeyRules) -> Ceilings:
    budget = rules.monthly_budget_usd
    return Ceilings(rules.requests_per_minute, rules.tokens_per_minute, None if budget is None else floor_nano(budget))


class Verdict(IntEnum):
    ALLOWED = 0
    TOO_MANY_REQUESTS = 1
    TOO_MANY_TOKENS = 2
    OVER_BUDGET = 3
    UNKNOWN_BALANCE = 4  # the month's counter is not there: it was never made, or Redis lost it


@quick
@dataclass(frozen=True, slots=True)
class Taking:
    """What one step of a call wants to take, all or nothing. A limit of -1 is none; the month is only asked for money.

    `floor_nano` is the least that is known to be spent; `owed_nano` what was spent while the counter was out of reach:
    it is added if the counter is still that of `owed_epoch`, or any with 0.
    """

    now_ms: int
    requests: int = 0
    requests_limit: int = -1
    tokens: int = 0
    tokens_limit: int = -1
    nano: int = 0
    nano_limit: int = -1
    floor_nano: int = 0
    owed_nano: int = 0
    owed_epoch: int = 0


@quick
@dataclass(frozen=True, slots=True)
class Reading:
    """How the counters stand after a taking, or after it was refused. Slices are -1 where nothing was used."""

    verdict: Verdict
    wait_ms: int  # until the taking would be allowed; -1: never as it is
    requests: int
    requests_slice: int  # the latest one in use
    tokens: int
    tokens_slice: int
    spent_nano: int
    held_nano: int
    epoch: int  # of the month's counter: another one after it was lost and made anew
    has_expired: bool  # held amounts fell back that nobody settled


@quick
@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reservation turned out to be, against what was taken for it."""

    taken_ms: int
    tokens_difference: int
    held_nano: int
    spent_nano: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How one subject's limits stand, for its owner to see. None: not limited, or not known just now."""

    requests_remaining: int | None
    tokens_remaining: int | None
    spent_usd: Decimal | None  # this month
    held_usd: Decimal | None  # for calls under way


class Counters(Protocol):
    """Where uses are counted. Each method sends at once and can be awaited later; None: out of reach."""

    def take(self, subject: Subject, taking: Taking) -> Awaitable[Reading | None]: ...

    def settle(self, subject: Subject, settlement: Settlement) -> Awaitable[bool | None]:
        """True if the month's counter was there to be settled."""
        ...

    def hold(self, subject: Subject, *, taken_ms: int, held_nano: int) -> None:
        """Holds an amount again after the counter was lost."""
        ...

    def raise_to(self, subject: Subject, *, now_ms: int, spent_nano: int, epoch: int) -> Awaitable[bool | None]:
        """Makes the month's counter, or lifts it where less is counted."""
        ...


def ceil_nano(amount: Decimal) -> int:
    return int((amount * _NANO).to_integral_value(ROUND_CEILING))


def floor_nano(amount: Decimal) -> int:
    return int((amount * _NANO).to_integral_value(ROUND_FLOOR))


def dollars(nano: int) -> Decimal:
    return Decimal(nano) / _NANO


def month_of(now_ms: int) -> datetime:
    """The first moment of the month."""
    return _month_of_day(now_ms // _DAY_MS)


def next_month(now_ms: int) -> datetime:
    return (month_of(now_ms) + timedelta(days=32)).replace(day=1)


def expiry_of(taken_ms: int) -> int:
    """The minute (since 1970) in which an amount that was held then falls back."""
    return taken_ms // 60_000 + HELD_MINUTES


def slice_of(now_ms: int) -> int:
    return now_ms // SLICE_MS


def free_at_ms(used_slice: int) -> int:
    """When the uses of a slice no longer count."""
    return (used_slice + SLICES) * SLICE_MS


@lru_cache(maxsize=64)  # days of UTC have no seams: 86,400 seconds each
def _month_of_day(day: int) -> datetime:
    return datetime.fromtimestamp(day * _DAY_MS // 1000, UTC).replace(day=1)
