"""Carries lines of the journal into PostgreSQL."""

import logging
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
from psycopg import sql

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
Result = TypeVar("Result")

# what one row can be guilty of; anything else is the database's state and passes
_POISON = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
_PATIENCE_SECONDS = 5.0

# SET LOCAL and IF NOT EXISTS, so that it works behind a pooler too. The time limits free the rows' locks when
# we are cut off in the middle: our next attempt would wait for them.
_SETUP = """
SET LOCAL synchronous_commit = on;
SET LOCAL TimeZone = 'UTC';
SET LOCAL statement_timeout = '4s';
SET LOCAL idle_in_transaction_session_timeout = '4s';
CREATE TEMP TABLE IF NOT EXISTS ledger_batch
    (LIKE analytics_inferenceevent INCLUDING DEFAULTS) ON COMMIT DELETE ROWS
"""
_INTERRUPT = """
UPDATE analytics_inferenceevent
SET status = 'interrupted', settled_at = now(),
    cost_status = CASE WHEN cost_usd IS NULL THEN 'unpriced' ELSE 'estimated' END
WHERE status = 'started' AND worker = %s
"""


class UnreachableError(Exception):
    """PostgreSQL is away, frozen or not ready: the rows stay where they are."""


class UnfitError(UnreachableError):
    """The lines have columns that the table does not have yet: they were written by a newer version."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is given up when one exchange takes too long: a frozen server sends no error."""

    def wait(
        self,
        gen: Generator[Any, Any, Result],
        interval: float = 0.1,
        timeout: float | None = _PATIENCE_SECONDS,
    ) -> Result:
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            self.close()  # so that cleaning up does not wait as long again
            raise


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one worker, as lines in COPY's text format."""

    worker: str
    columns: tuple[str, ...]
    lines: bytes

    def halves(self) -> tuple[Self, Self] | None:
        lines = self.lines.splitlines(keepends=True)
        middle = len(lines) // 2
        if not middle:
            return None
        return replace(self, lines=b"".join(lines[:middle])), replace(self, lines=b"".join(lines[middle:]))


class Carrier:
    """One connection to PostgreSQL, made when needed. Not for more than one thread at a time."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        rejects: Path,
        *,
        rest_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._rejects = rejects
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._rests_until = 0.0
        self._connection: Connection | None = None
        self._is_away = False

    def is_ready(self) -> bool:
        """Whether there is a connection. After a failure the next one is tried only after a rest."""
        if self._connection is not None:
            return True
        if self._clock() < self._rests_until:
            return False
        try:
            self._connection = self._connect()
        except psycopg.Error as error:
            self._rest(error)
            return False
        return True

    def carry(self, batch: Batch) -> None:
        """Puts the rows into the table; a repetition changes nothing. What PostgreSQL refuses is set aside.

        Raises UnreachableError or UnfitError; then it must be tried again.
        """
        if not batch.lines:
            return
        try:
            self._transact(lambda connection: _insert(connection, batch))
        except _POISON as error:
            halves = batch.halves()
            if halves is None:
                self._set_aside(batch, error)
                return
            for half in halves:
                self.carry(half)

    def interrupt(self, worker: str) -> int:
        """Ends the rows that a dead worker started. Returns how many there were. Raises UnreachableError."""
        return self._transact(lambda connection: connection.execute(_INTERRUPT, [worker]).rowcount)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _transact(self, work: Callable[[Connection], Result]) -> Result:
        if not self.is_ready() or self._connection is None:
            raise UnreachableError
        try:
            result = _attempt(self._connection, work)
        except _POISON:
            if self._connection.closed:
                self._connection = None
            raise
        except psycopg.errors.UndefinedColumn as error:
            self._rest(error)  # reconnecting also renews the table for batches, after a migration
            raise UnfitError from error
        except psycopg.Error as error:
            self._rest(error)
            raise UnreachableError from error
        self._note_presence()
        return result

    def _rest(self, error: psycopg.Error) -> None:
        self.close()
        self._rests_until = self._clock() + self._rest_seconds
        if not self._is_away:
            self._is_away = True
            logger.error("ledger.database_away", extra={"reason": str(error).strip()})

    def _note_presence(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.warning("ledger.database_back")

    def _set_aside(self, batch: Batch, error: psycopg.Error) -> None:
        note = f"# {batch.worker} {error.sqlstate} {' '.join(batch.columns)}\n".encode()
        with self._rejects.open("ab") as rejects:
            rejects.write(note + batch.lines)
            rejects.flush()
            os.fsync(rejects.fileno())
        logger.error("ledger.row_rejected", extra={"sqlstate": error.sqlstate, "file": str(self._rejects)})


def _attempt(connection: Connection, work: Callable[[Connection], Result]) -> Result:
    try:
        connection.execute(_SETUP)
        result = work(connection)
        connection.commit()
    except psycopg.Error:
        if not connection.closed:
            connection.rollback()
        raise
    return result


def _insert(connection: Connection, batch: Batch) -> None:
    copy, insert = _statements(batch.columns)
    with connection.cursor() as cursor:
        with cursor.copy(copy) as stream:
            stream.write(batch.lines)
        cursor.execute(insert, [batch.worker])


@lru_cache(maxsize=8)
def _statements(columns: tuple[str, ...]) -> tuple[sql.Composed, sql.Composed]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    updates = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column)) for column in columns if column != "event_id"
    )
    copy = sql.SQL("COPY ledger_batch ({}) FROM STDIN").format(names)
    # a final row never changes again, but a late end is truer than our guess that there was none
    insert = sql.SQL(
        "INSERT INTO analytics_inferenceevent AS kept ({names}, worker)"
        " SELECT DISTINCT ON (event_id) {names}, %s FROM ledger_batch"
        " ORDER BY event_id, status = 'started', status = 'interrupted', settled_at"
        " ON CONFLICT (event_id) DO UPDATE SET {updates}"
        " WHERE (kept.status = 'started' AND excluded.status <> 'started')"
        " OR (kept.status = 'interrupted' AND excluded.status NOT IN ('started', 'interrupted'))"
    ).format(names=names, updates=updates)
    return copy, insert
