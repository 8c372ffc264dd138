"""The ledger loses nothing and counts nothing twice."""

import asyncio
import errno
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from acron_site.lib.config import SettingsError
from acron_site.lib.errors import OverloadedError
from acron_site.lib.ids import uuid7
from analytics import claims, journal, rows, wiring
from analytics.events import CostStatus, EventStatus
from analytics.journal import Journal
from analytics.ledger import JournalLedger
from analytics.pending import Pending
from tests.analytics.conftest import MakeLedger, Table
from tests.analytics.facts import cache_hit, paid_answer


def started(facts):
    return replace(facts, status=EventStatus.STARTED, http_status=0)


async def test_a_paid_answer_is_one_row_that_is_settled(ledger: JournalLedger, table: Table):
    facts = paid_answer(table.organization_id)

    ledger.open(started(facts))
    await ledger.settle(facts)
    ledger.carry()

    row = table.row()
    assert (row["event_id"], row["status"], row["cost_usd"]) == (facts.event_id, "ok", Decimal("0.0025"))


async def test_a_row_carried_while_under_way_is_settled_later(ledger: JournalLedger, table: Table):
    facts = paid_answer(table.organization_id)

    ledger.open(started(facts))
    ledger.carry()
    before = table.row()
    await ledger.settle(facts)
    ledger.carry()

    assert (before["status"], before["settled_at"]) == ("started", None)
    assert table.row()["status"] == "ok"


def test_a_hit_is_recorded_with_the_next_batch(ledger: JournalLedger, table: Table):
    ledger.record(cache_hit(table.organization_id))
    assert not table.rows()

    ledger.carry()

    assert (table.row()["cache_tier"], table.row()["saved_usd"]) == (1, Decimal("0.0025"))


async def test_lines_in_the_wrong_order_and_carried_twice_change_nothing(
    make_ledger: MakeLedger, directory: Path, table: Table
):
    facts = paid_answer(table.organization_id)
    copies = directory.parent / "copies"
    copies.mkdir()
    ledger = make_ledger()
    await ledger.settle(facts)
    ledger.open(started(facts))
    for segment in journal.segments(directory):
        (copies / segment.path.name).write_bytes(segment.path.read_bytes())

    ledger.carry()
    for copy in copies.iterdir():
        copy.rename(directory / f"replayed.{copy.name.split('.', 1)[1]}")
    ledger.carry()

    assert table.row()["status"] == "ok"


async def test_a_settled_row_never_changes_again(ledger: JournalLedger, table: Table):
    facts = paid_answer(table.organization_id)
    await ledger.settle(facts)
    ledger.carry()

    for late in (replace(facts, cost_usd=Decimal(9)), replace(facts, status=EventStatus.INTERRUPTED), started(facts)):
        await ledger.settle(late)
        ledger.carry()

    assert (table.row()["status"], table.row()["cost_usd"]) == ("ok", Decimal("0.0025"))


@pytest.mark.parametrize("status", [EventStatus.OK, EventStatus.ERROR, EventStatus.CLIENT_GONE])
async def test_a_late_end_replaces_the_guess_that_there_was_none(ledger: JournalLedger, table: Table, status):
    facts = paid_answer(table.organization_id, status=EventStatus.INTERRUPTED, cost_status=CostStatus.ESTIMATED)
    await ledger.settle(facts)
    ledger.carry()

    await ledger.settle(replace(facts, status=status))
    ledger.carry()

    assert table.row()["status"] == status


async def test_while_postgresql_is_away_rows_wait_on_disk(
    make_ledger: MakeLedger, directory: Path, table: Table, caplog: pytest.LogCaptureFixture
):
    is_away = True

    def connect():
        if is_away:
            raise psycopg.OperationalError("away")
        return wiring.connect()

    ledger = make_ledger(connect=connect, max_rows=10)
    answers = [paid_answer(table.organization_id) for _ in range(25)]
    for facts in answers:
        ledger.open(started(facts))
        await ledger.settle(facts)
        ledger.record(cache_hit(table.organization_id))
        ledger.carry()
    waiting = journal.backlog(directory)
    is_away = False
    ledger.carry()

    assert waiting.segments == 8  # 75 lines: full segments only, not one for each tick
    assert len(table.rows()) == 50
    assert {row["status"] for row in table.rows()} == {"ok"}
    assert journal.backlog(directory).segments == 0
    assert [record.message for record in caplog.records] == ["ledger.database_away", "ledger.database_back"]


async def test_a_connection_cut_in_the_middle_is_made_again(make_ledger: MakeLedger, table: Table):
    connections = []

    def connect():
        connections.append(wiring.connect())
        return connections[-1]

    ledger = make_ledger(connect=connect)
    ledger.open(paid_answer(table.organization_id))
    ledger.carry()
    table.connection.execute("SELECT pg_terminate_backend(%s)", [connections[0].info.backend_pid])

    ledger.open(paid_answer(table.organization_id))
    ledger.carry()
    ledger.carry()

    assert len(table.rows()) == 2
    assert len(connections) == 2


