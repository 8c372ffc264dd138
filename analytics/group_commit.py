"""One write and one flush to disk for the rows of many waiting coroutines."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence

logger = logging.getLogger(__name__)


class _Party:
    """Those who came in one turn of an event loop: they are handed over together, and woken together."""

    __slots__ = ("futures", "loop", "rows")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.futures: list[asyncio.Future[None]] = []
        self.rows: list[bytes] = []


class GroupCommit:
    """Runs `store` in one thread of its own; whoever comes while it runs shares the next run.

    The event loop's thread wakes the other at most once a turn: each time would let it run and wait for it to stop.
    """

    def __init__(self, store: Callable[[Sequence[bytes]], None]) -> None:
        self._store = store
        self._parties: queue.SimpleQueue[_Party | None] = queue.SimpleQueue()
        self._gathering: dict[asyncio.AbstractEventLoop, _Party] = {}
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    async def commit(self, row: bytes) -> None:
        """Returns when `row` is stored. Raises the OSError of the run that could not."""
        loop = asyncio.get_running_loop()
        party = self._gathering.get(loop)
        if party is None:
            party = self._gathering[loop] = _Party(loop)
            loop.call_soon(self._hand_over, loop)
        waiter = loop.create_future()
        party.futures.append(waiter)
        party.rows.append(row)
        await waiter

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._thread is None:
            self._start()
        self._parties.put(self._gathering.pop(loop))

    def close(self) -> None:
        """Serves those who wait, then ends the thread."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._parties.put(None)
            thread.join(timeout=5)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-group-commit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            group = self._next_group()
            parties = [party for party in group if party is not None]
            if parties:
                error = self._failure([row for party in parties for row in party.rows])
                for party in parties:
                    _wake(party, error)
            if len(parties) < len(group):
                return

    def _next_group(self) -> list[_Party | None]:
        group = [self._parties.get()]
        while not self._parties.empty():
            group.append(self._parties.get_nowait())
        return group

    def _failure(self, rows: Sequence[bytes]) -> OSError | None:
        try:
            self._store(rows)
        except OSError as error:
            return error
        return None


def _wake(party: _Party, error: OSError | None) -> None:
    try:
        party.loop.call_soon_threadsafe(_resolve, party.futures, error)
    except RuntimeError:  # the loop has closed: nobody waits any more
        logger.debug("ledger.waiters_gone")


def _resolve(waiters: Iterable["asyncio.Future[None]"], error: OSError | None) -> None:
    for waiter in waiters:
        if waiter.done():  # the caller was cancelled
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
