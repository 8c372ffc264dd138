"""One connection to a provider: writes a request, reads its answer, and is used again if both sides want that."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from inference.providers.http.exchange import Exchange, Headers

_LONGEST_HEAD_BYTES = 65_536
# the provider is not read from while so much waits for its reader
_MOST_UNREAD_BYTES = 262_144
# what is smaller leaves in one write, head and all
_SMALL_BODY_BYTES = 65_536
_FIRST_FINAL_STATUS = 200
_SAY_THEIR_END = (b"content-length", b"transfer-encoding")


class BrokenAnswerError(Exception):
    """What came is no HTTP, or ended before its end."""


class Connection(asyncio.Protocol):
    """Takes one exchange at a time. `on_free` is told when it can take another, `on_lost` when it never will again.

    It has one timer, which is moved only when it must ring earlier: most answers come long before it is due.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        first_byte_timeout_seconds: float,
        idle_timeout_seconds: float,
        on_free: "Callable[[Connection], None]",
        on_lost: "Callable[[Connection], None]",
    ) -> None:
        self._loop, self._on_free, self._on_lost = loop, on_free, on_lost
        self._first_byte_timeout_seconds = first_byte_timeout_seconds
        self._idle_timeout_seconds = idle_timeout_seconds
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._headers: Headers = []
        self._head_bytes = 0
        self._is_between = False  # inside of an answer that only announces another (1xx)
        self._is_over = False  # the answer has ended within the bytes that are being read
        self._may_stay = False  # the other side keeps the connection open
        self._is_paused = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.free_since = 0.0

    @property
    def is_made(self) -> bool:
        return self._transport is not None

    @property
    def is_usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def begin(self, exchange: Exchange, head: bytes, body: bytes) -> None:
        """Sends the request; what comes of it is told to `exchange`."""
        transport = self._transport
        assert transport is not None  # noqa: S101 - nobody gets hold of a connection that is not made
        self._exchange, self._headers, self._head_bytes = exchange, [], 0
        self._wait_for(exchange, self._first_byte_timeout_seconds)
        if len(body) < _SMALL_BODY_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    def resume(self, exchange: Exchange) -> None:
        """What was unread of it has been read."""
        if self._is_paused and self._exchange is exchange and self._transport is not None:
            self._is_paused = False
            self._wait_for(exchange, self._idle_timeout_seconds)
            self._transport.resume_reading()

    def leave(self, exchange: Exchange) -> None:
        """Nobody wants the rest of it. The connection may serve another by now, and is then left alone."""
        if self._exchange is exchange:
            self.abort(BrokenAnswerError("it was closed here"))

    def abort(self, error: Exception) -> None:
        self._fail(error)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:  # nobody has asked: it would be taken for the next one's answer
            self.abort(BrokenAnswerError("nobody asked"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.abort(BrokenAnswerError(type(error).__name__))
            return
        if self._is_over:
            self._finish()
        elif not exchange.status and self._is_too_long(data):
            self.abort(BrokenAnswerError("its head is too long"))
        else:
            self._go_on(exchange)

    def connection_lost(self, error: Exception | None) -> None:
        if error is None and self._ends_with_connection():
            self._take().complete()
        else:
            self._fail(error or BrokenAnswerError("the connection was closed"))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_lost(self)

    # what the parser calls

    def on_message_begin(self) -> None:
        if self._is_over:
            raise BrokenAnswerError("there are two")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _LONGEST_HEAD_BYTES:
            raise BrokenAnswerError("its head is too long")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._is_between = status < _FIRST_FINAL_STATUS
        headers, self._headers = self._headers, []
        if not self._is_between and self._exchange is not None:
            self._exchange.begin(status, headers)

    def on_body(self, piece: bytes) -> None:
        if self._exchange is not None:
            self._exchange.add(piece)

    def on_message_complete(self) -> None:
        self._is_over = not self._is_between
        self._may_stay = self._parser.should_keep_alive()

    def _finish(self) -> None:
        exchange, transport = self._take(), self._transport
        self._is_over = False
        exchange.complete()
        # an answer that comes before its question was sent leaves the rest of that on the way
        is_sent = transport is not None and not transport.get_write_buffer_size()
        if is_sent and self.is_usable and self._may_stay:
            self._on_free(self)
        elif transport is not None:
            transport.abort()

    def _go_on(self, exchange: Exchange) -> None:
        """From the first piece of the body on, the time-out is that between two pieces."""
        if exchange.unread_bytes > _MOST_UNREAD_BYTES and self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        has_body = exchange.has_body
        self._wait_for(exchange, self._idle_timeout_seconds if has_body else self._first_byte_timeout_seconds)

    def _wait_for(self, exchange: Exchange, seconds: float) -> None:
        self._deadline = min(self._loop.time() + seconds, exchange.ends_at)
        timer = self._timer
        if timer is not None and timer.when() > self._deadline:
            timer.cancel()
            timer = None
        if timer is None:
            self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer, exchange = None, self._exchange
        if exchange is None:
            return
        now = self._loop.time()
        if self._is_paused and now < exchange.ends_at:  # it is the reader who takes so long
            self._wait_for(exchange, self._idle_timeout_seconds)
        elif now < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
        else:
            self.abort(TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self._exchange is not None:
            self._take().fail(error)

    def _take(self) -> Exchange:
        exchange, self._exchange = self._exchange, None
        assert exchange is not None  # noqa: S101 - who calls this has looked
        return exchange

    def _ends_with_connection(self) -> bool:
        """Whether the answer under way has not said where it ends."""
        exchange = self._exchange
        is_begun = exchange is not None and exchange.status != 0
        return is_begun and not any(name.lower() in _SAY_THEIR_END for name, _ in cast(Exchange, exchange).headers)

    def _is_too_long(self, data: bytes) -> bool:
        self._head_bytes += len(data)  # what is complete of it counts twice: the bound is a rough one
        return self._head_bytes > 2 * _LONGEST_HEAD_BYTES
