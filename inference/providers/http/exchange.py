"""One call on a connection, and what has come of its answer so far."""

import asyncio

Headers = list[tuple[bytes, bytes]]


class Exchange:
    """Filled by its connection, emptied by whoever reads it. `head` is done when the status and the headers are here.

    `ends_at` (by the loop's clock) is the end of all patience.
    """

    __slots__ = (
        *("_loop", "_news", "ends_at", "error", "has_body", "head"),
        *("headers", "is_complete", "pieces", "status", "unread_bytes"),
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, ends_at: float) -> None:
        self._loop, self.ends_at = loop, ends_at
        self.head: asyncio.Future[None] = loop.create_future()
        self._news: asyncio.Future[None] | None = None
        self.status = 0
        self.headers: Headers = []
        self.pieces: list[bytes] = []
        self.unread_bytes = 0
        self.has_body = self.is_complete = False
        self.error: Exception | None = None

    def begin(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers
        if not self.head.done():
            self.head.set_result(None)

    def add(self, piece: bytes) -> None:
        self.has_body = True
        self.pieces.append(piece)
        self.unread_bytes += len(piece)
        self._wake()

    def complete(self) -> None:
        self.is_complete = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """What has come before stays readable; then the error is raised."""
        if self.is_complete or self.error is not None:
            return
        self.error = error
        if not self.head.done():
            self.head.set_exception(error)
        self._wake()

    async def read_some(self) -> bytes:
        """All that lies ready, else the next that comes; b"" at the end."""
        while not self.pieces:
            if self.error is not None:
                raise self.error
            if self.is_complete:
                return b""
            self._news = self._loop.create_future()
            await self._news
        pieces, self.pieces = self.pieces, []
        self.unread_bytes = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _wake(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)
