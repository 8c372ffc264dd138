"""Processes of the embedded services, as the tests start, find and end them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent.parent
_USE = """
import json, sys
from pathlib import Path
from acron_site import embedded
environ = {}
embedded.provide(environ, Path(sys.argv[1]))
print(json.dumps(environ), flush=True)
sys.stdin.read()
"""


@dataclass
class User:
    """A process that uses the embedded services of a folder until it is told to end."""

    process: subprocess.Popen[str]

    def environ(self) -> dict[str, str]:
        assert self.process.stdout is not None
        found: dict[str, str] = json.loads(self.process.stdout.readline())
        return found

    def end(self) -> None:
        if self.process.stdin and not self.process.stdin.closed:
            self.process.communicate(timeout=20)

    def kill(self) -> None:
        self.process.kill()
        self.end()


@contextmanager
def using(folder: Path) -> Iterator[User]:
    command = [sys.executable, "-c", _USE, str(folder)]
    user = User(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    try:
        yield user
    finally:
        user.end()


def of(folder: Path) -> list[psutil.Process]:
    """Every process that works in `folder`, by its command line."""
    return [process for process in psutil.process_iter() if str(folder) in _command_line(process)]


def named(folder: Path, name: str) -> psutil.Process:
    return next(process for process in of(folder) if process.name().startswith(name))


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as session:
        cursor = session.execute(statement)
        return cursor.fetchall() if cursor.description else []


def count(url: str, key: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.incr(key))


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
