"""Lines of files that others have made: read one by one, never longer than is said, compressed or not."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

_AT_ONCE = 1 << 16


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Raises OSError or EOFError, also for what is compressed badly."""
    with _open(path) as file:
        try:
            yield file
        except zlib.error as error:
            raise OSError(str(error)) from error


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(path)) if path.suffix == ".gz" else path.open("rb")


def bounded(file: IO[bytes], *, most_bytes: int) -> Iterator[bytes]:
    """Each line without its end. Of a longer line only `most_bytes + 1` come, so that who reads it can tell."""
    while line := file.readline(most_bytes + 1):
        if len(line) > most_bytes and not line.endswith(b"\n"):
            _skip_rest(file)
        yield line.rstrip(b"\r\n")


def _skip_rest(file: IO[bytes]) -> None:
    while (piece := file.readline(_AT_ONCE)) and not piece.endswith(b"\n"):
        pass
