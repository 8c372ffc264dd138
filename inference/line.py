"""The way of a stream's events to its caller, kept open while there is nothing to tell."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from inference.wire.sse import KEEP_ALIVE

_COMMENT = {"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True}


class Line:
    """Sends pieces of a response; after `quiet_seconds` without one it sends a comment, and so on.

    The caller has heard nothing for `silent_seconds` when this begins; if that is long, a comment comes first.
    One timer serves a whole stream: it looks when it fires whether something was sent meanwhile.
    """

    def __init__(
        self,
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        quiet_seconds: float,
        *,
        silent_seconds: float = 0.0,
    ) -> None:
        self._send, self._quiet_seconds = send, quiet_seconds
        self._loop = asyncio.get_running_loop()
        self._sent_at = self._loop.time() - silent_seconds
        self._is_sending = False
        self._comment: asyncio.Task[None] | None = None
        self._timer = self._loop.call_at(self._sent_at + quiet_seconds, self._look)

    async def send(self, piece: bytes) -> None:
        self._is_sending = True
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._is_sending = False
        self._sent_at = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()
        if self._comment is not None:
            self._comment.cancel()

    def _look(self) -> None:
        due = self._sent_at + self._quiet_seconds
        now = self._loop.time()
        # a piece that waits for a slow reader says enough
        if now >= due and not self._is_sending:
            self._comment = self._loop.create_task(self._tell())
            due = now + self._quiet_seconds
        self._timer = self._loop.call_at(max(due, now + self._quiet_seconds / 10), self._look)

    async def _tell(self) -> None:
        await self._send(dict(_COMMENT))
        self._sent_at = self._loop.time()
