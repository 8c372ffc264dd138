"""How quickly each deployment has answered lately, as far as this process has seen.

Only what the operator's own keys meet is seen here: how an organization's key or endpoint fares is nobody else's
business.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import exp2, log2

from inference.catalog import Model

# under this name an ask carries what is typical while it is served
TYPICAL = "typical"
# with fewer calls than this nothing is said; as many calls as this a figure of the catalogue is worth
ENOUGH_CALLS = 20

_HALF_LIFE_SECONDS = 300.0
_SNAPSHOT_SECONDS = 1.0
# each bucket ends a fifth above its beginning; there are enough for any figure, so that none needs to be held back
_PER_DOUBLING = 4
_BUCKETS = 256


@dataclass(frozen=True, slots=True)
class Spread:
    """Of what was measured: half is below `p50`, all but a twentieth below `p95`. Right to a tenth."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly a deployment answers. The last two are known of streams only."""

    calls: int  # lately: older ones count for less
    latency_ms: Spread  # of whole answers
    first_token_ms: Spread | None
    tokens_per_second: Spread | None  # after the first


@dataclass(frozen=True, slots=True, eq=False)
class Typical:
    """What is typical of models just now: the pace of the quickest deployment of each, by the model's name."""

    paces: Mapping[str, Pace] = field(default_factory=dict)

    def latency_ms(self, model: Model) -> int:
        """Of a whole answer. What is measured outweighs the catalogue's figure the more, the more calls there were."""
        pace = self.paces.get(model.name)
        if pace is None:
            return model.latency_ms
        measured = pace.latency_ms.p50
        weight = pace.calls / (pace.calls + ENOUGH_CALLS) if model.latency_ms else 1.0
        return round(model.latency_ms + weight * (measured - model.latency_ms))


AS_LISTED = Typical()


class Latencies:
    """Fed with each whole answer; read at most once a second, whoever asks how often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._typical, self._typical_until = AS_LISTED, 0.0

    def saw(
        self, deployment_id: str, model: str, *, latency_ms: float, first_token_ms: float | None, tokens: int
    ) -> None:
        """An answer of so many tokens. `first_token_ms`: of a stream."""
        now = self._clock()
        seen = self._seen.get(deployment_id)
        if seen is None:
            seen = self._seen[deployment_id] = _Seen(model, now)
        elif now >= seen.halved_at + _HALF_LIFE_SECONDS:
            seen.halve(now)
        seen.pace = None
        # written out: this is done for each answer
        seen.latency[int(log2(latency_ms + 1.0) * _PER_DOUBLING)] += 1.0
        if first_token_ms is None:
            return
        seen.first_token[int(log2(first_token_ms + 1.0) * _PER_DOUBLING)] += 1.0
        if latency_ms > first_token_ms:
            speed = tokens * 1000.0 / (latency_ms - first_token_ms)
            seen.speed[int(log2(speed + 1.0) * _PER_DOUBLING)] += 1.0

    def typical(self) -> Typical:
        """The same one for as long as nothing has changed."""
        now = self._clock()
        if now >= self._typical_until:
            self._typical_until = now + _SNAPSHOT_SECONDS
            paces = self._paces(now)
            if paces != self._typical.paces:
                self._typical = Typical(paces)
        return self._typical

    def _paces(self, now: float) -> dict[str, Pace]:
        quickest: dict[str, Pace] = {}
        for seen in self._seen.values():
            pace, known = seen.measured(now), quickest.get(seen.model)
            if pace is not None and (known is None or pace.latency_ms.p50 < known.latency_ms.p50):
                quickest[seen.model] = pace
        return quickest


class _Seen:
    """What was measured at one deployment: how many calls fell into each bucket."""

    __slots__ = ("first_token", "halved_at", "latency", "model", "pace", "speed")

    def __init__(self, model: str, now: float) -> None:
        self.model, self.halved_at = model, now
        self.latency, self.first_token, self.speed = [0.0] * _BUCKETS, [0.0] * _BUCKETS, [0.0] * _BUCKETS
        self.pace: Pace | None = None  # until something changes

    def halve(self, now: float) -> None:
        """Once for each half-life that has passed."""
        times = int((now - self.halved_at) / _HALF_LIFE_SECONDS)
        if not times:
            return
        self.halved_at += times * _HALF_LIFE_SECONDS
        self.pace, left = None, 0.5**times
        for counts in (self.latency, self.first_token, self.speed):
            counts[:] = [count * left for count in counts]

    def measured(self, now: float) -> Pace | None:
        """None while there were too few calls."""
        self.halve(now)
        if self.pace is None and (latency := _spread(self.latency)) is not None:
            calls = round(sum(self.latency))
            self.pace = Pace(calls, latency, _spread(self.first_token), _spread(self.speed))
        return self.pace


def _spread(counts: list[float]) -> Spread | None:
    passed = list(accumulate(counts))
    total = passed[-1]
    if total < ENOUGH_CALLS:
        return None
    return Spread(_middle(bisect_left(passed, total * 0.5)), _middle(bisect_left(passed, total * 0.95)))


def _middle(bucket: int) -> float:
    return round(exp2((bucket + 0.5) / _PER_DOUBLING) - 1.0, 1)
