"""Tries a key where it is used, with the cheapest call that needs one: at a provider with its own SDK.

An organization's own endpoint is asked over the gateway's guarded client: SDKs look names up by themselves and follow
redirects.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from acron_site.lib import outbound
from acron_site.lib.errors import InvalidRequestError, OverloadedError, UpstreamError, UpstreamTimeoutError
from acron_site.lib.outbound import Reach
from inference.catalog import ProviderEntry
from inference.providers.anthropic_access import API_VERSION
from inference.providers.base import Call
from inference.providers.transport import HttpTransport

LIMIT_SECONDS = 10.0
_MOST_AT_ONCE = 8
_LEAST_REFUSAL = 400
_LONGEST_LIST_BYTES = 4_194_304  # of models

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
    return _outcome(_prepared(provider, secret, limit_seconds), _AT_PROVIDER, limit_seconds)


def check_own_endpoint(
    provider: ProviderEntry, secret: str, base_url: str, *, reach: Reach, limit_seconds: float = LIMIT_SECONDS
) -> Outcome:
    """As `check`, of an endpoint of an organization's own that speaks this provider's API."""
    try:
        endpoint = outbound.check_url(base_url, reach=reach)
    except InvalidRequestError as error:  # the operator has since taken it from the list
        return Outcome(error.message)
    guard = None if endpoint.is_listed else reach
    call = _own_endpoint_call(provider, secret, endpoint.url, reach=guard, limit_seconds=limit_seconds)
    return _outcome(call, _AT_OWN_ENDPOINT, limit_seconds)


def _outcome(call: _Call, place: "_Place", limit_seconds: float) -> Outcome:
    if not _running.acquire(blocking=False):
        raise OverloadedError(
            "too many connections are being tested just now; try again shortly", headers={"Retry-After": "5"}
        )
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def work() -> None:
        try:
            said.put(_said_by(call, place, limit_seconds))
        finally:
            _running.release()

    # of its own, because the SDKs' limits are for each read, and a provider may send a byte a second
    threading.Thread(target=work, name="connection-check", daemon=True).start()
    try:
        return Outcome(said.get(timeout=limit_seconds))
    except queue.Empty:
        return Outcome(_TIMED_OUT.format(limit_seconds))


@dataclass(frozen=True, slots=True)
class _Place:
    """Who is asked, and what may help when the address is wrong."""

    who: str
    check_address: str
    on_other_status: str


_AT_PROVIDER = _Place(
    who="the provider",
    check_address="the operator may have to check its address",
    on_other_status="the operator may have to check its address",
)
_AT_OWN_ENDPOINT = _Place(
    who="your endpoint",
    check_address="check its address, which must be in the public network unless the operator lists it",
    on_other_status="check its address; if it lists no models, send a request to see whether it takes the key",
)


def _said_by(call: _Call, place: _Place, limit_seconds: float) -> str:
    try:
        call()
    except _RefusedError as error:
        return _in_words(error.status, place)
    except _SilentError:
        return _TIMED_OUT.format(limit_seconds)
    except _UnreachableError:
        return f"{place.who} cannot be reached; {place.check_address}"
    except (_UnexpectedError, ValueError, TypeError, AttributeError):  # what SDKs make of an answer from elsewhere
        return f"something else than {place.who.removeprefix('your ')} answered; {place.check_address}"
    return OK


def _in_words(status: int, place: _Place) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{place.who} refused this key ({status}); check it, and what it may do there"
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return f"{place.who} knows this key, but the account has no credit ({status})"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"{place.who} takes no more requests for this key just now ({status}); try again later"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{place.who} failed ({status}); try again later"
    return f"{place.who} answered {status}; {place.on_other_status}"


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


def _own_endpoint_call(
    provider: ProviderEntry, secret: str, base_url: str, *, reach: Reach | None, limit_seconds: float
) -> _Call:
    if provider.dialect == "anthropic":
        url = f"{base_url.removesuffix('/v1')}/v1/models?limit=1"
        headers = {"x-api-key": secret, "anthropic-version": API_VERSION}
    else:
        url, headers = f"{base_url}/models", {"Authorization": f"Bearer {secret}"}
    question = Call(url=url, headers=headers, body=b"", stream=False, method="GET")

    def call() -> None:
        try:
            status, answer = asyncio.run(_asked(question, reach=reach, limit_seconds=limit_seconds))
        except UpstreamTimeoutError:
            raise _SilentError from None
        except UpstreamError:
            raise _UnreachableError from None
        if status != HTTPStatus.OK:
            raise _RefusedError(status)
        document = orjson.loads(answer)
        if not isinstance(document["data"], list):
            raise _UnexpectedError

    return call


async def _asked(question: Call, *, reach: Reach | None, limit_seconds: float) -> tuple[int, bytes]:
    transport = HttpTransport(
        connect_timeout_seconds=limit_seconds,
        total_timeout_seconds=limit_seconds,
        max_answer_bytes=_LONGEST_LIST_BYTES,
        reach=reach,
    )
    try:
        reply = await transport.send(question)
        try:
            return reply.status, await reply.read()
        finally:
            reply.close()
    finally:
        await transport.close()
