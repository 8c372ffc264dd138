"""Keeps connections to providers for the next call, so many to each server and no more."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial

from inference.providers.http.addresses import Origin
from inference.providers.http.connection import BrokenAnswerError, Connection
from inference.providers.http.dialing import Dialer

_KEEP_SECONDS = 30.0


@dataclass(slots=True)
class _Server:
    """`held` counts connections that are open or being made."""

    held: int = 0
    free: list[Connection] = field(default_factory=list)
    # each gets a connection, or None for the right to make one
    waiting: "deque[asyncio.Future[Connection | None]]" = field(default_factory=deque)


class Pool:
    """The connections of one event loop. `most` is the bound for each server; 0: none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        dialer: Dialer,
        *,
        most: int,
        first_byte_timeout_seconds: float,
        idle_timeout_seconds: float,
    ) -> None:
        self._loop, self._dialer, self._most = loop, dialer, most
        self._new_connection = partial(
            Connection,
            loop,
            first_byte_timeout_seconds=first_byte_timeout_seconds,
            idle_timeout_seconds=idle_timeout_seconds,
        )
        self._servers: dict[Origin, _Server] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._open: set[Connection] = set()

    def free(self, origin: Origin) -> Connection | None:
        """One that lies ready, the last that was used: the others may grow old."""
        server = self._servers.get(origin)
        while server is not None and server.free:
            connection = server.free.pop()
            if connection.is_usable:
                return connection
        return None

    async def make(self, origin: Origin) -> Connection:
        """A new one, or the next that becomes free where there are as many as may be. Raises OSError."""
        server = self._servers.setdefault(origin, _Server())
        if self._most and server.held >= self._most:
            handed = await self._wait(origin, server)
            if handed is not None:
                return handed
        else:
            server.held += 1
        connection = self._new_connection(on_free=partial(self._freed, origin), on_lost=partial(self._lost, origin))
        self._open.add(connection)
        try:
            await self._dialer.connect(origin, connection)
        finally:
            if not connection.is_made:  # else it hears of its end itself
                self._lost(origin, connection)
        return connection

    async def close(self) -> None:
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._open):
            connection.abort(BrokenAnswerError("it was closed here"))
        self._dialer.close()
        await asyncio.sleep(0)  # the turn in which the transports close their sockets

    async def _wait(self, origin: Origin, server: _Server) -> Connection | None:
        turn: asyncio.Future[Connection | None] = self._loop.create_future()
        server.waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given in the moment of leaving
                self._give_back(origin, server, turn.result())
            raise

    def _give_back(self, origin: Origin, server: _Server, given: Connection | None) -> None:
        if given is None:
            self._let_go(origin, server)
        else:
            self._pass_on(server, given)

    def _freed(self, origin: Origin, connection: Connection) -> None:
        if self._is_closed:
            connection.abort(BrokenAnswerError("it was closed here"))
            return
        self._pass_on(self._servers[origin], connection)

    def _lost(self, origin: Origin, connection: Connection) -> None:
        self._open.discard(connection)
        server = self._servers[origin]
        if connection in server.free:
            server.free.remove(connection)
        self._let_go(origin, server)

    def _let_go(self, origin: Origin, server: _Server) -> None:
        """One connection less, or the right to make one is given back."""
        if not self._hand(server, None):
            server.held -= 1
            if server.held == 0:
                self._servers.pop(origin, None)

    def _pass_on(self, server: _Server, connection: Connection) -> None:
        if self._hand(server, connection):
            return
        connection.free_since = self._loop.time()
        server.free.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(_KEEP_SECONDS, self._sweep)

    @staticmethod
    def _hand(server: _Server, what: Connection | None) -> bool:
        while server.waiting:
            turn = server.waiting.popleft()
            if not turn.done():
                turn.set_result(what)
                return True
        return False

    def _sweep(self) -> None:
        """Closes what nobody has needed for a while."""
        self._sweeper = None
        oldest = self._loop.time() - _KEEP_SECONDS
        for server in list(self._servers.values()):
            for connection in [each for each in server.free if each.free_since <= oldest]:
                connection.abort(BrokenAnswerError("it was closed here"))
        if any(server.free for server in self._servers.values()):
            self._sweeper = self._loop.call_later(_KEEP_SECONDS, self._sweep)
