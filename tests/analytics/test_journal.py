"""The journal keeps whole lines, on any disk."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from analytics import claims, journal
from analytics.group_commit import GroupCommit
from analytics.journal import Journal


class Disk:
    """A disk with little room, that counts how often it is asked to flush."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.flushes = 0

    def write(self, descriptor: int, content: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "no space")
        written = os.write(descriptor, content[: self.room])
        self.room -= written
        return written

    def sync(self, descriptor: int) -> None:
        self.flushes += 1
        os.fdatasync(descriptor)


def make_journal(directory: Path, disk: Disk | None = None, **options) -> Journal:
    disk = disk or Disk()
    return Journal(directory, "worker", columns=("a", "b"), write=disk.write, sync=disk.sync, **options)


def content(directory: Path) -> bytes:
    return b"".join(segment.read()[1] for segment in journal.segments(directory))


def test_a_line_is_in_the_file_as_soon_as_it_is_appended(directory: Path):
    make_journal(directory).append(b"1\t2\n")

    (segment,) = journal.segments(directory)
    assert segment.read() == (("a", "b"), b"1\t2\n")
    assert segment.worker == "worker"


def test_nothing_written_leaves_no_file(directory: Path):
    quiet = make_journal(directory)

    quiet.rotate()
    quiet.close()

    assert not list(directory.iterdir())


def test_segments_are_closed_when_full_and_come_oldest_first(directory: Path):
    full = make_journal(directory, max_rows=2)

    for number in range(5):
        full.append(f"{number}\tx\n".encode())

    assert len(full.closed()) == 2
    assert content(directory) == b"0\tx\n1\tx\n2\tx\n3\tx\n4\tx\n"


def test_a_carried_segment_is_gone(directory: Path):
    carried = make_journal(directory)
    carried.append(b"1\t2\n")
    carried.rotate()

    carried.discard(carried.closed()[0])

    assert not journal.segments(directory)
    assert not carried.has_rows


@pytest.mark.parametrize("torn", [b"", b"a", b"a\tb", b"a\tb\n", b"a\tb\n3", b"a\tb\n1\t2\n3\t"])
def test_a_torn_last_line_is_ignored(directory: Path, torn: bytes):
    path = directory / "dead.1.tsv"
    path.write_bytes(torn)

    _, lines = journal.segments(directory)[0].read()

    assert lines == (b"1\t2\n" if b"1\t2\n" in torn else b"")


def test_a_full_disk_says_so_and_leaves_no_torn_line(directory: Path):
    disk = Disk(room=10)
    cramped = make_journal(directory, disk)
    cramped.append(b"1\t2\n")

    with pytest.raises(OSError, match="space"):
        cramped.append(b"3\t4\n")
    disk.room = 100
    cramped.append(b"5\t6\n")

    assert content(directory) == b"1\t2\n5\t6\n"


def test_a_disk_without_room_for_a_segments_first_line_keeps_nothing(directory: Path):
    disk = Disk(room=2)
    cramped = make_journal(directory, disk)

    with pytest.raises(OSError, match="space"):
        cramped.append(b"1\t2\n")

    assert not journal.segments(directory)


def test_a_failed_flush_is_not_forgotten(directory: Path):
    sick = Disk()
    failing = Journal(directory, "worker", columns=("a",), sync=lambda _: (_ for _ in ()).throw(OSError("sick")))
    failing.append(b"1\n")

    for _ in range(2):
        with pytest.raises(OSError, match="sick"):
            failing.flush()

    assert sick.flushes == 0


def test_flushing_again_without_new_lines_costs_nothing(directory: Path):
    disk = Disk()
    calm = make_journal(directory, disk)
    calm.append(b"1\t2\n")

    for _ in range(5):
        calm.flush()

    assert disk.flushes == 1


def test_closed_segments_are_flushed_and_their_descriptors_given_back(directory: Path):
    disk = Disk()
    busy = make_journal(directory, disk, max_rows=1)
    open_before = len(list(Path("/proc/self/fd").iterdir()))

    for number in range(50):
        busy.append(f"{number}\tx\n".encode())
    busy.flush()

    assert disk.flushes == 50
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


async def test_many_who_wait_share_few_flushes(directory: Path):
    disk = Disk()
    shared = make_journal(directory, disk)

    def store(rows: Sequence[bytes]) -> None:
        shared.append(b"".join(rows), len(rows))
        shared.flush()

    group_commit = GroupCommit(store)
    await asyncio.gather(*(group_commit.commit(f"{number}\tx\n".encode()) for number in range(500)))
    group_commit.close()

    assert 1 <= disk.flushes <= 50


async def test_who_waits_goes_on_once_the_own_row_is_stored():
    stored: list[bytes] = []
    group_commit = GroupCommit(stored.extend)

    for number in range(20):
        await group_commit.commit(b"%d" % number)
        assert stored[-1] == b"%d" % number

    group_commit.close()


async def test_who_stops_waiting_disturbs_nobody():
    group_commit = GroupCommit(lambda _: None)
    impatient = [asyncio.create_task(group_commit.commit(b"row")) for _ in range(10)]
    patient = [asyncio.create_task(group_commit.commit(b"row")) for _ in range(10)]
    await asyncio.sleep(0)

    for task in impatient:
        task.cancel()

    await asyncio.gather(*patient)
    group_commit.close()


async def test_a_failed_flush_reaches_everyone_who_waits():
    def fail(_: Sequence[bytes]) -> None:
        raise OSError(errno.EIO, "input/output error")

    group_commit = GroupCommit(fail)

    outcomes = await asyncio.gather(*(group_commit.commit(b"row") for _ in range(3)), return_exceptions=True)

    group_commit.close()
    assert [type(outcome) for outcome in outcomes] == [OSError] * 3


def test_a_living_workers_claim_cannot_be_taken(directory: Path):
    living = claims.make(directory, "living")

    assert not list(claims.orphans(directory))

    living.close()
    (orphan,) = claims.orphans(directory)
    assert orphan.worker == "living"
    orphan.close()


def test_two_survivors_do_not_both_adopt_one_orphan(directory: Path):
    claims.make(directory, "dead").close()

    first = claims.orphans(directory)
    second = claims.orphans(directory)
    held = next(first)

    assert not list(second)
    held.finish()
    held.close()
    assert not list(claims.orphans(directory))


def test_segments_without_any_claim_are_adopted_too(directory: Path):
    (directory / "lost.1.tsv").write_bytes(b"a\n1\n")

    (orphan,) = claims.orphans(directory)

    assert [segment.worker for segment in orphan.segments()] == ["lost"]
    orphan.close()


def test_the_backlog_counts_what_waits(directory: Path):
    waiting = make_journal(directory, max_rows=1)
    waiting.append(b"1\t2\n")
    waiting.append(b"3\t4\n")
    (directory / journal.REJECTS).write_bytes(b"# why\n5\t6\n")

    backlog = journal.backlog(directory)

    assert (backlog.segments, backlog.bytes, backlog.rejected) == (2, 16, 1)
    assert 0 <= backlog.oldest_seconds < 60
    assert journal.backlog(directory / "nothing").segments == 0
