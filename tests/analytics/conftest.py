"""The ledger on the test run's real PostgreSQL; each test has an organization of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from acron_site.lib.ids import uuid7
from analytics import claims, journal, rows, wiring
from analytics.carrier import Carrier, Connection
from analytics.journal import Journal
from analytics.ledger import JournalLedger


@dataclass(frozen=True)
class Table:
    """The ledger's table, seen from outside Django's transaction."""

    connection: psycopg.Connection[dict[str, Any]]
    organization_id: UUID

    def rows(self) -> list[dict[str, Any]]:
        query = "SELECT * FROM analytics_inferenceevent WHERE organization_id = %s ORDER BY event_id"
        return self.connection.execute(query, [self.organization_id]).fetchall()

    def row(self) -> dict[str, Any]:
        (row,) = self.rows()
        return row


@pytest.fixture
def table(db: None) -> Iterator[Table]:
    connection = psycopg.connect(**wiring.connection_parameters(), autocommit=True, row_factory=dict_row)
    table = Table(connection, uuid7())
    with connection:
        yield table
        connection.execute("DELETE FROM analytics_inferenceevent WHERE organization_id = %s", [table.organization_id])


class MakeLedger(Protocol):
    def __call__(self, *, connect: Callable[[], Connection] = ..., **options: Any) -> JournalLedger: ...


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "ledger"
    path.mkdir()
    return path


@pytest.fixture
def make_ledger(directory: Path, table: Table) -> Iterator[MakeLedger]:
    """Ledgers that carry when told to, and rest not at all after a failure."""
    made = []

    def make(*, connect: Callable[[], Connection] = wiring.connect, **options: Any) -> JournalLedger:
        worker = uuid7().hex
        limits = {name: options.pop(name) for name in ("write", "sync", "max_rows", "max_bytes") if name in options}
        ledger = JournalLedger(
            Journal(directory, worker, columns=rows.COLUMNS, **limits),
            claims.make(directory, worker),
            Carrier(connect, directory / journal.REJECTS, rest_seconds=0),
            **{"orphan_interval_seconds": 0, **options},
        )
        made.append(ledger)
        return ledger

    yield make
    for ledger in made:
        ledger.stop()


@pytest.fixture
def ledger(make_ledger: MakeLedger) -> JournalLedger:
    return make_ledger()
