"""What this process knows of budgets: enough to go on for a while when Redis, or the database, is away."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from accounts.limits.domain import Reading, Subject, ceil_nano, month_of

_MOST_BALANCES = 20_000


class Settles(Protocol):
    def settle(self, reservation: "Reservation", *, tokens: int, spent_nano: int) -> None: ...


@dataclass(slots=True, eq=False)
class Reservation:
    """What is held for one call. To be settled once, when it is known what was used; it never waits."""

    subject: Subject
    taken_ms: int
    tokens: int
    nano: int
    keeper: Settles
    balance: "Balance | None"  # of the month; None without a budget
    epoch: int = 0  # of the shared counter that holds it; 0: it is held by this process
    is_settled: bool = False

    def settle(self, *, tokens: int, cost_usd: Decimal | None) -> None:
        """A cost that is not known counts as what was held for it: never as nothing."""
        if not self.is_settled:
            self.is_settled = True
            self.keeper.settle(self, tokens=tokens, spent_nano=self.nano if cost_usd is None else ceil_nano(cost_usd))

    def release(self) -> None:
        """Nothing was used."""
        self.settle(tokens=0, cost_usd=Decimal(0))


@dataclass(slots=True)
class Balance:
    """One subject's month, as this process last saw it. `spent` is never more than what was really spent."""

    month: datetime
    spent: int = 0
    held: int = 0
    epoch: int = 0
    is_known: bool = False
    owed: int = 0  # spent while the shared counter was out of reach, to be told when it is back
    away_from: int | None = None  # spent and held when it went out of reach
    live: set[Reservation] = field(default_factory=set)

    def learn(self, spent: int) -> None:
        """What the ledger says."""
        self.spent = max(self.spent, spent)
        self.is_known = True

    def note(self, reading: Reading) -> list[Reservation]:
        """Takes in what the shared counter says; returns the reservations that it does not hold (any more)."""
        if reading.epoch != self.epoch and self.epoch:
            self.owed = 0  # the counter was made anew, from the ledger
        self.learn(reading.spent_nano)
        self.held, self.epoch, self.away_from = reading.held_nano, reading.epoch, None
        adrift = [each for each in self.live if each.epoch != self.epoch]
        for each in adrift:
            each.epoch = self.epoch
        return adrift

    def drop(self, reservation: Reservation, spent: int) -> None:
        """A call has ended: what was held for it is what was spent."""
        self.live.discard(reservation)
        self.spent += spent
        if reservation.epoch == self.epoch:
            self.held = max(0, self.held - reservation.nano)

    def take_owed(self) -> int:
        owed, self.owed = self.owed, 0
        return owed


class Balances:
    """Bounded: who was not seen for longest is forgotten, and read from the ledger when seen again."""

    def __init__(self) -> None:
        self._known: OrderedDict[Subject, Balance] = OrderedDict()

    def of(self, subject: Subject, now_ms: int) -> Balance:
        balance, month = self._known.get(subject), month_of(now_ms)
        if balance is None or balance.month != month:
            balance = self._known[subject] = Balance(month)
            if len(self._known) > _MOST_BALANCES:
                self._known.popitem(last=False)
        self._known.move_to_end(subject)
        return balance
