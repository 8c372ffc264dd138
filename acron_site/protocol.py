"""Lets the door send a whole response at once, and hear of a caller's hanging up without a task that waits for it."""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from acron_site.lib.asgi import HANG_UP, WHOLE_RESPONSE

# among the default headers: every answer is the last one of its connection
CLOSE = (b"connection", b"close")

_OFFERED: dict[object, object] = {}


def install() -> None:
    """From now on this process's workers offer the extensions. Everything else is uvicorn's, unchanged."""
    httptools_impl.RequestResponseCycle = WholeResponseCycle  # type: ignore[misc]
    httptools_impl.HttpToolsProtocol = TellingProtocol  # type: ignore[misc]


class _Caller:
    """The other end of one request's line, for whoever wants to hear of its hanging up.

    It knows nothing of the request, whose scope it stands in: what refers to each other is not freed when it is
    answered, but waits for the garbage collector with all its bytes.
    """

    __slots__ = ("_flow", "_on_hang_up", "is_gone")

    def __init__(self, flow: FlowControl) -> None:
        self._flow, self.is_gone = flow, False
        self._on_hang_up: Callable[[], None] | None = None

    def __call__(self, on_hang_up: Callable[[], None] | None) -> None:
        self._on_hang_up = on_hang_up
        if on_hang_up is None:
            return
        self._flow.resume_reading()  # whoever does not read does not see the end either
        if self.is_gone:
            on_hang_up()

    def hangs_up(self) -> None:
        self.is_gone = True
        if self._on_hang_up is not None:
            self._on_hang_up()


class TellingProtocol(HttpToolsProtocol):
    """One connection, which tells of its loss."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if isinstance(self.cycle, WholeResponseCycle) and self.cycle.disconnected:
            self.cycle.caller.hangs_up()


class WholeResponseCycle(RequestResponseCycle):
    """One request and its response.

    uvicorn's usual way looks at each header five times: with sixteen of them sending at once saves about a quarter of
    a cache hit's CPU. A task that waits for a hang-up is a twentieth of a miss's.
    """

    def __init__(self, *args: Any, **parts: Any) -> None:
        super().__init__(*args, **parts)
        self.caller = _Caller(self.flow)
        if self.scope["method"] != "HEAD":
            extensions: Any = {WHOLE_RESPONSE: _OFFERED, HANG_UP: self.caller}
            self.scope["extensions"] = extensions

    async def send(self, message: Any) -> None:
        if message["type"] != WHOLE_RESPONSE:
            return await super().send(message)
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if not self.disconnected:
            self._write(message)
        return None

    def _write(self, message: Any) -> None:
        headers = self.default_headers + message["headers"]
        if CLOSE in self.default_headers:
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append(CLOSE)
        head = b"".join([b"%b: %b\r\n" % header for header in headers])
        if head.count(b"\n") != len(headers):
            raise RuntimeError("a header holds a line break")
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[message["status"]], head, b"\r\n", message["body"])))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