def test_after_a_failure_postgresql_gets_a_rest(make_ledger: MakeLedger, directory: Path):
    from analytics.carrier import Carrier

    now, attempts = 0.0, []

    def connect():
        attempts.append(now)
        raise psycopg.OperationalError("away")

    carrier = Carrier(connect, directory / journal.REJECTS, rest_seconds=1.0, clock=lambda: now)
    for tick in range(20):
        now = tick * 0.2
        assert not carrier.is_ready()

    assert len(attempts) == 4


def test_a_row_that_postgresql_refuses_is_set_aside_and_the_others_pass(
    ledger: JournalLedger, directory: Path, table: Table, caplog: pytest.LogCaptureFixture
):
    lines = [rows.encode(paid_answer(table.organization_id)) for _ in range(20)]
    poison = [
        b"this is no row\n",
        lines[3].replace(b"\tok\t", b"\tperhaps\t"),
        lines[4].replace(b"\t100\t", b"\tmany\t"),
    ]
    (directory / "dead.1.tsv").write_bytes(
        ("\t".join(rows.COLUMNS) + "\n").encode() + b"".join([*lines[:7], *poison, *lines[7:]])
    )

    ledger.carry()

    assert len(table.rows()) == 20
    kept = (directory / journal.REJECTS).read_bytes()
    assert all(line in kept for line in poison)
    assert journal.backlog(directory).rejected == 3
    assert sum(record.message == "ledger.row_rejected" for record in caplog.records) == 3


def test_a_torn_last_line_is_left_out(ledger: JournalLedger, directory: Path, table: Table):
    whole, torn = (rows.encode(paid_answer(table.organization_id)) for _ in range(2))
    (directory / "dead.1.tsv").write_bytes(("\t".join(rows.COLUMNS) + "\n").encode() + whole + torn[:-20])

    ledger.carry()

    assert len(table.rows()) == 1
    assert not journal.segments(directory)


def test_lines_of_an_older_version_are_read_by_their_column_names(ledger: JournalLedger, directory: Path, table: Table):
    columns = ("organization_id", "status", "event_id", "occurred_at")
    values = (table.organization_id.hex, "ok", uuid7().hex, "2026-11-12T10:00:00+00:00")
    (directory / "older.1.tsv").write_text("\t".join(columns) + "\n" + "\t".join(values) + "\n")

    ledger.carry()

    assert (table.row()["worker"], table.row()["cost_status"]) == ("older", "unpriced")


def test_lines_of_a_newer_version_wait_for_it_and_hold_nobody_up(ledger: JournalLedger, directory: Path, table: Table):
    newer = directory / "newer.1.tsv"
    newer.write_text("event_id\tcolour\nx\tred\n")
    ledger.open(paid_answer(table.organization_id))

    ledger.carry()
    ledger.carry()

    assert len(table.rows()) == 1
    assert newer.exists()
    newer.unlink()


def test_what_a_dead_worker_left_is_carried_in_and_ended(make_ledger: MakeLedger, directory: Path, table: Table):
    done, lost, free = (paid_answer(table.organization_id) for _ in range(3))
    dead = Journal(directory, "dead", columns=rows.COLUMNS)
    for facts in (started(done), done, started(lost), replace(started(free), cost_usd=None)):
        dead.append(rows.encode(facts))
    claims.make(directory, "dead").close()  # what the kernel does for a killed process
    survivors = [make_ledger(), make_ledger()]

    for survivor in survivors:
        survivor.carry()

    statuses = {row["event_id"]: (row["status"], row["cost_status"]) for row in table.rows()}
    assert statuses == {
        done.event_id: ("ok", "priced"),
        lost.event_id: ("interrupted", "estimated"),
        free.event_id: ("interrupted", "unpriced"),
    }
    assert not journal.segments(directory)


def test_a_living_workers_open_rows_are_left_alone(make_ledger: MakeLedger, table: Table):
    living, neighbour = make_ledger(), make_ledger()
    living.open(started(paid_answer(table.organization_id)))
    living.carry()

    neighbour.carry()

    assert table.row()["status"] == "started"


async def test_an_end_leaves_nothing_behind(make_ledger: MakeLedger, directory: Path, table: Table):
    ledger = make_ledger()
    ledger.start()
    settled = paid_answer(table.organization_id)
    ledger.open(started(settled))
    await ledger.settle(settled)
    ledger.open(started(paid_answer(table.organization_id)))
    ledger.record(cache_hit(table.organization_id))

    ledger.stop()

    assert sorted(row["status"] for row in table.rows()) == ["interrupted", "ok", "ok"]
    assert journal.backlog(directory).segments == 0
    assert not list(claims.orphans(directory))


