"""The circuit breaker of one deployment: shut out while it is sick, tried by one call at a time, back when well."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from inference.resilience.retries import Failure

REFUSED = 0
_WINDOW_SECONDS = 10
_SICK_SHARE = 0.5
_JITTER = 0.1  # of the time it stays open: workers do not all come back at once
_RUN = 2  # so many times `failures` without one success open it, however much went well before


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker opens, and for how long at most."""

    failures: int = 5
    open_seconds: float = 30.0
    probe_seconds: float = 5.0  # a probe that hangs for so long no longer keeps others from trying


class Breaker:
    """`enter` before a call, then `report` or `withdraw` with the number that it gave.

    Numbers tell what a call belongs to: one that began before the last change of state says nothing any more.
    """

    __slots__ = (
        *("is_closed", "period", "until", "_last", "_probe", "_probe_until", "_random", "_rules"),
        *("_calls", "_failures", "_run", "_seconds", "_is_late_news", "_sick_begun", "_well_begun"),
    )

    def __init__(self, rules: Rules, *, random: Callable[[], float]) -> None:
        self._rules, self._random = rules, random
        self.is_closed = True
        self.until = 0.0  # while open: when the first probe may go
        self._last = self.period = 1  # the last number given; that of the last change of state
        self._probe, self._probe_until = REFUSED, 0.0
        self._run = 0  # failures since the last success
        # when the latest call began that failed, and that went well
        self._sick_begun = self._well_begun = -inf
        self._is_late_news = False  # what opened it were failures of calls that began long before
        self._forget()

    def allows(self, now: float) -> bool:
        return self.is_closed or self._is_probe_due(now)

    def enter(self, now: float) -> int:
        """The number of a call that may go ahead, else REFUSED."""
        if self.is_closed:
            return self.period
        if not self._is_probe_due(now):
            return REFUSED
        self._last += 1
        self._probe, self._probe_until = self._last, now + self._rules.probe_seconds
        return self._probe

    def is_probe(self, number: int) -> bool:
        return not self.is_closed and number > self.period

    def report(self, number: int, now: float, failure: Failure | None, *, begun: float) -> None:
        """How the call that `begun` then has ended; no failure: well."""
        if self.is_probe(number):
            self._judge(number, now, failure, begun=begun)
        elif not self.is_closed:
            self._reconsider(failure, begun=begun)
        elif number == self.period:
            self._note(now, failure, begun=begun)

    def withdraw(self, number: int) -> None:
        """The caller has left before anything could be said."""
        if number == self._probe:
            self._probe = REFUSED

    def hear_open(self, until: float, now: float) -> None:
        """Another worker has opened its own, or its probe has failed."""
        if self.is_closed:
            self._change(is_closed=False)
            self.until, self._is_late_news = 0.0, False
        self.until = max(self.until, min(until, now + self._rules.open_seconds))

    def close(self) -> None:
        self._change(is_closed=True)

    def _is_probe_due(self, now: float) -> bool:
        return now >= self.until and (self._probe == REFUSED or now >= self._probe_until)

    def _note(self, now: float, failure: Failure | None, *, begun: float) -> None:
        if failure is None:
            self._well_begun = max(self._well_begun, begun)
            self._run = 0
            self._count(now, failures=0)
        elif failure.is_sickness and not self._is_past(now, begun=begun):
            self._sick_begun = max(self._sick_begun, begun)
            self._run += 1
            self._count(now, failures=1)
            if self._is_sick(int(now)):
                self._open(now)

    def _judge(self, number: int, now: float, failure: Failure | None, *, begun: float) -> None:
        # a success counts from every probe: an answer may take longer than the others were kept waiting
        if failure is None:
            self.close()
        elif failure.is_sickness and number == self._probe:
            self._sick_begun = begun
            self._open(now)
        else:
            self.withdraw(number)

    # time-outs tell of the past: what they say may long be over when they come

    def _is_past(self, now: float, *, begun: float) -> bool:
        """Whether a call that failed after long waiting is refuted by one that began later and went well."""
        return now - begun > _WINDOW_SECONDS and self._well_begun > begun

    def _reconsider(self, failure: Failure | None, *, begun: float) -> None:
        """A call from before it opened goes well, and began after all those that had failed."""
        if failure is None and self._is_late_news and begun > self._sick_begun:
            self.close()

    def _open(self, now: float) -> None:
        self._is_late_news = now - self._sick_begun > _WINDOW_SECONDS
        self._change(is_closed=False)
        self.until = now + self._rules.open_seconds * (1 - _JITTER * self._random())

    def _change(self, *, is_closed: bool) -> None:
        self.is_closed = is_closed
        self._last += 1
        self.period = self._last
        self._probe = REFUSED
        if is_closed:
            self._sick_begun = -inf
        self._forget()

    # the window: one bucket a second

    def _forget(self) -> None:
        self._seconds = [-1] * _WINDOW_SECONDS
        self._calls = [0] * _WINDOW_SECONDS
        self._failures = [0] * _WINDOW_SECONDS
        self._run = 0

    def _count(self, now: float, *, failures: int) -> None:
        second = int(now)
        bucket = second % _WINDOW_SECONDS
        if self._seconds[bucket] != second:
            self._seconds[bucket], self._calls[bucket], self._failures[bucket] = second, 0, 0
        self._calls[bucket] += 1
        self._failures[bucket] += failures

    def _is_sick(self, second: int) -> bool:
        if self._run >= _RUN * self._rules.failures:
            return True
        recent = [bucket for bucket, then in enumerate(self._seconds) if second - then < _WINDOW_SECONDS]
        failures = sum(self._failures[bucket] for bucket in recent)
        calls = sum(self._calls[bucket] for bucket in recent)
        return failures >= self._rules.failures and failures >= _SICK_SHARE * calls
