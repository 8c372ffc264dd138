"""Leaves a store alone for a moment when it fails again and again."""

import logging
from collections.abc import Callable
from math import inf

logger = logging.getLogger(__name__)


class Breaker:
    """After `most_failures` in a row nothing is tried for `rest_seconds`; then one tries, the others go on resting.

    `clock` counts seconds and never goes back.
    """

    def __init__(
        self, name: str, *, clock: Callable[[], float], most_failures: int = 3, rest_seconds: float = 1.0
    ) -> None:
        self._name, self._clock = name, clock
        self._most_failures, self._rest_seconds = most_failures, rest_seconds
        self._in_a_row = 0
        self._rests_until = -inf
        self.failures = 0  # since this process started

    def admits(self) -> bool:
        """Whether to try. Say afterwards how it went."""
        if self._in_a_row < self._most_failures:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + self._rest_seconds
        return True

    def note_success(self) -> None:
        if self._in_a_row >= self._most_failures:
            logger.info("cache.store_up", extra={"store": self._name, "failures": self.failures})
        self._in_a_row = 0

    def note_failure(self, cause: str) -> None:
        self.failures += 1
        self._in_a_row += 1
        self._rests_until = self._clock() + self._rest_seconds
        if self._in_a_row == self._most_failures:
            logger.warning("cache.store_down", extra={"store": self._name, "cause": cause})