def test_an_end_without_postgresql_leaves_the_rows_to_others(make_ledger: MakeLedger, directory: Path, table: Table):
    def connect():
        raise psycopg.OperationalError("away")

    leaving = make_ledger(connect=connect)
    leaving.record(cache_hit(table.organization_id))
    leaving.stop()
    assert journal.backlog(directory).segments == 1

    make_ledger().carry()

    assert len(table.rows()) == 1


def no_room(descriptor: int, content: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_without_room_for_the_row_no_paid_call_is_allowed(make_ledger: MakeLedger, table: Table):
    ledger = make_ledger(write=no_room)

    with pytest.raises(OverloadedError, match="ledger cannot be written") as refusal:
        ledger.open(started(paid_answer(table.organization_id)))

    assert refusal.value.headers["Retry-After"]


async def test_a_paid_answers_row_reaches_postgresql_even_past_a_full_disk(
    make_ledger: MakeLedger, table: Table, caplog: pytest.LogCaptureFixture
):
    ledger = make_ledger(write=no_room)

    for _ in range(5):
        await ledger.settle(paid_answer(table.organization_id))
        ledger.record(cache_hit(table.organization_id))
    ledger.carry()

    assert len(table.rows()) == 10
    assert [record.message for record in caplog.records] == ["ledger.journal_down"]


async def test_a_row_that_could_not_be_written_is_written_later(make_ledger: MakeLedger, table: Table, caplog):
    is_full, is_away, now = True, True, 0.0

    def write(descriptor: int, content: bytes) -> int:
        return no_room(descriptor, content) if is_full else os.write(descriptor, content)

    def connect():
        if is_away:
            raise psycopg.OperationalError("away")
        return wiring.connect()

    ledger = make_ledger(write=write, connect=connect, clock=lambda: now)
    await ledger.settle(paid_answer(table.organization_id))
    ledger.carry()
    is_full, now = False, 100.0
    ledger.carry()
    is_away = False
    ledger.carry()

    assert len(table.rows()) == 1
    said = [record.message for record in caplog.records]
    assert said == ["ledger.journal_down", "ledger.database_away", "ledger.journal_up", "ledger.database_back"]


async def test_hits_under_load_are_written_without_waiting_for_the_carrier(
    make_ledger: MakeLedger, directory: Path, table: Table
):
    ledger = make_ledger(pending=Pending(3600, max_rows=50))

    for _ in range(300):
        ledger.record(cache_hit(table.organization_id))

    (segment,) = journal.segments(directory)
    assert segment.read()[1].count(b"\n") == 256  # two full batches


async def test_the_thread_carries_by_itself(make_ledger: MakeLedger, table: Table):
    ledger = make_ledger(interval_seconds=0.01)
    ledger.start()
    ledger.record(cache_hit(table.organization_id))

    for _ in range(200):
        if table.rows():
            break
        await asyncio.sleep(0.01)

    assert len(table.rows()) == 1


async def test_a_tick_that_fails_in_an_unforeseen_way_is_not_the_last(
    make_ledger: MakeLedger, table: Table, caplog: pytest.LogCaptureFixture
):
    surprises = [RuntimeError("nobody thought of this")] * 3

    def connect():
        if surprises:
            raise surprises.pop()
        return wiring.connect()

    ledger = make_ledger(connect=connect, interval_seconds=0.01)
    ledger.record(cache_hit(table.organization_id))
    ledger.start()

    for _ in range(200):
        if table.rows():
            break
        await asyncio.sleep(0.01)

    assert len(table.rows()) == 1
    assert [record.message for record in caplog.records] == ["ledger.carry_failed"]


def test_a_place_that_cannot_be_written_is_refused_at_the_start(settings, tmp_path: Path):
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.write_text("in the way")

    with pytest.raises(SettingsError, match=r"storage\.data_dir"):
        wiring.open_ledger()


def test_the_settings_make_a_ledger(db: None, settings, tmp_path: Path):
    settings.DATA_DIR = tmp_path

    made = wiring.open_ledger()

    assert wiring.backlog().segments == 0
    assert len(list(wiring.ledger_directory().glob("*.lock"))) == 1
    made.stop()
    assert not list(wiring.ledger_directory().iterdir())


def test_a_row_of_an_organization_that_is_gone_does_not_stop_the_ledger(
    make_ledger: MakeLedger, directory: Path, table: Table
):
    unknown = table.organization_id  # no organization with this id was ever made
    ledger = make_ledger()

    ledger.open(paid_answer(unknown))
    ledger.carry()

    assert len(table.rows()) == 1
    assert not (directory / journal.REJECTS).exists()


def test_memory_stays_flat_while_postgresql_is_away(directory: Path):
    quiet = Journal(directory, "w", columns=rows.COLUMNS, max_rows=100)

    for _ in range(1000):
        quiet.append(b"x\n")

    assert len(quiet.closed()) == 10
