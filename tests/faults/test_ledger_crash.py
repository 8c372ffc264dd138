"""A killed process loses no row that it had acknowledged."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from analytics import journal
from tests.analytics import conftest as stories
from tests.analytics.conftest import MakeLedger, Table

table, directory, make_ledger = stories.table, stories.directory, stories.make_ledger

# opens and settles rows as fast as it can, without PostgreSQL, and says which of them it has acknowledged
WRITER = """
import asyncio, dataclasses, sys
from pathlib import Path
from uuid import UUID
import psycopg
from analytics import claims, rows
from analytics.carrier import Carrier
from analytics.events import EventStatus
from analytics.journal import Journal
from analytics.ledger import JournalLedger
from tests.analytics.facts import cache_hit, paid_answer

directory, organization_id = Path(sys.argv[1]), UUID(sys.argv[2])

def away():
    raise psycopg.OperationalError("away")

async def main():
    ledger = JournalLedger(
        Journal(directory, "doomed", columns=rows.COLUMNS, max_rows=100),
        claims.make(directory, "doomed"),
        Carrier(away, directory / "rejected.tsv"),
        interval_seconds=0.01,
    )
    ledger.start()
    while True:
        answers = [paid_answer(organization_id) for _ in range(8)]
        for facts in answers:
            ledger.open(dataclasses.replace(facts, status=EventStatus.STARTED))
            print("opened", facts.event_id, flush=True)
        ledger.record(cache_hit(organization_id))
        await asyncio.gather(*map(ledger.settle, answers[:6]))
        for facts in answers[:6]:
            print("settled", facts.event_id, flush=True)

asyncio.run(main())
"""


def write_until_killed(directory: Path, organization_id: UUID, lines: int) -> dict[str, set[UUID]]:
    """What a process had acknowledged when it was killed without warning."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(organization_id)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert process.stdout is not None
    said = [process.stdout.readline().split() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    said += [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.stdout.close()
    process.wait()
    acknowledged: dict[str, set[UUID]] = {"opened": set(), "settled": set()}
    for word, event_id in said:
        acknowledged[word].add(UUID(event_id))
    return acknowledged


def test_every_acknowledged_row_of_a_killed_worker_is_carried_in(
    make_ledger: MakeLedger, directory: Path, table: Table
):
    acknowledged = write_until_killed(directory, table.organization_id, lines=700)
    survivors = [make_ledger(), make_ledger()]

    for survivor in survivors:
        survivor.carry()

    paid = {row["event_id"]: row["status"] for row in table.rows() if row["cache_tier"] == 0}
    assert acknowledged["settled"] <= {event_id for event_id, status in paid.items() if status == "ok"}
    assert acknowledged["opened"] <= set(paid)
    assert set(paid.values()) == {"ok", "interrupted"}
    assert journal.backlog(directory).segments == 0
    assert not list(directory.glob("doomed*"))
