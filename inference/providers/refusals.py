"""Turns a provider's refusal into the error our caller should see."""

import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from acron_site.lib.errors import (
    AcronError,
    ConflictError,
    InvalidRequestError,
    OverloadedError,
    RateLimitedError,
    RequestTooLargeError,
    UnknownModelError,
    UnsupportedMediaTypeError,
    UpstreamError,
    UpstreamTimeoutError,
)

_MAX_MESSAGE = 1000
_MAX_PARAM = 100
_MAX_RETRY_AFTER_SECONDS = 86_400
_DEFAULT_RETRY_AFTER_SECONDS = 1

# anything that looks like a key, masked ones like `sk-ab***yz` too
_SECRET = re.compile(
    r"(?i)\bbearer\s+\S+|\b(?:sk|pk|rk|ak|key|xai|gsk|pplx|hf|api)[-_][\w*.-]{6,}|\bAIza[\w-]{20,}|\w*\*{4,}\w*"
)
_HTTP_DATE = re.compile(r"[A-Za-z]{3}, [0-9]{2} [A-Za-z]{3} [0-9]{4} [0-9:]{8} GMT")


class ContextLengthExceededError(InvalidRequestError):
    """The prompt is too long for the model; clients know this code and shorten the conversation."""

    code = "context_length_exceeded"


# refusals the caller can mend: they see the provider's own words
_CALLERS_FAULT: dict[int, type[AcronError]] = {
    400: InvalidRequestError,
    404: UnknownModelError,
    409: ConflictError,
    413: RequestTooLargeError,
    415: UnsupportedMediaTypeError,
    422: InvalidRequestError,
}
_OVERLOADED = 529  # Anthropic's
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, _OVERLOADED})
_BAD_CREDENTIALS = frozenset({401, 403})
_NO_CREDIT = ("insufficient_quota", "credit balance", "billing_error")


class Refusals:
    """Reads the refusals of one provider. `key_name` is the variable that holds the operator's key there."""

    def __init__(self, provider: str, key_name: str, *, is_own_key: bool = False) -> None:
        self._provider = provider
        operators_key = key_name or "the provider's API key"
        self._whose, self._check_key, self._check_billing, self._check_address = (
            (
                "your organization",
                "replace them under /settings/providers",
                f"check your billing at {provider}",
                "correct its address under /settings/providers if it is an endpoint of your own, else ask the operator",
            )
            if is_own_key
            else (
                "this installation",
                f"ask the operator to check {operators_key}",
                "ask the operator to check its billing",
                "ask the operator to correct its base_url",
            )
        )

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> AcronError:
        """For a status that is no success."""
        details = _details(body)
        if status in _BAD_CREDENTIALS:
            return UpstreamError(
                f"{self._provider} refused {self._whose}'s credentials (status {status}); {self._check_key}"
            )
        if status == HTTPStatus.PAYMENT_REQUIRED or any(mark in f"{details}".lower() for mark in _NO_CREDIT):
            return UpstreamError(
                f"{self._provider} refuses because the account of {self._whose} has no credit left; "
                f"{self._check_billing}"
            )
        if status in _BUSY or (status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers):
            return self._busy(status, headers, details)
        if status in _CALLERS_FAULT and (message := _message(details)):
            return _callers_fault(status, details, message)
        return self._failure(status, headers)

    def stream_error(self, document: Any) -> UpstreamError:
        """For an error that arrives in the middle of a stream."""
        message = _message(document) or "it gave no reason"
        return UpstreamError(f"{self._provider} broke the answer off: {message}; try again")

    def _busy(self, status: int, headers: Mapping[str, str], details: Any) -> AcronError:
        pause = {"Retry-After": _retry_after(headers)}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            message = _message(details) or f"{self._provider} takes no more requests for now; try again later"
            return RateLimitedError(message, headers=pause)
        return OverloadedError(f"{self._provider} is overloaded; try again later", headers=pause)

    def _failure(self, status: int, headers: Mapping[str, str]) -> AcronError:
        if status < HTTPStatus.BAD_REQUEST:
            return UpstreamError(
                f"{self._provider} answered with a redirect, and redirects are not followed; {self._check_address}"
            )
        if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT):
            return UpstreamTimeoutError(f"{self._provider} gave up waiting (status {status}); try again")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            pause = {"Retry-After": _retry_after(headers)} if headers.get("retry-after") else {}
            return UpstreamError(
                f"{self._provider} failed (status {status}); try again, or choose a model of another provider",
                headers=pause,
            )
        return UpstreamError(f"{self._provider} answered {status} without a reason; {self._check_address}")


def _callers_fault(status: int, details: Any, message: str) -> AcronError:
    param = details.get("param") if isinstance(details, dict) else None
    kind = _CALLERS_FAULT[status]
    if isinstance(details, dict) and details.get("code") == ContextLengthExceededError.code:
        kind = ContextLengthExceededError
    return kind(message, param=_clean(param)[:_MAX_PARAM] if isinstance(param, str) else None)


def _details(body: bytes) -> Any:
    """The error object of a refusal: OpenAI's, Anthropic's, or what compatible servers make of it."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document.get("error") or document if isinstance(document, dict) else None


def _message(details: Any) -> str:
    if isinstance(details, dict):
        details = details.get("message") or details.get("detail") or details.get("error")
    return _clean(details) if isinstance(details, str) else ""


def _clean(text: str) -> str:
    """Short, on one line, and without anything that looks like a key."""
    shown = " ".join(text[: 2 * _MAX_MESSAGE].split())
    shown = _SECRET.sub("[key]", shown)
    return shown if len(shown) <= _MAX_MESSAGE else shown[: _MAX_MESSAGE - 1] + "…"


def _retry_after(headers: Mapping[str, str]) -> str:
    given = headers.get("retry-after", "").strip()
    if _HTTP_DATE.fullmatch(given):
        return given
    try:
        seconds = math.ceil(float(given))
    except (ValueError, OverflowError):
        return str(_DEFAULT_RETRY_AFTER_SECONDS)
    return str(min(max(seconds, 0), _MAX_RETRY_AFTER_SECONDS))
