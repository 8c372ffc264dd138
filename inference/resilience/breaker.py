"""Leaves a failing deployment alone for a while, then tries it with one call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference.resilience.retries import Failure

# a busy provider and a refused key are no sign that a deployment is down, and a caller's mistake even less
_COUNTS = frozenset({Failure.TRANSIENT, Failure.TIMEOUT})
_LONGEST_COOLING_SECONDS = 60.0
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Opens after `failures` within `window_seconds`, if they are at least half of the calls."""

    failures: int = 5
    open_seconds: float = 30.0
    window_seconds: float = 10.0


class Breaker:
    """Of one deployment. Closed: calls pass. Open: none does. Half open: one does, and decides."""

    __slots__ = (
        "_calls",
        "_cooling_until",
        "_failures",
        "_open_until",
        "_policy",
        "_probe_until",
        "_window_ends",
        "load",
    )

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._calls = self._failures = (0, 0)  # in the window's first half, in its second
        self._window_ends = 0.0
        self._open_until: float | None = None
        self._probe_until = self._cooling_until = 0.0
        self.load = 0  # calls under way

    @property
    def is_open(self) -> bool:
        """Until a call has succeeded again."""
        return self._open_until is not None

    def allows(self, now: float) -> bool:
        return self._open_until is None or (now >= self._open_until and now >= self._probe_until)

    def opens_in_seconds(self, now: float) -> float:
        """When the next call is let through."""
        return max(0.0, (self._open_until or now) - now, self._probe_until - now)

    def is_cooling(self, now: float) -> bool:
        return now < self._cooling_until

    def began(self, now: float) -> None:
        self.load += 1
        if self._open_until is not None:  # a probe that never ends frees its place after the time of an opening
            self._probe_until = now + self._policy.open_seconds

    def succeeded(self, now: float) -> None:
        self.load -= 1
        self._probe_until = 0.0
        if self._open_until is not None:
            self.close()
        self._count(now, failed=0)

    def failed(self, now: float, failure: Failure, *, retry_after_seconds: float | None) -> None:
        self.load -= 1
        self._probe_until = 0.0
        if failure is Failure.BUSY:
            pause = 1.0 if retry_after_seconds is None else retry_after_seconds
            self._cooling_until = now + min(pause, _LONGEST_COOLING_SECONDS)
        if failure not in _COUNTS:
            return
        if self._open_until is not None:
            self.open(now + self._policy.open_seconds)
            return
        self._count(now, failed=1)
        failures, calls = sum(self._failures), sum(self._calls)
        if failures >= self._policy.failures and 2 * failures >= calls:
            self.open(now + self._policy.open_seconds)

    def left(self) -> None:
        """The caller has left: that says nothing of the deployment."""
        self.load -= 1
        self._probe_until = 0.0

    def open(self, until: float) -> None:
        self._open_until = until

    def close(self) -> None:
        self._open_until = None
        self._calls = self._failures = (0, 0)

    def _count(self, now: float, *, failed: int) -> None:
        half = self._policy.window_seconds / 2
        if now >= self._window_ends:
            is_recent = now < self._window_ends + half
            self._calls = (self._calls[1] if is_recent else 0, 0)
            self._failures = (self._failures[1] if is_recent else 0, 0)
            self._window_ends = now + half
        self._calls = (self._calls[0], self._calls[1] + 1)
        self._failures = (self._failures[0], self._failures[1] + failed)


class Board:
    """The breakers of one process by deployment. `on_change` hears of those that open and close here."""

    def __init__(
        self,
        policy: BreakerPolicy,
        clock: Callable[[], float],
        on_change: Callable[[str, bool], None] = lambda *_: None,
    ) -> None:
        self._policy, self._clock, self.on_change = policy, clock, on_change
        self._breakers: dict[str, Breaker] = {}

    def __getitem__(self, deployment: str) -> Breaker:
        breaker = self._breakers.get(deployment)
        if breaker is None:
            self._forget_idle()
            breaker = self._breakers[deployment] = Breaker(self._policy)
        return breaker

    def now(self) -> float:
        return self._clock()

    def ended(self, deployment: str, failure: Failure | None, *, retry_after_seconds: float | None) -> None:
        """A call is over: it succeeded when `failure` is None."""
        breaker, now = self[deployment], self._clock()
        was_open = breaker.is_open
        if failure is None:
            breaker.succeeded(now)
        else:
            breaker.failed(now, failure, retry_after_seconds=retry_after_seconds)
        if breaker.is_open != was_open:
            self.on_change(deployment, breaker.is_open)

    def heard(self, opened: Mapping[str, float]) -> None:
        """What all workers together leave alone, and for how many seconds more; nothing else is."""
        now = self._clock()
        for deployment, seconds in opened.items():
            if not (breaker := self[deployment]).is_open:
                breaker.open(now + seconds)
        for deployment, breaker in self._breakers.items():
            # one that is about to be tried here is decided by that
            if breaker.is_open and deployment not in opened and not breaker.allows(now):
                breaker.close()

    def _forget_idle(self) -> None:
        """Organizations' own keys make deployments too: without an end they may not be remembered."""
        if len(self._breakers) >= _MOST_REMEMBERED:
            kept = {name: each for name, each in self._breakers.items() if each.load or each.is_open}
            self._breakers = kept
