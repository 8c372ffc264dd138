"""Tries a key at its provider, with the provider's own SDK and the cheapest call that needs a key."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from acron_site.lib.errors import OverloadedError
from inference.catalog import ProviderEntry

LIMIT_SECONDS = 10.0
_MOST_AT_ONCE = 8
_LEAST_REFUSAL = 400

OK = "ok"
_TIMED_OUT = "no answer within {:g} s; try again"

_running = threading.BoundedSemaphore(_MOST_AT_ONCE)


class _RefusedError(Exception):
    """The provider answered with this status. Its words are left out: they may repeat the key."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _UnreachableError(Exception):
    """No connection, or one that broke."""


class _SilentError(Exception):
    """The SDK gave up waiting."""


class _UnexpectedError(Exception):
    """An answer that is none of this provider's."""


_Call = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`says` is fit to be shown and kept: never a part of the key, nor anything the provider wrote."""

    says: str

    @property
    def is_ok(self) -> bool:
        return self.says == OK


def check(provider: ProviderEntry, secret: str, *, limit_seconds: float = LIMIT_SECONDS) -> Outcome:
    """Returns after `limit_seconds` at the latest. Raises OverloadedError when too many wait already."""
    call = _prepared(provider, secret, limit_seconds)
    if not _running.acquire(blocking=False):
        raise OverloadedError(
            "too many connections are being tested just now; try again shortly", headers={"Retry-After": "5"}
        )
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def work() -> None:
        try:
            said.put(_said_by(call, limit_seconds))
        finally:
            _running.release()

    # of its own, because the SDKs' limits are for each read, and a provider may send a byte a second
    threading.Thread(target=work, name="connection-check", daemon=True).start()
    try:
        return Outcome(said.get(timeout=limit_seconds))
    except queue.Empty:
        return Outcome(_TIMED_OUT.format(limit_seconds))


def _said_by(call: _Call, limit_seconds: float) -> str:
    try:
        call()
    except _RefusedError as error:
        return _in_words(error.status)
    except _SilentError:
        return _TIMED_OUT.format(limit_seconds)
    except _UnreachableError:
        return "the provider cannot be reached; the operator may have to check its address"
    except (_UnexpectedError, ValueError, TypeError, AttributeError):  # what SDKs make of an answer from elsewhere
        return "something else than the provider answered; the operator may have to check its address"
    return OK


def _in_words(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"the provider refused this key ({status}); check it, and what it may do there"
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return f"the provider knows this key, but the account has no credit ({status})"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"the provider takes no more requests for this key just now ({status}); try again later"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"the provider failed ({status}); try again later"
    return f"the provider answered {status}; the operator may have to check its address"


def _prepared(provider: ProviderEntry, secret: str, limit_seconds: float) -> _Call:
    """The call, its SDK imported: that takes seconds and is not the provider's fault."""
    if provider.name == "cohere":  # its OpenAI-compatible door has no list of models
        return _cohere_call(provider, secret, limit_seconds)
    make = _anthropic_call if provider.dialect == "anthropic" else _openai_call
    return make(provider, secret, limit_seconds)


def _openai_call(provider: ProviderEntry, secret: str, limit_seconds: float) -> _Call:
    import openai

    # an organization or project that the operator's environment names is not this key's
    strangers: Any = {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}

    def call() -> None:
        try:
            with openai.OpenAI(
                api_key=secret,
                base_url=provider.base_url,
                max_retries=0,
                timeout=limit_seconds,
                default_headers=strangers,
            ) as client:
                client.models.list()
        except openai.APITimeoutError:
            raise _SilentError from None
        except openai.APIConnectionError:
            raise _UnreachableError from None
        except openai.APIStatusError as error:
            raise _RefusedError(error.status_code) from None
        except openai.OpenAIError:
            raise _UnexpectedError from None

    return call


def _anthropic_call(provider: ProviderEntry, secret: str, limit_seconds: float) -> _Call:
    import anthropic

    def call() -> None:
        try:
            with anthropic.Anthropic(
                api_key=secret,
                base_url=provider.base_url.removesuffix("/v1"),
                max_retries=0,
                timeout=limit_seconds,
            ) as client:
                client.models.list(limit=1)
        except anthropic.APITimeoutError:
            raise _SilentError from None
        except anthropic.APIConnectionError:
            raise _UnreachableError from None
        except anthropic.APIStatusError as error:
            raise _RefusedError(error.status_code) from None
        except anthropic.AnthropicError:
            raise _UnexpectedError from None

    return call


def _cohere_call(provider: ProviderEntry, secret: str, limit_seconds: float) -> _Call:
    import cohere
    import httpx
    from cohere.core.api_error import ApiError

    def call() -> None:
        try:
            with cohere.Client(secret, base_url=provider.server_url, timeout=limit_seconds, max_retries=0) as client:
                client.models.list(page_size=1)
        except httpx.TimeoutException:
            raise _SilentError from None
        except httpx.HTTPError:
            raise _UnreachableError from None
        except ApiError as error:
            if error.status_code is None or error.status_code < _LEAST_REFUSAL:
                raise _UnexpectedError from None
            raise _RefusedError(error.status_code) from None

    return call
