"""What this process knows of the health of each deployment: its breaker, and until when it wants to be left alone."""

from collections.abc import Callable
from heapq import nlargest, nsmallest
from typing import NamedTuple, Protocol

from inference.resilience.breaker import REFUSED, Breaker, Rules
from inference.resilience.retries import Failure

_MOST_DEPLOYMENTS = 5_000  # keys of organizations make deployments of their own
_IDLE_SECONDS = 120.0
_LONGEST_COOLDOWN_SECONDS = 60.0
_DEFAULT_COOLDOWN_SECONDS = 1.0


class Listener(Protocol):
    """Is told of each change. `is_heard`: it came from another worker, so need not be told on."""

    def opened(self, deployment_id: str, *, until: float, is_heard: bool) -> None: ...

    def closed(self, deployment_id: str, *, is_heard: bool) -> None: ...

    def gave_back_probe(self, deployment_id: str) -> None:
        """A probe ended without a verdict, so another may go."""
        ...


class Cooldowns:
    """Deployments that asked to be left alone. Others are preferred meanwhile; the last one is used all the same."""

    def __init__(self, *, most: int = _MOST_DEPLOYMENTS) -> None:
        self._most = most
        self._until: dict[str, float] = {}

    def start(self, deployment_id: str, now: float, seconds: float | None) -> None:
        if len(self._until) >= self._most:
            self._until = {known: until for known, until in self._until.items() if until > now}
        if len(self._until) < self._most:
            length = _DEFAULT_COOLDOWN_SECONDS if seconds is None else min(seconds, _LONGEST_COOLDOWN_SECONDS)
            self._until[deployment_id] = max(now + length, self._until.get(deployment_id, 0.0))

    def is_cooling(self, deployment_id: str, now: float) -> bool:
        until = self._until.get(deployment_id)
        if until is None:
            return False
        if until <= now:
            del self._until[deployment_id]
        return until > now


class _Seat:
    """A breaker and when it was last asked."""

    __slots__ = ("breaker", "used_at")

    def __init__(self, breaker: Breaker, used_at: float) -> None:
        self.breaker, self.used_at = breaker, used_at


class Ticket(NamedTuple):
    """One call that may go ahead; give it back by `report` or `withdraw`."""

    deployment_id: str
    breaker: Breaker
    number: int
    begun: float
    is_probe: bool


class Board:
    """The breakers and cooldowns of one process, by deployment."""

    def __init__(self, rules: Rules, *, random: Callable[[], float], most: int = _MOST_DEPLOYMENTS) -> None:
        self._rules, self._random, self._most = rules, random, most
        self._seats: dict[str, _Seat] = {}
        self._cooldowns = Cooldowns(most=most)
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def allows(self, deployment_id: str, now: float) -> bool:
        seat = self._seats.get(deployment_id)
        return seat is None or seat.breaker.allows(now)

    def is_cooling(self, deployment_id: str, now: float) -> bool:
        return self._cooldowns.is_cooling(deployment_id, now)

    def opens_in_seconds(self, deployment_id: str, now: float) -> float:
        """When the next call may try a deployment that is shut out."""
        seat = self._seats.get(deployment_id)
        return 0.0 if seat is None else max(0.0, seat.breaker.until - now)

    def enter(self, deployment_id: str, now: float) -> Ticket | None:
        """None: its breaker is open."""
        seat = self._seats.get(deployment_id) or self._new_seat(deployment_id, now)
        seat.used_at = now
        breaker = seat.breaker
        number = breaker.enter(now)
        if number == REFUSED:
            return None
        return Ticket(deployment_id, breaker, number, now, breaker.is_probe(number))

    def report(
        self, ticket: Ticket, now: float, failure: Failure | None = None, *, retry_after: float | None = None
    ) -> None:
        """How the call ended; no failure: well. `retry_after` is what a busy provider asked for."""
        if failure is Failure.BUSY:
            self._cooldowns.start(ticket.deployment_id, now, retry_after)
        breaker, period = ticket.breaker, ticket.breaker.period
        breaker.report(ticket.number, now, failure, begun=ticket.begun)
        if breaker.period != period:
            self._tell(ticket.deployment_id, breaker, is_heard=False)
        elif ticket.is_probe:
            self._tell_of_probe(ticket)

    def withdraw(self, ticket: Ticket) -> None:
        """The caller has left before anything could be said."""
        ticket.breaker.withdraw(ticket.number)
        if ticket.is_probe:
            self._tell_of_probe(ticket)

    # what other workers know

    def recent(self, now: float, *, within_seconds: float, most: int) -> dict[str, Breaker]:
        """The breakers in use, those used last if there are too many."""
        used = [(seat.used_at, name) for name, seat in self._seats.items() if now - seat.used_at <= within_seconds]
        chosen = used if len(used) <= most else nlargest(most, used)
        return {name: self._seats[name].breaker for _, name in chosen}

    def hear_open(self, deployment_id: str, *, until: float, now: float) -> None:
        seat = self._seats.get(deployment_id)
        if seat is not None:
            was_closed = seat.breaker.is_closed
            seat.breaker.hear_open(until, now)
            if was_closed:
                self._tell(deployment_id, seat.breaker, is_heard=True)

    def hear_closed(self, deployment_id: str) -> None:
        seat = self._seats.get(deployment_id)
        if seat is not None and not seat.breaker.is_closed:
            seat.breaker.close()
            self._tell(deployment_id, seat.breaker, is_heard=True)

    def _tell(self, deployment_id: str, breaker: Breaker, *, is_heard: bool) -> None:
        for listener in self._listeners:
            if breaker.is_closed:
                listener.closed(deployment_id, is_heard=is_heard)
            else:
                listener.opened(deployment_id, until=breaker.until, is_heard=is_heard)

    def _tell_of_probe(self, ticket: Ticket) -> None:
        for listener in self._listeners:
            listener.gave_back_probe(ticket.deployment_id)

    def _new_seat(self, deployment_id: str, now: float) -> _Seat:
        if len(self._seats) >= self._most:
            self._make_room(now)
        seat = self._seats[deployment_id] = _Seat(Breaker(self._rules, random=self._random), now)
        return seat

    def _make_room(self, now: float) -> None:
        """Forgets healthy ones that nobody asks for, else those that were asked least recently."""
        idle = [
            name for name, seat in self._seats.items() if seat.breaker.is_closed and now - seat.used_at > _IDLE_SECONDS
        ]
        oldest = idle or nsmallest(1 + self._most // 10, self._seats, key=lambda name: self._seats[name].used_at)
        for name in oldest:
            del self._seats[name]
