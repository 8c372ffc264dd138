"""One Redis connection that all tasks of an event loop share: their commands travel together, in order.

Commands issued in one turn of the loop leave in one write, and their replies come back in one read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from hiredis import ProtocolError, Reader, ReplyError, pack_command

# bytes, None, int, list or hiredis.ReplyError; None also stands for "no answer"
Reply = object
Pending = asyncio.Future[Reply]

_INCOMPLETE = object()
# more than this waiting to be sent means that Redis does not read: what can be done without is dropped then
MAX_UNSENT_BYTES = 8 * 1024 * 1024
# so many failures in a row without one read in time, and the connection counts as broken: refusals (LOADING,
# NOAUTH, MOVED...), and sweeps that found reads too late although something is still heard
_MAX_FAILURES = 20
# one key's fault, or a script that a restarted server has yet to learn: neither says that Redis is in trouble
_NO_FAILURES = frozenset({"WRONGTYPE", "NOSCRIPT"})
# a timer that fires this late shows that our own loop was busy: replies may lie unread in the socket
_LATE_SECONDS = 0.02


@dataclass(slots=True)
class Tally:
    """What a store has counted since the process started."""

    errors: int = 0
    timeouts: int = 0
    drops: int = 0
    outages: int = 0


class Connection(asyncio.Protocol):
    """Takes commands from the start, sends them once Redis has greeted back, is thrown away when it breaks.

    A command that is not answered in time gets None and keeps its place in the queue, so that a late reply
    cannot reach another; when nothing was heard for that long, the connection breaks and `lost` says why.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tally: Tally,
        *,
        timeout_seconds: float,
        on_write: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._tally = tally
        self._timeout = timeout_seconds
        self._on_write = on_write
        self._reader = Reader(notEnoughData=_INCOMPLETE)
        self._transport: asyncio.Transport | None = None
        # who waits for the next replies, in order, and until when; None: nobody, it was a write
        self._waiting: deque[tuple[Pending | None, float]] = deque()
        self._outgoing: list[bytes] = []
        self._unsent_bytes = 0
        self._is_flush_due = False
        self._is_greeted = False
        self._is_congested = False
        self.is_lost = False
        self.lost: asyncio.Future[str] = loop.create_future()
        self._heard_at = float("-inf")
        self._failures = 0
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, command: bytes) -> Pending:
        """Sends one packed command; the future's result is the reply, or None when there was no answer."""
        future = self._loop.create_future()
        if self.is_lost:
            future.set_result(None)
        else:
            self._enqueue(command, future)
        return future

    def tell(self, command: bytes) -> None:
        """Sends one packed command whose reply nobody waits for, unless too much is waiting to be sent."""
        if self.is_lost or self._is_congested or self._unsent_bytes + len(command) > MAX_UNSENT_BYTES:
            self._tally.drops += 1
            return
        self._unsent_bytes += len(command)
        self._enqueue(command, None)

    async def greet(self, commands: Sequence[tuple[bytes, ...]]) -> str:
        """Sends the first commands, ahead of what waits already. Returns what went wrong, or nothing."""
        if self._transport is None or self.is_lost:
            return "connection lost"
        deadline = self._loop.time() + self._timeout
        futures: list[Pending] = [self._loop.create_future() for _ in commands]
        self._waiting.extendleft((future, deadline) for future in reversed(futures))
        self._transport.write(b"".join(pack(*command) for command in commands))
        if self._timer is None:
            self._watch(deadline)
        for reply in await asyncio.gather(*futures):
            if isinstance(reply, ReplyError):
                return str(reply)
        if self.is_lost or any(future.result() is None for future in futures):
            return "no answer"
        self._is_greeted = True
        self._flush()
        return ""

    async def drain(self) -> None:
        """Returns when everything sent so far is answered or given up."""
        if self._waiting:
            await self.ask(pack(b"PING"))

    def drop(self, reason: str) -> None:
        """Breaks the connection: whoever waits gets None."""
        if self.is_lost:
            return
        self.is_lost = True
        self._tally.drops += sum(1 for future, _ in self._waiting if future is None)
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._outgoing.clear()
        _give_up(future for future, _ in self._waiting)
        self._waiting.clear()
        if not self.lost.done():
            self.lost.set_result(reason)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self._heard_at = self._loop.time()
        if self.is_lost:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(f"connection lost ({exc})" if exc else "connection closed by Redis")

    def pause_writing(self) -> None:
        self._is_congested = True

    def resume_writing(self) -> None:
        self._is_congested = False

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        reader = self._reader
        waiting = self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _INCOMPLETE:
                future = waiting.popleft()[0]
                if type(reply) is ReplyError:
                    self._refused(future, reply)
                elif future is None:
                    self._on_write("")
                elif not future.done():
                    self._failures = 0
                if future is not None and not future.done():
                    future.set_result(reply)
        except (ProtocolError, IndexError):
            self.drop("what answers there does not speak Redis' protocol")

    def _enqueue(self, command: bytes, future: Pending | None) -> None:
        deadline = self._loop.time() + self._timeout
        self._waiting.append((future, deadline))
        self._outgoing.append(command)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)
        if self._timer is None:
            self._watch(deadline)

    def _flush(self) -> None:
        self._is_flush_due = False
        if not self._is_greeted or not self._outgoing or self._transport is None or self.is_lost:
            return
        self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()
        self._unsent_bytes = 0

    def _refused(self, future: Pending | None, error: ReplyError) -> None:
        self._tally.errors += 1
        code = str(error).partition(" ")[0]
        if future is None:
            self._on_write(code)
        elif code not in _NO_FAILURES:
            self._note_failure(f"reads are refused ({code})")

    def _note_failure(self, reason: str) -> None:
        self._failures += 1
        if self._failures >= _MAX_FAILURES:
            self.drop(reason)

    # time limits: one timer for all commands, because a timer for each would cost as much as the command

    def _watch(self, deadline: float) -> None:
        self._timer = self._loop.call_at(deadline, self._sweep, deadline)

    def _sweep(self, due: float) -> None:
        self._timer = None
        now = self._loop.time()
        if now - due > _LATE_SECONDS:
            # one turn of grace, in which the loop reads the socket
            self._timer = self._loop.call_later(_LATE_SECONDS / 2, self._sweep, float("inf"))
        elif self._waiting:
            self._judge(now)

    def _judge(self, now: float) -> None:
        overdue = [future for future, deadline in self._waiting if deadline <= now]
        given_up = _give_up(overdue)
        self._tally.timeouts += given_up
        if overdue and now - self._heard_at >= self._timeout:
            self.drop(f"no answer within {self._timeout * 1000:.0f} ms")
        elif given_up:
            self._note_failure(f"answers take more than {self._timeout * 1000:.0f} ms")
        if self.is_lost:
            return
        upcoming = (deadline for _, deadline in self._waiting if deadline > now)
        self._watch(max(next(upcoming, 0.0), now + self._timeout / 10))


def pack(*parts: bytes) -> bytes:
    """A command as it goes over the wire."""
    packed: bytes = pack_command(parts)  # type: ignore[arg-type] # its stub says "a tuple of one"
    return packed


def _give_up(futures: Iterable[Pending | None]) -> int:
    """Answers None to those who still wait; how many they were."""
    given_up = 0
    for future in futures:
        if future is not None and not future.done():
            future.set_result(None)
            given_up += 1
    return given_up
