"""Whether, when and how often a failed call is worth another."""

from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus

from acron_site.lib.errors import (
    AcronError,
    OverloadedError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)

_OVERLOADED = 529  # Anthropic's
_CREDENTIALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})
_BASE_SECONDS, _LONGEST_JITTER_SECONDS = 0.25, 2.0
# the budget counts in hundredths of a retry
_ONE_RETRY = 100


class Failure(StrEnum):
    """What kind of failure it was, which decides what may be tried."""

    TRANSIENT = "transient"  # 5xx, a broken connection, garbage: the next call may succeed
    TIMEOUT = "timeout"  # no answer in time: there is no time left to wait there again
    BUSY = "busy"  # too many calls: later, or elsewhere
    CREDENTIALS = "credentials"  # our key is refused or has no credit: elsewhere only
    CALLER = "caller"  # the request is refused: everywhere and always


def classify(error: AcronError, status: int | None) -> Failure:
    """`status` is that of the provider's refusal; None when it failed otherwise."""
    if status is None:
        return _of_error(error)
    if status in _CREDENTIALS or status < HTTPStatus.BAD_REQUEST:  # a redirect: the address is wrong, not the moment
        return Failure.CREDENTIALS
    if status in (HTTPStatus.TOO_MANY_REQUESTS, _OVERLOADED):
        # a quota that is used up is told as 429 too, and read as an UpstreamError by `providers.refusals`
        return Failure.CREDENTIALS if isinstance(error, UpstreamError) else Failure.BUSY
    if status == HTTPStatus.SERVICE_UNAVAILABLE and error.headers.get("Retry-After"):
        return Failure.BUSY
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Failure.TRANSIENT
    return Failure.CREDENTIALS if isinstance(error, UpstreamError) else Failure.CALLER


def _of_error(error: AcronError) -> Failure:
    if isinstance(error, UpstreamTimeoutError):
        return Failure.TIMEOUT
    if isinstance(error, RateLimitedError | OverloadedError):
        return Failure.BUSY
    return Failure.TRANSIENT if isinstance(error, UpstreamError) else Failure.CALLER


def pause_seconds(
    number: int, *, retry_after: str | None, longest_wait_seconds: float, random: Callable[[], float]
) -> float | None:
    """How long to wait after attempt `number` before the same place is asked again; None: it is not worth it.

    Exponential with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), unless
    the provider says how long: then so long, if that is not too long for a caller who waits.
    """
    if retry_after is not None:
        asked = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
        return asked if asked is not None and asked <= longest_wait_seconds else None
    jitter = min(_BASE_SECONDS * 2 ** (number - 1), _LONGEST_JITTER_SECONDS, longest_wait_seconds)
    return float(random() * jitter)


class RetryBudget:
    """Keeps retries a share of requests, so that they do not multiply the load on a provider that is down.

    Each request pays in `percent` hundredths of a retry; `reserve` retries are there from the start.
    """

    def __init__(self, percent: int = 20, *, reserve: int = 3, most: int = 100) -> None:
        self._percent, self._most = percent, most * _ONE_RETRY
        self._balance = reserve * _ONE_RETRY

    def note_request(self) -> None:
        self._balance = min(self._balance + self._percent, self._most)

    def take(self) -> bool:
        """Whether there is one to spend; it is spent then."""
        if self._balance < _ONE_RETRY:
            return False
        self._balance -= _ONE_RETRY
        return True
