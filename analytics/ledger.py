"""The ledger: facts on disk at once, in PostgreSQL soon after."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from acron_site.lib.errors import OverloadedError
from analytics import claims, rows
from analytics.carrier import Batch, Carrier, UnfitError, UnreachableError
from analytics.claims import Claim
from analytics.events import InferenceFacts
from analytics.group_commit import GroupCommit
from analytics.journal import Journal
from analytics.pending import Pending

logger = logging.getLogger(__name__)

_LINES_PER_WRITE = 1_000
_ENCODED_TOGETHER = 128
_STEADY_SECONDS = 5.0


class JournalLedger:
    """One process's ledger (see `events.Ledger`). A thread of its own carries the journal into PostgreSQL.

    While PostgreSQL is away the segments stay on disk. What a dead process left, any living one carries in.
    """

    def __init__(
        self,
        journal: Journal,
        claim: Claim,
        carrier: Carrier,
        *,
        interval_seconds: float = 0.2,
        orphan_interval_seconds: float = 5.0,
        pending: Pending | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._claim, self._carrier = journal, claim, carrier
        self._interval_seconds = interval_seconds
        self._orphan_interval_seconds = orphan_interval_seconds
        self._pending = Pending(interval_seconds) if pending is None else pending
        self._clock = clock
        self._recorded: deque[InferenceFacts] = deque()
        self._group_commit = GroupCommit(self._store)
        self._carrying = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_look_at = 0.0
        self._failed_at: float | None = None  # when the journal could not be written last
        self._is_stumbling = False

    def open(self, facts: InferenceFacts) -> None:
        try:
            self._append(rows.encode(facts))
        except OSError as error:
            raise OverloadedError(
                "the ledger cannot be written, so no paid call is made; "
                "retry in a few seconds, and free space under storage.data_dir if this goes on",
                headers={"Retry-After": "5"},
            ) from error

    async def settle(self, facts: InferenceFacts) -> None:
        line = rows.encode(facts)
        try:
            await self._group_commit.commit(line)
        except OSError as error:
            # the answer is paid for and goes out; its row is tried again with every tick, twice is no harm
            self._note_failure(error)
            self._pending.add(line, is_paid=True)

    def record(self, facts: InferenceFacts) -> None:
        self._recorded.append(facts)
        # under load the batch is written here, so that it never waits for a carrier that PostgreSQL holds up
        if len(self._recorded) >= _ENCODED_TOGETHER:
            self._encode_recorded()
            if self._pending.is_due and self._failed_at is None:
                self._write_pending()

    def start(self) -> None:
        """Begins to carry. To be called in the process that serves, after any fork."""
        self._thread = threading.Thread(target=self._run, name="ledger-carrier", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Carries what can be carried in that time, and leaves the rest on disk for others."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        else:
            self.carry()
        self._write_pending()
        self._group_commit.close()
        self._close_journal()
        if self._carrying.acquire(blocking=False):  # else PostgreSQL still holds the thread up
            self._leave()
            self._carrier.close()
            self._carrying.release()
        self._claim.close()

    def carry(self) -> None:
        """One tick: memory to journal, journal to PostgreSQL, then what dead workers left."""
        with self._carrying:
            self._write_pending()
            self._flush_journal()
            try:
                self._carry_own()
                self._carry_unwritten()
                self._look_for_orphans()
            except UnreachableError:
                return  # the carrier has said so; the rows stay in the journal

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopping.wait(self._interval_seconds)
            try:
                self.carry()
                self._is_stumbling = False
            except Exception:  # whatever it is, the rows are in the journal and the next tick may fare better
                if not self._is_stumbling:
                    logger.exception("ledger.carry_failed")
                self._is_stumbling = True

    def _store(self, lines: Sequence[bytes]) -> None:
        """Puts settled rows on disk, in the thread of the group commit."""
        self._append(b"".join(lines), len(lines))
        self._journal.flush()

    def _append(self, lines: bytes, count: int = 1) -> None:
        try:
            self._journal.append(lines, count)
        except OSError as error:
            self._note_failure(error)
            raise
        if self._failed_at is not None:
            self._note_success()

    def _encode_recorded(self) -> None:
        # one after the other costs a third of what it costs between other work, while the code is still in the cache
        with contextlib.suppress(IndexError):  # the other thread took the last one
            while self._recorded:
                self._pending.add(rows.encode(self._recorded.popleft()), is_paid=False)

    def _write_pending(self) -> None:
        self._encode_recorded()
        while len(self._pending):
            taken = self._pending.take(_LINES_PER_WRITE)
            try:
                self._append(taken.lines, len(taken))
            except OSError:
                self._pending.give_back(taken)
                return

    def _flush_journal(self) -> None:
        try:
            self._journal.flush()
        except OSError as error:
            self._note_failure(error)

    def _close_journal(self) -> None:
        try:
            self._journal.close()
        except OSError as error:
            self._note_failure(error)

    def _carry_own(self) -> None:
        # without PostgreSQL a segment grows until it is full: an outage makes few large files, not many small
        if not self._journal.has_rows or not self._carrier.is_ready():
            return
        self._journal.rotate()
        for segment in self._journal.closed():
            columns, lines = segment.read()
            self._carrier.carry(Batch(segment.worker, columns, lines))
            self._journal.discard(segment)

    def _carry_unwritten(self) -> None:
        """With the journal down, PostgreSQL itself may still take what waits in memory."""
        while len(self._pending):
            taken = self._pending.take(_LINES_PER_WRITE)
            try:
                self._carrier.carry(Batch(self._claim.worker, rows.COLUMNS, taken.lines))
            except UnreachableError:
                self._pending.give_back(taken)
                raise

    def _look_for_orphans(self) -> None:
        if self._clock() < self._next_look_at:
            return
        self._next_look_at = self._clock() + self._orphan_interval_seconds
        for claim in claims.orphans(self._claim.path.parent):
            self._adopt(claim)

    def _adopt(self, claim: Claim) -> None:
        with contextlib.closing(claim):
            try:
                for segment in claim.segments():
                    columns, lines = segment.read()
                    self._carrier.carry(Batch(segment.worker, columns, lines))
                    segment.path.unlink()
                interrupted = self._carrier.interrupt(claim.worker)
            except UnfitError:
                return  # a newer worker that looks here will know the columns
            claim.finish()
        logger.warning("ledger.orphan_adopted", extra={"worker": claim.worker, "interrupted": interrupted})

    def _leave(self) -> None:
        """At the end: where nothing is left behind, nobody needs to adopt us."""
        if self._claim.segments():
            return
        try:
            if self._journal.was_used:
                self._carrier.interrupt(self._claim.worker)
        except UnreachableError:
            return
        self._claim.finish()

    def _note_failure(self, error: OSError) -> None:
        if self._failed_at is None:
            logger.error("ledger.journal_down", extra={"reason": str(error)})
        self._failed_at = self._clock()

    def _note_success(self) -> None:
        # on a nearly full disk short lines still pass now and then: that is no recovery
        if self._failed_at is not None and self._clock() - self._failed_at > _STEADY_SECONDS:
            self._failed_at = None
            dropped = {
                "dropped_paid": self._pending.dropped_paid,
                "dropped_unpaid": self._pending.dropped_unpaid,
            }
            logger.warning("ledger.journal_up", extra=dropped)
