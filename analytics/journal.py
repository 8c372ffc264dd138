"""The journal: rows on local disk until they are in PostgreSQL."""

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REJECTS = "rejected.tsv"  # rows that PostgreSQL refused, for a person to look at

_MAX_SEGMENT_BYTES = 4 * 1024 * 1024
_MAX_SEGMENT_ROWS = 5_000

# not every system has fdatasync, which spares the file's times
_flush_file: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What lies on disk and is not yet in PostgreSQL, of all workers, and how many rows it refused."""

    segments: int
    bytes: int
    oldest_seconds: float
    rejected: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file, `<worker>.<nanoseconds>.tsv`: a line of column names, then one row a line."""

    path: Path

    @property
    def worker(self) -> str:
        return self.path.name.split(".")[0]

    @property
    def begun_at(self) -> float:
        return int(self.path.name.split(".")[1]) / 1e9

    def read(self) -> tuple[tuple[str, ...], bytes]:
        """The columns, and all complete lines. A torn last line, left by a crash, was never acknowledged."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:  # taken away by hand: no reason to stumble over it for ever
            return (), b""
        head, _, lines = content[: content.rfind(b"\n") + 1].partition(b"\n")
        return tuple(head.decode(errors="replace").split("\t")), lines


def segments(directory: Path, worker: str = "*") -> list[Segment]:
    """The segments that lie in the directory, oldest first."""
    return sorted(map(Segment, directory.glob(f"{worker}.[0-9]*.tsv")), key=lambda segment: segment.begun_at)


def backlog(directory: Path) -> Backlog:
    waiting = segments(directory)
    sizes = [size for segment in waiting if (size := _size(segment.path)) is not None]
    oldest = time.time() - waiting[0].begun_at if waiting else 0.0
    return Backlog(len(sizes), sum(sizes), max(oldest, 0.0), _refused(directory / REJECTS))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # carried in this moment
        return None


def _refused(rejects: Path) -> int:
    try:
        with rejects.open("rb") as lines:
            return sum(1 for line in lines if not line.startswith(b"#"))
    except FileNotFoundError:
        return 0


class Journal:
    """Appends one worker's lines to files: they survive the process at once, the machine after `flush`.

    A segment is closed when it is full or when `rotate` is called; the next one begins with the next line.
    """

    def __init__(
        self,
        directory: Path,
        worker: str,
        *,
        columns: Sequence[str],
        max_bytes: int = _MAX_SEGMENT_BYTES,
        max_rows: int = _MAX_SEGMENT_ROWS,
        write: Callable[[int, bytes], int] = os.write,
        sync: Callable[[int], None] = _flush_file,
    ) -> None:
        self._directory = directory
        self._worker = worker
        self._head = ("\t".join(columns) + "\n").encode()
        self._max_bytes, self._max_rows = max_bytes, max_rows
        self._os_write, self._os_sync = write, sync
        self._lock = threading.Lock()  # held for microseconds: the event loop waits for it
        self._flush_lock = threading.Lock()
        self._current: Segment | None = None
        self._descriptor = -1
        self._size = self._rows = self._sequence = 0
        self._closed: deque[Segment] = deque()
        self._retired: list[int] = []  # descriptors of closed segments, not yet flushed
        self._is_dirty = self._has_new_names = False

    def append(self, lines: bytes, rows: int = 1) -> None:
        """Writes whole lines. Raises OSError when they cannot be written; then nothing of them is kept."""
        with self._lock:
            if self._current is None:
                self._begin_segment()
            self._write(lines)
            self._rows += rows
            self._is_dirty = True
            if self._size >= self._max_bytes or self._rows >= self._max_rows:
                self._end_segment()

    def rotate(self) -> None:
        """Closes the current segment if it has rows, so that it can be carried away."""
        with self._lock:
            if self._rows:
                self._end_segment()

    def flush(self) -> None:
        """Puts on disk whatever was appended before this call."""
        with self._flush_lock:
            with self._lock:
                if not self._is_dirty:
                    return
                retired, self._retired = self._retired, []
                current = [self._descriptor] if self._current else []
                has_new_names, self._has_new_names = self._has_new_names, False
                self._is_dirty = False
            try:
                for descriptor in (*retired, *current):
                    self._os_sync(descriptor)
                if has_new_names:
                    self._flush_names()
            except OSError:
                self._is_dirty = self._has_new_names = True
                raise
            finally:
                for descriptor in retired:
                    os.close(descriptor)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to carry away."""
        return bool(self._rows or self._closed)

    @property
    def was_used(self) -> bool:
        return self._sequence > 0

    def closed(self) -> list[Segment]:
        """The closed segments that are not yet carried away, oldest first."""
        with self._lock:
            return list(self._closed)

    def discard(self, segment: Segment) -> None:
        """Deletes a segment whose rows are safe elsewhere."""
        segment.path.unlink(missing_ok=True)
        with self._lock:
            self._closed.remove(segment)

    def close(self) -> None:
        with self._lock:
            if self._current is not None:
                self._end_segment()
        self.flush()

    def _begin_segment(self) -> None:
        # the clock names segments so that all workers' sort by age; it must not go back within one worker
        self._sequence = max(self._sequence + 1, time.time_ns())
        segment = Segment(self._directory / f"{self._worker}.{self._sequence}.tsv")
        self._descriptor = os.open(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._current, self._size, self._rows = segment, 0, 0
        try:
            self._write(self._head)
        except OSError:
            self._drop_segment()
            raise
        self._has_new_names = True

    def _write(self, content: bytes) -> None:
        written = self._os_write(self._descriptor, content)
        if written == len(content):
            self._size += written
            return
        try:  # the disk is full: take the torn line back, or leave it as the last of this segment
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._end_segment()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _end_segment(self) -> None:
        assert self._current is not None  # noqa: S101 - for the type checker; callers have looked
        if not self._rows:
            self._drop_segment()
            return
        self._closed.append(self._current)
        self._retire()

    def _drop_segment(self) -> None:
        assert self._current is not None  # noqa: S101 - for the type checker; callers have looked
        self._current.path.unlink(missing_ok=True)
        self._retire()

    def _retire(self) -> None:
        # closed by the next flush, which may be using the descriptor at this moment
        self._retired.append(self._descriptor)
        self._current, self._rows, self._is_dirty = None, 0, True

    def _flush_names(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
