"""Lets the door send a whole response at once: uvicorn's usual way looks at each header five times."""

from typing import Any

from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from acron_site.lib.asgi import WHOLE_RESPONSE

# among the default headers: every answer is the last one of its connection
CLOSE = (b"connection", b"close")

_EXTENSIONS: dict[str, dict[object, object]] = {WHOLE_RESPONSE: {}}


def install() -> None:
    """From now on this process's workers offer the extension. Everything else is uvicorn's, unchanged."""
    httptools_impl.RequestResponseCycle = WholeResponseCycle  # type: ignore[misc]


class WholeResponseCycle(RequestResponseCycle):
    """One request and its response; with sixteen headers this saves about a quarter of a cache hit's CPU."""

    def __init__(self, *args: Any, **parts: Any) -> None:
        super().__init__(*args, **parts)
        if self.scope["method"] != "HEAD":
            self.scope["extensions"] = _EXTENSIONS

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
