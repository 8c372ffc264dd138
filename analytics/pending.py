"""Lines that wait in memory for the journal."""

import threading
import time
from collections import deque
from collections.abc import Callable

_MAX_BYTES = 32 * 1024 * 1024
_MAX_ROWS = 256


class Pending:
    """Bounded: when it is full, rows of unpaid answers go first, the oldest before the others."""

    def __init__(
        self,
        max_age_seconds: float,
        *,
        max_bytes: int = _MAX_BYTES,
        max_rows: int = _MAX_ROWS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_age_seconds, self._max_bytes, self._max_rows = max_age_seconds, max_bytes, max_rows
        self._clock = clock
        self._lock = threading.Lock()
        self._paid: deque[bytes] = deque()
        self._unpaid: deque[bytes] = deque()
        self._bytes = 0
        self._oldest_at = 0.0
        self.dropped_unpaid = self.dropped_paid = 0

    def __len__(self) -> int:
        return len(self._paid) + len(self._unpaid)

    @property
    def is_due(self) -> bool:
        """Whether the lines should be written without waiting for the next tick."""
        return len(self) >= self._max_rows or (
            len(self) > 0 and self._clock() - self._oldest_at >= self._max_age_seconds
        )

    def add(self, line: bytes, *, is_paid: bool) -> None:
        with self._lock:
            if not self:
                self._oldest_at = self._clock()
            (self._paid if is_paid else self._unpaid).append(line)
            self._bytes += len(line)
            while self._bytes > self._max_bytes:
                self._drop()

    def take(self, at_most: int) -> "Taken":
        """Hands lines over, paid ones first."""
        with self._lock:
            paid = [self._paid.popleft() for _ in range(min(at_most, len(self._paid)))]
            unpaid = [self._unpaid.popleft() for _ in range(min(at_most - len(paid), len(self._unpaid)))]
            self._bytes -= sum(map(len, paid)) + sum(map(len, unpaid))
            self._oldest_at = self._clock()
            return Taken(paid, unpaid)

    def give_back(self, taken: "Taken") -> None:
        for line in taken.paid:
            self.add(line, is_paid=True)
        for line in taken.unpaid:
            self.add(line, is_paid=False)

    def _drop(self) -> None:
        if self._unpaid:
            self._bytes -= len(self._unpaid.popleft())
            self.dropped_unpaid += 1
        else:
            self._bytes -= len(self._paid.popleft())
            self.dropped_paid += 1


class Taken:
    """Lines on their way to the journal."""

    def __init__(self, paid: list[bytes], unpaid: list[bytes]) -> None:
        self.paid, self.unpaid = paid, unpaid

    @property
    def lines(self) -> bytes:
        return b"".join((*self.paid, *self.unpaid))

    def __len__(self) -> int:
        return len(self.paid) + len(self.unpaid)
