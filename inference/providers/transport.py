"""Carries calls to providers over pooled connections, those of each event loop apart."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from functools import cached_property

from acron_site.lib.errors import (
    AcronError,
    UpstreamError,
    UpstreamNotReachedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from acron_site.lib.outbound import Reach
from inference.providers.base import Call
from inference.providers.http import addresses
from inference.providers.http.addresses import Address
from inference.providers.http.connection import BrokenAnswerError, Connection
from inference.providers.http.dialing import Dialer
from inference.providers.http.exchange import Exchange
from inference.providers.http.inflating import Inflating, unpacker
from inference.providers.http.pool import Pool

_MAX_ANSWER_BYTES = 67_108_864

_FOREIGN = (BrokenAnswerError, OSError, zlib.error)  # TimeoutError is an OSError


class HttpReply:
    """An answer whose head is here and whose body is on its way."""

    def __init__(self, exchange: Exchange, connection: Connection, host: str, *, max_answer_bytes: int) -> None:
        self.status: int = exchange.status
        self._exchange, self._connection, self._host = exchange, connection, host
        self._max_bytes = max_answer_bytes

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """By their lower-case names; what is there several times is joined (RFC 9110, section 5.3)."""
        found: dict[str, str] = {}
        for raw_name, raw_value in self._exchange.headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        received, unpacking = 0, unpacker(self._exchange.headers)
        try:
            while piece := await self._exchange.read_some():
                self._connection.resume(self._exchange)
                if unpacking is not None:
                    piece = unpacking.feed(piece, self._max_bytes - received)
                received += len(piece)
                self._refuse_above_limit(received)
                yield piece
            _require_end(unpacking)
        except _FOREIGN as error:
            raise _ours(error, self._host, is_answering=True) from None

    def close(self) -> None:
        self._connection.leave(self._exchange)

    def _refuse_above_limit(self, received: int) -> None:
        if received > self._max_bytes:
            self.close()
            raise UpstreamError(f"the provider's answer is longer than {self._max_bytes} bytes; ask for a shorter one")


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
        self._connect_timeout_seconds, self._total_timeout_seconds = connect_timeout_seconds, total_timeout_seconds
        self._first_byte_timeout_seconds, self._idle_timeout_seconds = first_byte_timeout_seconds, idle_timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._max_connections_per_host, self._reach = max_connections_per_host, reach
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}

    async def send(self, call: Call) -> HttpReply:
        address, head = _request(call)
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop) or self._new_pool(loop)
        exchange = Exchange(loop, loop.time() + self._total_timeout_seconds)
        connection = pool.free(address.origin) or await self._connect(pool, address)
        connection.begin(exchange, head, call.body)
        try:
            await exchange.head
        except asyncio.CancelledError:
            connection.leave(exchange)
            raise
        except _FOREIGN as error:
            raise _ours(error, address.origin.host, is_answering=False) from None
        return HttpReply(exchange, connection, address.origin.host, max_answer_bytes=self._max_answer_bytes)

    async def close(self) -> None:
        """Closes the connections of the running loop."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()

    async def _connect(self, pool: Pool, address: Address) -> Connection:
        host = address.origin.host
        try:
            async with asyncio.timeout(self._connect_timeout_seconds):
                return await pool.make(address.origin)
        except TimeoutError:
            raise UpstreamNotReachedError(
                f"{host} could not be reached in time; try again, or choose a model of another provider"
            ) from None
        except (OSError, UnicodeError):  # UnicodeError: a name that cannot be looked up
            raise UpstreamUnreachableError(
                f"{host} cannot be reached; try again, or choose a model of another provider"
            ) from None

    def _new_pool(self, loop: asyncio.AbstractEventLoop) -> Pool:
        # commands run each call on a loop of its own: leave nothing of the finished ones
        self._pools = {known: pool for known, pool in self._pools.items() if not known.is_closed()}
        pool = self._pools[loop] = Pool(
            loop,
            Dialer(loop, self._reach),
            most=self._max_connections_per_host,
            first_byte_timeout_seconds=self._first_byte_timeout_seconds,
            idle_timeout_seconds=self._idle_timeout_seconds,
        )
        return pool


def _request(call: Call) -> tuple[Address, bytes]:
    try:
        address = addresses.parse(call.url)
        head = addresses.head(call.method, address, tuple(call.headers.items()))
    except ValueError as error:  # UnicodeError is one
        raise UpstreamError(
            f"{call.url!r} cannot be called ({error}); ask the operator to correct the model's base_url"
        ) from None
    return address, b"%bContent-Length: %d\r\n\r\n" % (head, len(call.body)) if call.body else head + b"\r\n"


def _require_end(unpacking: Inflating | None) -> None:
    if unpacking is not None:
        unpacking.finish()


def _ours(error: Exception, host: str, *, is_answering: bool) -> AcronError:
    if isinstance(error, TimeoutError):
        what = "stopped in the middle of its answer" if is_answering else "did not begin to answer in time"
        return UpstreamTimeoutError(f"{host} {what}; try again, or choose a faster model")
    what = "broke its answer off" if is_answering else "closed the connection without an answer"
    return UpstreamError(f"{host} {what} ({type(error).__name__}); try again")
