"""The gates of the semantic tier as requests see them: from memory, with a thread behind."""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol
from uuid import UUID

from caching import gate_rules
from caching.gate_rules import Check, Gate, GateKey, Standing, TierPolicy
from caching.protocols import Namespace
from caching.servings import Serving

logger = logging.getLogger(__name__)

_FRESH_SECONDS = 10.0
_BELIEVED_SECONDS = 600.0
_UNUSED_SECONDS = 600.0
_RECALIBRATED_EVERY_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
_STOP_SECONDS = 5.0
_AT_ONCE = 500


class BookUnavailableError(Exception):
    """The record of gates cannot be read or written just now."""


class GateBook(Protocol):
    """The record of gates. All of it blocks, and raises BookUnavailableError."""

    def read(self, keys: Sequence[GateKey]) -> Mapping[GateKey, Standing]:
        """Of those gates that there are."""
        ...

    def write(self, checks: Sequence[Check]) -> int:
        """Returns how many of them were kept."""
        ...

    def keep_servings(self, servings: Sequence[Serving]) -> None: ...

    def recalibrate(self, key: GateKey) -> Standing | None:
        """Where the gate stands after all checks so far; None where there is none."""
        ...

    def release(self) -> None:
        """Gives back what it holds for the calling thread."""
        ...


@dataclass(slots=True)
class _Known:
    """What this process knows of a gate. `standing`: None while it has not been read, or is not there."""

    standing: Standing | None
    tolerance: float
    used_at: float
    read_at: float = -inf


class Gates:
    """One per process. Nothing of it waits or fails: what is not known is not served.

    A gate in use is read again every 10 seconds, and believed for 10 minutes while that fails.
    """

    def __init__(
        self,
        book: GateBook,
        *,
        space: str,
        likeness_version: str,
        policy: TierPolicy,
        clock: Callable[[], float] = time.monotonic,
        pause_seconds: float = _PAUSE_SECONDS,
        most_checks: int = 10_000,
        most_gates: int = 1_000,
    ) -> None:
        self._book, self._policy, self._clock = book, policy, clock
        self._space, self._likeness_version = space, likeness_version
        self._pause_seconds, self._most_checks = pause_seconds, most_checks
        self._most_gates = most_gates  # of an organization: invented namespaces crowd out their inventor's only
        self._known: defaultdict[UUID, dict[tuple[str, str], _Known]] = defaultdict(dict)
        self._waiting: deque[Check] = deque()
        self._servings: deque[Serving] = deque(maxlen=most_checks)  # beyond it the oldest cannot be complained of
        self._touched: dict[GateKey, float] = {}  # when each may be recalibrated
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_stumbling = False
        self.dropped = 0

    def gate(self, namespace: Namespace, task_type: str, policy: TierPolicy | None = None) -> Gate:
        """Whether a neighbour may be served. `policy`: that of the namespace, else that of the settings."""
        policy, now = policy or self._policy, self._clock()
        known = self._known[namespace.organization_id].get((namespace.name, task_type))
        if known is None:
            return self._unknown(namespace, task_type, policy, now)
        known.used_at, known.tolerance = now, policy.tolerance
        is_believed = now - known.read_at <= _BELIEVED_SECONDS
        return gate_rules.gate(known.standing if is_believed else None, policy)

    def report(self, check: Check) -> None:
        """Hands a check over without waiting for it to be kept."""
        with self._lock:
            if not check.is_sound or len(self._waiting) >= self._most_checks:
                self.dropped += 1
                return
            self._waiting.append(check)
        self._work_in_background()

    def note_serving(self, serving: Serving) -> None:
        """Hands it over without waiting for it to be kept."""
        if serving.is_sound:
            self._servings.append(serving)
            self._work_in_background()

    def stop(self) -> None:
        """Writes what waits, if the record takes it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self.dropped:
            logger.warning("cache.checks_dropped", extra={"count": self.dropped})

    def turn(self) -> None:
        """One round of the background's work: write what waits, move the gates it is about, read those in use."""
        failure = None
        for step in (self._write, self._write_servings, self._recalibrate, self._refresh):
            try:
                step()
            except BookUnavailableError as error:
                failure = error
        self._note(failure)
        self._book.release()

    def _unknown(self, namespace: Namespace, task_type: str, policy: TierPolicy, now: float) -> Gate:
        own = self._known[namespace.organization_id]
        if len(own) < self._most_gates and self._key(namespace, task_type).is_sound:
            own[namespace.name, task_type] = _Known(None, policy.tolerance, used_at=now)
            self._work_in_background()
        return gate_rules.gate(None, policy)

    def _work_in_background(self) -> None:
        with self._lock:
            if (self._thread is None or not self._thread.is_alive()) and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="cache-gates", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while not self._stopping.wait(self._pause_seconds):
            self.turn()
        self.turn()

    def _write(self) -> None:
        """What the record refuses is dropped, so that memory stays bounded."""
        while batch := self._next_batch():
            kept = 0
            try:
                kept = self._book.write(batch)
            finally:
                self.dropped += len(batch) - kept
            for check in batch:
                self._touch(check.key, is_urgent=check.is_complaint)

    def _write_servings(self) -> None:
        """What the record refuses is dropped: it only cannot be complained of."""
        while self._servings:
            self._book.keep_servings([self._servings.popleft() for _ in range(min(_AT_ONCE, len(self._servings)))])

    def _next_batch(self) -> list[Check]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]

    def _touch(self, key: GateKey, *, is_urgent: bool = False) -> None:
        now = self._clock()
        self._touched[key] = now if is_urgent else self._touched.get(key, now + _RECALIBRATED_EVERY_SECONDS)

    def _recalibrate(self) -> None:
        now = self._clock()
        for key in [key for key, at in self._touched.items() if at <= now]:
            standing = self._book.recalibrate(key)
            del self._touched[key]
            self._learn(key, standing, now)

    def _refresh(self) -> None:
        now = self._clock()
        due = [key for key, known in self._in_use(now) if now - known.read_at >= _FRESH_SECONDS]
        for start in range(0, len(due), _AT_ONCE):
            part = due[start : start + _AT_ONCE]
            found = self._book.read(part)
            for key in part:
                self._learn(key, found.get(key), now)

    def _in_use(self, now: float) -> Iterator[tuple[GateKey, _Known]]:
        """Forgets the others."""
        for organization_id, own in list(self._known.items()):
            for place, known in list(own.items()):
                if now - known.used_at > _UNUSED_SECONDS:
                    del own[place]
                else:
                    name, task_type = place
                    yield self._key(Namespace(organization_id, name), task_type), known
            if not own:
                del self._known[organization_id]

    def _learn(self, key: GateKey, standing: Standing | None, now: float) -> None:
        namespace = key.namespace
        known = self._known[namespace.organization_id].get((namespace.name, key.task_type))
        if known is None or key != self._key(namespace, key.task_type):
            return
        known.standing, known.read_at = standing, now
        if standing is not None and standing.tolerance != known.tolerance:
            self._touch(key)  # it was proven for another policy

    def _key(self, namespace: Namespace, task_type: str) -> GateKey:
        return GateKey(namespace, task_type, self._space, self._likeness_version)

    def _note(self, error: BookUnavailableError | None) -> None:
        # once per change, not per turn
        if bool(error) != self._is_stumbling:
            self._is_stumbling = bool(error)
            if error:
                logger.warning("cache.gates_unreachable", extra={"cause": str(error)})
            else:
                logger.info("cache.gates_reachable_again", extra={"dropped": self.dropped})
