"""Tells the other workers over Redis which deployments are left alone, and hears it from them."""

import asyncio
import logging
import time

from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_links import Links
from inference.resilience.breaker import Board

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0
# the deployments that are left alone, each with the time (milliseconds since 1970) until which it is
_KEY = b"acron:breakers"
_MILLISECOND = 1000


class BoardNews:
    """Once a second the list of all workers is looked at. Without Redis each worker finds out by itself.

    Each worker tries by itself whether a deployment is back, so after an outage it gets one call of each.
    """

    def __init__(self, board: Board, links: Links | None, *, open_seconds: float) -> None:
        self._board, self._links, self._open_ms = board, links, int(open_seconds * _MILLISECOND)
        self._task: asyncio.Task[None] | None = None
        board.on_change = self._tell

    def start(self) -> None:
        if self._links is not None:
            self._task = asyncio.get_running_loop().create_task(self._listen(self._links))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def listen_once(self, links: Links) -> None:
        connection = links.connection
        if connection is None:
            return
        now = _now_ms()
        connection.tell(pack(b"ZREMRANGEBYSCORE", _KEY, b"-inf", b"%d" % now))
        listed = await connection.ask(pack(b"ZRANGE", _KEY, b"0", b"-1", b"WITHSCORES"))
        if isinstance(listed, list):
            names, scores = listed[::2], listed[1::2]
            self._board.heard(
                {name.decode(): (float(score) - now) / _MILLISECOND for name, score in zip(names, scores, strict=True)}
            )

    async def _listen(self, links: Links) -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.listen_once(links)

    def _tell(self, deployment: str, is_open: bool) -> None:
        logger.warning("breaker.opened" if is_open else "breaker.closed", extra={"deployment": deployment})
        connection = self._links.connection if self._links is not None else None
        if connection is not None:
            name, until = deployment.encode(), b"%d" % (_now_ms() + self._open_ms)
            connection.tell(pack(b"ZADD", _KEY, until, name) if is_open else pack(b"ZREM", _KEY, name))


def _now_ms() -> int:
    return int(time.time() * _MILLISECOND)
