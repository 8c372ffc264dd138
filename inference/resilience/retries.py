"""Whether a failed call is tried again, after which pause, and how much of that all requests together may do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus

from acron_site.lib.errors import AcronError, OverloadedError, RateLimitedError, UpstreamError, UpstreamTimeoutError

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 2.0
_LONGEST_WAIT_SECONDS = 5.0
_PARTS = 1000  # a budget is counted in thousandths of a retry: sums of 0.2 as floats fall short of a whole one


class Failure(Enum):
    """Whose fault a failed call is, and so what may be done about it."""

    TRANSIENT = "failed, broke off, could not be reached, or answered nonsense"
    BUSY = "takes no more calls for a while"
    TIMEOUT = "did not answer in time"
    CALLER = "the request cannot be served as it is, by nobody"
    CREDENTIALS = "refuses this installation: its key, its credit or the address it calls"

    @property
    def is_sickness(self) -> bool:
        """Whether it says something about the provider's health, for every caller."""
        return self is Failure.TRANSIENT or self is Failure.TIMEOUT

    @property
    def may_be_retried_here(self) -> bool:
        return self.is_sickness or self is Failure.BUSY

    @property
    def may_go_elsewhere(self) -> bool:
        """To another deployment or a fallback model."""
        return self is not Failure.CALLER


def classify(error: AcronError, *, status: int | None) -> Failure:
    """Of a call that failed with `error`. `status` is the provider's, None where no head of an answer arrived."""
    if isinstance(error, UpstreamTimeoutError):
        return Failure.TIMEOUT
    if isinstance(error, RateLimitedError | OverloadedError) and status is not None:
        return Failure.BUSY
    if not isinstance(error, UpstreamError):
        return Failure.CALLER  # also what we refuse ourselves, before the provider is asked
    if status is not None and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failure.CREDENTIALS
    return Failure.TRANSIENT


def asked_wait_seconds(error: AcronError, *, now: datetime) -> float | None:
    """What the provider's Retry-After asks for, as `Refusals` hands it on: seconds or a date."""
    given = error.headers.get("Retry-After")
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        return _until(given, now)


def _until(date: str, now: datetime) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(date) - now).total_seconds())
    except ValueError:
        return None


def pause_seconds(
    attempt: int,
    *,
    retry_after: float | None,
    random: Callable[[], float],
    longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
) -> float | None:
    """How long to wait after the failed attempt number `attempt` (from 1); None: longer than is worth waiting here.

    Never shorter than what the provider asks for. All of it is jitter otherwise, so that callers do not return in step.
    """
    if retry_after:
        return None if retry_after > longest_wait_seconds else retry_after + random() * _FIRST_PAUSE_SECONDS
    return random() * min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * float(2 ** min(attempt - 1, 10)))


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a whole request has to be over, on the clock that `now` comes from."""

    at: float

    @classmethod
    def after(cls, seconds: float, now: float) -> "Deadline":
        return cls(now + seconds)

    def remaining(self, now: float) -> float:
        return max(0.0, self.at - now)

    def allows(self, seconds: float, now: float) -> bool:
        """Whether something is left after another `seconds`."""
        return now + seconds < self.at


class RetryBudget:
    """Retries are a share of the requests, so that they cannot multiply the load of a provider that is down.

    Every request pays in `ratio`; a retry costs one. `reserve` is there from the start, `most` is what can be saved up.
    """

    __slots__ = ("_deposit", "_most", "_saved")

    def __init__(self, ratio: float = 0.2, reserve: float = 3, *, most: float = 20) -> None:
        self._deposit, self._most = round(ratio * _PARTS), round(most * _PARTS)
        self._saved = min(round(reserve * _PARTS), self._most)

    def note_request(self) -> None:
        self._saved = min(self._saved + self._deposit, self._most)

    def take(self) -> bool:
        """Whether one more call may be made for a request that has had one."""
        if self._saved < _PARTS:
            return False
        self._saved -= _PARTS
        return True
