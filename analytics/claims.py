"""Who looks after a worker's segments: a locked file, free again as soon as its holder is dead."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analytics import journal


@dataclass(frozen=True, slots=True)
class Claim:
    """The lock `<worker>.lock`. The kernel gives it up with the process, however that ends."""

    path: Path
    descriptor: int

    @property
    def worker(self) -> str:
        return self.path.name.removesuffix(".lock")

    def segments(self) -> list[journal.Segment]:
        return journal.segments(self.path.parent, self.worker)

    def finish(self) -> None:
        """Everything is carried away: the worker is history."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go; what is not finished is left to whoever looks next."""
        os.close(self.descriptor)


def make(directory: Path, worker: str) -> Claim:
    """Claims a name of one's own. Raises OSError when the directory cannot be written."""
    path = directory / f"{worker}.lock"
    draft = path.with_suffix(".claiming")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
    # locked before it bears its name: nobody can find it free
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    draft.rename(path)
    return Claim(path, descriptor)


def orphans(directory: Path) -> Iterator[Claim]:
    """Claims, one after the other, what dead workers left in the directory."""
    # segments first: a living worker's lock is older than its segments
    workers = {segment.worker for segment in journal.segments(directory)}
    workers |= {path.name.removesuffix(".lock") for path in directory.glob("*.lock")}
    for worker in sorted(workers):
        claim = _take_over(directory / f"{worker}.lock")
        if claim is not None:
            yield claim


def _take_over(path: Path) -> Claim | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # another survivor may have finished, and removed the file, between our open and our lock
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return Claim(path, descriptor)
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
