"""One flush to disk for many waiting coroutines."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from itertools import groupby

logger = logging.getLogger(__name__)

_Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class GroupCommit:
    """Runs `flush` in one thread of its own; whoever comes while it runs shares the next run."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._waiters: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    async def wait(self) -> None:
        """Returns after a flush that began after this call. Raises the flush's OSError."""
        if self._thread is None:
            self._start()
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.put((loop, waiter))
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
                error = self._flushed()
                for loop, members in groupby(waiters, key=lambda waiter: waiter[0]):
                    _wake(loop, [future for _, future in members], error)
            if len(waiters) < len(group):
                return

    def _next_group(self) -> list[_Waiter | None]:
        group = [self._waiters.get()]
        while not self._waiters.empty():
            group.append(self._waiters.get_nowait())
        return group

    def _flushed(self) -> OSError | None:
        try:
            self._flush()
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
