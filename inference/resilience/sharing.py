"""Tells the other workers over Redis which deployments are shut out, hears it from them, and logs each change once."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from secrets import token_hex

from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_links import Links
from inference.resilience.board import Board, Ticket
from inference.resilience.breaker import Breaker

logger = logging.getLogger(__name__)

# the braces keep all of them on one node of a cluster, so that one MGET reaches them
_PREFIX = "acron:{breaker}:"
_RECENT_SECONDS = 60.0
_MOST_SHARED = 1_000
# a key stays this long after its time: its absence says that somebody closed the breaker, not that time went by
_AFTERLIFE_MS = 60_000


class BoardSharing:
    """Keeps a `Board` in step with those of other workers. Without Redis each worker finds out by itself."""

    def __init__(
        self,
        board: Board,
        links: Links | None,
        *,
        probe_seconds: float = 5.0,
        poll_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._board, self._links = board, links
        self._poll_seconds, self._probe_seconds = poll_seconds, probe_seconds
        self._clock, self._wall_clock = clock, wall_clock
        self._worker = token_hex(8).encode()
        self._shared: set[str] = set()  # those that were open in Redis when it was last asked
        self._probing: dict[str, float] = {}  # slots that are ours, and until when
        self._task: asyncio.Task[None] | None = None
        board.subscribe(self)

    async def start(self) -> None:
        if self._links is not None:
            self._task = asyncio.create_task(self._follow(self._links))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def admits(self, ticket: Ticket) -> bool:
        """Whether the call may go ahead: of all workers' probes of a deployment only one does at a time.

        A ticket that is not admitted has been given back.
        """
        if not ticket.is_probe:
            return True
        is_admitted = False
        try:
            is_admitted = await self._take_slot(ticket.deployment_id)
        finally:  # also when the caller leaves meanwhile
            if not is_admitted:
                self._board.withdraw(ticket)
        return is_admitted

    # Listener

    def opened(self, deployment_id: str, *, until: float, is_heard: bool) -> None:
        remaining_seconds = max(0.0, until - self._clock())
        fields = {"deployment": deployment_id, "seconds": round(remaining_seconds, 1), "is_heard": is_heard}
        logger.warning("breaker.opened", extra=fields)
        self._probing.pop(deployment_id, None)
        if not is_heard:
            self._publish(deployment_id, until)

    def closed(self, deployment_id: str, *, is_heard: bool) -> None:
        logger.info("breaker.closed", extra={"deployment": deployment_id, "is_heard": is_heard})
        self._probing.pop(deployment_id, None)
        if not is_heard:
            self._shared.discard(deployment_id)
            self._tell(b"DEL", _key(deployment_id), _probe_key(deployment_id))

    def gave_back_probe(self, deployment_id: str) -> None:
        # a slot that has run out may be another worker's by now
        if self._probing.pop(deployment_id, 0.0) > self._clock():
            self._tell(b"DEL", _probe_key(deployment_id))

    async def _follow(self, links: Links) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            await self._ask(links)

    async def _ask(self, links: Links) -> None:
        known = self._board.recent(self._clock(), within_seconds=_RECENT_SECONDS, most=_MOST_SHARED)
        connection = links.connection if known else None
        if connection is None:
            return
        periods = {deployment_id: breaker.period for deployment_id, breaker in known.items()}
        reply = await connection.ask(pack(b"MGET", *map(_key, known)))
        if isinstance(reply, list):
            # what has changed here meanwhile is newer than the reply
            news = zip(known, reply, strict=True)
            self._hear({name: value for name, value in news if known[name].period == periods[name]}, known)

    def _hear(self, news: Mapping[str, object], known: Mapping[str, Breaker]) -> None:
        now = self._clock()
        self._shared &= known.keys()
        for deployment_id, value in news.items():
            remaining_seconds = self._remaining_seconds(value)
            if remaining_seconds is None:
                self._hear_absence(deployment_id, known[deployment_id])
                continue
            self._shared.add(deployment_id)
            if remaining_seconds > 0:
                self._board.hear_open(deployment_id, until=now + remaining_seconds, now=now)

    def _hear_absence(self, deployment_id: str, breaker: Breaker) -> None:
        if deployment_id in self._shared:
            self._shared.discard(deployment_id)
            self._board.hear_closed(deployment_id)
        elif breaker.until > self._clock() and not breaker.is_closed:
            self._publish(deployment_id, breaker.until)  # Redis was away when it opened

    def _remaining_seconds(self, value: object) -> float | None:
        if not isinstance(value, bytes) or not value.isdigit():
            return None
        return int(value) / 1000 - self._wall_clock()

    async def _take_slot(self, deployment_id: str) -> bool:
        """Yes also when Redis cannot say."""
        connection = self._links.connection if self._links is not None else None
        if connection is None:
            return True
        key, until = _probe_key(deployment_id), self._clock() + self._probe_seconds
        # who holds it is asked apart: the connection's None does not tell a refusal from no answer
        connection.tell(pack(b"SET", key, self._worker, b"NX", b"PX", b"%d" % round(self._probe_seconds * 1000)))
        holder = await connection.ask(pack(b"GET", key))
        if holder == self._worker:
            self._probing[deployment_id] = until
        return holder == self._worker or not isinstance(holder, bytes)

    def _publish(self, deployment_id: str, until: float) -> None:
        remaining_ms = round(max(0.0, until - self._clock()) * 1000)
        until_ms = round(self._wall_clock() * 1000) + remaining_ms
        self._tell(b"SET", _key(deployment_id), b"%d" % until_ms, b"PX", b"%d" % (remaining_ms + _AFTERLIFE_MS))

    def _tell(self, *command: bytes) -> None:
        connection = self._links.connection if self._links is not None else None
        if connection is not None:
            connection.tell(pack(*command))


def _key(deployment_id: str) -> bytes:
    return f"{_PREFIX}{deployment_id}".encode()


def _probe_key(deployment_id: str) -> bytes:
    return f"{_PREFIX}{deployment_id}:probe".encode()
