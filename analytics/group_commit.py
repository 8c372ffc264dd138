"""One write and one flush to disk for the rows of many waiting coroutines."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

logger = logging.getLogger(__name__)

_Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None], bytes]


class GroupCommit:
    """Runs `store` in one thread of its own; whoever comes while it runs shares the next run.

    The event loop's thread makes no system call for it: each would let another thread run and wait for it to stop.
    """

    def __init__(self, store: Callable[[Sequence[bytes]], None]) -> None:
        self._store = store
        self._waiters: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    async def commit(self, row: bytes) -> None:
        """Returns when `row` is stored. Raises the OSError of the run that could not."""
        if self._thread is None:
            self._start()
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.put((loop, waiter, row))
        await waiter

    def close(self) -> None:
        """Serves those who wait, then ends the thread."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiters.put(None)
            thread.join(timeout=5)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger-group-commit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            group = self._next_group()
            waiters = [waiter for waiter in group if waiter is not None]
            if waiters:
                error = self._failure([row for _, _, row in waiters])
                for loop, members in groupby(waiters, key=lambda waiter: waiter[0]):
                    _wake(loop, [future for _, future, _ in members], error)
            if len(waiters) < len(group):
                return

    def _next_group(self) -> list[_Waiter | None]:
        group = [self._waiters.get()]
        while not self._waiters.empty():
            group.append(self._waiters.get_nowait())
        return group

    def _failure(self, rows: Sequence[bytes]) -> OSError | None:
        try:
            self._store(rows)
        except OSError as error:
            return error
        return None


def _wake(loop: asyncio.AbstractEventLoop, waiters: list["asyncio.Future[None]"], error: OSError | None) -> None:
    try:
        loop.call_soon_threadsafe(_resolve, waiters, error)
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
