"""Texts that wait to be placed: those that somebody's request waits for go first."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# of all workers together; each has a bound of its own, `embeddings.max_waiting`
_MOST_WAITING: Final = 1024
_MOST_WAITING_LETTERS: Final = 8 * 1024 * 1024
# of one text, before any was placed
_FIRST_GUESS_SECONDS: Final = 0.01
# how much of what is usual the last text tells
_NEWS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Job:
    text: str
    is_awaited: bool
    until: float  # nobody wants it afterwards
    reply: Callable[[bytes], None]
    number: int


class Desk:
    """In order of arrival, but for those that nobody waits for."""

    def __init__(self) -> None:
        self._awaited: deque[Job] = deque()
        self._others: deque[Job] = deque()
        self._waiting_letters = 0
        self._usual_seconds = _FIRST_GUESS_SECONDS

    def __len__(self) -> int:
        return len(self._awaited) + len(self._others)

    def take(self, job: Job, *, now: float) -> bool:
        """False where it would wait in vain: who knows so at once can go on at once."""
        is_full = len(self) >= _MOST_WAITING or self._waiting_letters + len(job.text) > _MOST_WAITING_LETTERS
        ahead = len(self._awaited) + (0 if job.is_awaited else len(self._others))
        if is_full or now + ahead * self._usual_seconds > job.until:
            return False
        (self._awaited if job.is_awaited else self._others).append(job)
        self._waiting_letters += len(job.text)
        return True

    def next(self) -> Job | None:
        waiting = self._awaited or self._others
        if not waiting:
            return None
        job = waiting.popleft()
        self._waiting_letters -= len(job.text)
        return job

    def learn(self, seconds: float) -> None:
        """How long the last text took."""
        self._usual_seconds += (seconds - self._usual_seconds) * _NEWS
