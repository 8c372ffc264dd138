"""Carries calls to providers over one pooled HTTP client per event loop."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial

import aiohttp
from yarl import URL

from acron_site.lib.errors import (
    AcronError,
    UpstreamError,
    UpstreamNotReachedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from acron_site.lib.outbound import Reach
from inference.providers.base import Call
from inference.providers.guard import GuardedConnector

_KEEPALIVE_SECONDS = 30
_DNS_SECONDS = 60
# aiohttp copies what is larger in one go and warns about it
_LARGE_BODY_BYTES = 1_048_576
_MAX_ANSWER_BYTES = 67_108_864

# RuntimeError: what aiohttp says when one begins to wait on a connection that is gone already
_FOREIGN = (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, OSError, RuntimeError)

# nothing of the caller's: who calls, from where and with what is no business of the provider
_HEADERS = {"User-Agent": "acron", "Accept": "*/*", "Accept-Encoding": "identity"}


@lru_cache(1024)  # endpoints are few: one or two per provider
def _url(address: str) -> URL:
    try:
        return URL(address)
    except ValueError as error:
        raise UpstreamError(
            f"{address!r} is no address ({error}); ask the operator to correct the model's base_url"
        ) from None


class HttpReply:
    """An answer whose head is here and whose body is on its way."""

    __slots__ = ("_idle_timeout_seconds", "_max_bytes", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, *, idle_timeout_seconds: float, max_answer_bytes: int) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers  # found by any spelling
        self._response = response
        self._idle_timeout_seconds = idle_timeout_seconds
        self._max_bytes = max_answer_bytes

    async def read(self) -> bytes:
        content = self._response.content
        if content.is_eof() and content.total_bytes <= self._max_bytes:  # the usual case: head and body came at once
            return await content.readany()
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        content, received = self._response.content, 0
        try:
            with _noticing_loss(self._response):
                while piece := await content.readany():
                    if not received:
                        self._expect_steady_flow()
                    received += len(piece)
                    self._refuse_above_limit(received)
                    yield piece
        except _FOREIGN as error:
            raise _ours(error, self._response.url, is_answering=True) from None

    def close(self) -> None:
        self._response.close()

    def _refuse_above_limit(self, received: int) -> None:
        if received > self._max_bytes:
            self.close()
            raise UpstreamError(f"the provider's answer is longer than {self._max_bytes} bytes; ask for a shorter one")

    def _expect_steady_flow(self) -> None:
        """From the first piece on, the time-out is that between two pieces."""
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = self._idle_timeout_seconds
            connection.protocol.start_timeout()


class HttpTransport:
    """Sends calls as they are: no redirects, cookies, proxies from the environment, or headers of the caller.

    With a `reach` it connects only to addresses that this admits: for where a tenant's own endpoints lead.

    No POST is sent twice. One whose connection broke may have been served and billed, so whether to try
    again is the pipeline's decision, which records every attempt.
    """

    def __init__(
        self,
        *,
        connect_timeout_seconds: float = 5.0,
        first_byte_timeout_seconds: float = 120.0,
        idle_timeout_seconds: float = 60.0,
        total_timeout_seconds: float = 600.0,
        max_answer_bytes: int = _MAX_ANSWER_BYTES,
        max_connections_per_host: int = 0,
        reach: Reach | None = None,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=total_timeout_seconds, connect=connect_timeout_seconds, sock_read=first_byte_timeout_seconds
        )
        self._idle_timeout_seconds = idle_timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._max_connections_per_host, self._reach = max_connections_per_host, reach
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def send(self, call: Call) -> HttpReply:
        url, body = _url(call.url), call.body
        try:
            session = self._sessions.get(asyncio.get_running_loop()) or await self._open_session()
            response = await session.request(
                call.method,
                url,
                data=(body or None) if len(body) < _LARGE_BODY_BYTES else io.BytesIO(body),
                headers=call.headers,
                allow_redirects=False,
            )
        except _FOREIGN as error:
            raise _ours(error, url, is_answering=False) from None
        return HttpReply(
            response, idle_timeout_seconds=self._idle_timeout_seconds, max_answer_bytes=self._max_answer_bytes
        )

    async def close(self) -> None:
        """Closes the client of the running loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _open_session(self) -> aiohttp.ClientSession:
        # commands run each call on a loop of its own: leave nothing of the finished ones
        for finished in [loop for loop in self._sessions if loop.is_closed()]:
            await self._sessions.pop(finished).close()
        loop = asyncio.get_running_loop()
        if loop not in self._sessions:  # else another call opened it meanwhile
            self._sessions[loop] = self._new_session()
        return self._sessions[loop]

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._new_connector(),
            timeout=self._timeout,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _new_connector(self) -> aiohttp.TCPConnector:
        make: Callable[..., aiohttp.TCPConnector] = aiohttp.TCPConnector
        if self._reach is not None:
            make = partial(GuardedConnector, self._reach)
        return make(
            limit=0,
            limit_per_host=self._max_connections_per_host,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            ttl_dns_cache=_DNS_SECONDS,
        )


@contextmanager
def _noticing_loss(response: aiohttp.ClientResponse) -> Iterator[None]:
    """Wakes who waits for a piece when the connection is gone.

    aiohttp does so itself, except when it closed the connection over an error in the framing of the body: then the
    reader would wait until the total time-out.
    """
    connection, content = response.connection, response.content
    lost = connection.protocol.closed if connection is not None and connection.protocol is not None else None
    if lost is None:  # the whole body is here
        yield
        return

    def wake(_: asyncio.Future[None]) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection is gone"))

    # exactly one, however often the connection is used: asyncio logs errors that nobody has looked at
    lost.remove_done_callback(_look_at)
    lost.add_done_callback(_look_at)
    lost.add_done_callback(wake)
    try:
        yield
    finally:
        lost.remove_done_callback(wake)


def _look_at(lost: asyncio.Future[None]) -> None:
    if not lost.cancelled():
        lost.exception()


def _ours(error: Exception, url: URL, *, is_answering: bool) -> AcronError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamNotReachedError(
            f"{url.host} could not be reached in time; try again, or choose a model of another provider"
        )
    if isinstance(error, TimeoutError):
        what = "stopped in the middle of its answer" if is_answering else "did not begin to answer in time"
        return UpstreamTimeoutError(f"{url.host} {what}; try again, or choose a faster model")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamUnreachableError(
            f"{url.host} cannot be reached; try again, or choose a model of another provider"
        )
    what = "broke its answer off" if is_answering else "closed the connection without an answer"
    return UpstreamError(f"{url.host} {what} ({type(error).__name__}); try again")
