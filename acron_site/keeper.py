"""The process that keeps one embedded service running for as long as somebody uses it.

It holds no port and no secret: `acron_site.embedded` starts it, one for PostgreSQL and one for Redis. Who uses a
service holds a shared lock on its `users.lock`; the keeper waits for the exclusive one, which the kernel grants when
the last user has gone, however that ended (kill -9 included).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class ServiceError(RuntimeError):
    """An embedded service cannot run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the keeper has to know of a server."""

    name: str
    folder: Path
    url: str
    command: tuple[str, ...]
    stop_signal: signal.Signals
    sockets: Path  # the folder with the server's socket
    owner: tuple[int, int] | None  # user and group to run as; None: ours
    clear: Callable[[], None]  # removes what a killed server leaves behind; called when none is running
    is_ready: Callable[[int], bool]  # takes the server's process id

    @property
    def log(self) -> Path:
        return self.folder / "server.log"


def lock(path: Path, operation: int) -> int | None:
    """A descriptor that holds the lock until it is closed; None when it is taken and `operation` says not to wait."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_taken(path: Path) -> bool:
    if not path.parent.exists():  # the data directory was thrown away under us, as tests do
        return False
    descriptor = lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """What a child has to call between fork and exec, so that it gets the signal when its parent is gone (Linux)."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Keeper:
    """Starts the service, starts it again when it crashes, stops it when the last user has gone."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._server: subprocess.Popen[bytes] | None = None
        self._unused = threading.Event()
        self._users_lock: int | None = None

    def run(self, announce: Callable[[dict[str, Any]], None]) -> None:
        self._start()
        announce({"url": self._service.url, "pid": os.getpid()})
        threading.Thread(target=self._wait_for_last_user, daemon=True).start()
        self._keep()
        (self._service.folder / "service.json").unlink(missing_ok=True)
        self._stop()
        with contextlib.suppress(OSError):
            # one with a short path holds nothing else and goes; any other is not empty and stays
            self._service.sockets.rmdir()

    def _wait_for_last_user(self) -> None:
        self._users_lock = lock(self._service.folder / "users.lock", fcntl.LOCK_EX)
        self._unused.set()

    def _keep(self) -> None:
        pause = 0.1
        while not self._unused.wait(0.1):
            # a server that was stopped on purpose (exit code 0) stays stopped
            if self._server is None or self._server.poll() in (None, 0):
                continue
            try:
                self._start()
                pause = 0.1
            except ServiceError as error:
                sys.stderr.write(f"{error}\n")
                self._unused.wait(pause)
                pause = min(pause * 2, 5.0)

    def _start(self) -> None:
        service = self._service
        # the server inherits the lock and so do its own children: while one lives, no second server starts
        descriptor = self._wait_for_predecessor()
        try:
            service.clear()
            with service.log.open("ab") as log:
                self._server = subprocess.Popen(
                    service.command,
                    cwd=service.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(descriptor,),
                    preexec_fn=dies_with_parent(service.stop_signal),  # noqa: PLW1509 - one system call, no Python lock
                    **_identity(service.owner),
                )
        finally:
            os.close(descriptor)
        self._wait_until_ready(self._server)

    def _wait_for_predecessor(self) -> int:
        path = self._service.folder / "server.lock"
        for _ in _until(START_SECONDS):
            descriptor = lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if descriptor is not None:
                return descriptor
        raise ServiceError(
            f"an earlier embedded {self._service.name} still runs in {self._service.folder}; stop it, then start again"
        )

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        for _ in _until(START_SECONDS):
            if server.poll() is not None:
                break
            if self._service.is_ready(server.pid):
                return
        raise ServiceError(f"the embedded {self._service.name} does not start; see the end of {self._service.log}")

    def _stop(self) -> None:
        if self._server is None or self._server.poll() is not None:
            return
        self._server.send_signal(self._service.stop_signal)
        try:
            self._server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


def _identity(owner: tuple[int, int] | None) -> dict[str, Any]:
    return {"user": owner[0], "group": owner[1], "extra_groups": []} if owner else {}


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.01)


def main(kind: str, folder: Path) -> None:
    """Speaks one line of JSON on standard output: what is offered, or why it is not."""
    from acron_site import servers

    # Ctrl-C and a shutdown's SIGTERM reach every process: those who use the service are to end first
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # somebody may be looking at this very moment whether it is taken, which takes it
    if not any(lock(folder / "keeper.lock", fcntl.LOCK_EX | fcntl.LOCK_NB) is not None for _ in _until(1.0)):
        return
    try:
        Keeper(servers.prepare(kind, folder)).run(_announcer(folder))
    except (ServiceError, OSError, subprocess.CalledProcessError) as error:
        _say({"error": str(error)})


def _announcer(folder: Path) -> Callable[[dict[str, Any]], None]:
    def announce(offer: dict[str, Any]) -> None:
        draft = folder / "service.json.new"
        draft.write_text(json.dumps(offer), encoding="utf-8")
        draft.replace(folder / "service.json")
        _say(offer)

    return announce


def _say(message: dict[str, Any]) -> None:
    # the starter may be gone by now: its end of the pipe too
    with contextlib.suppress(BrokenPipeError, ValueError):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # by its real name: as `__main__` it would not know the ServiceError that `servers` raises
    import_module("acron_site.keeper").main(sys.argv[1], Path(sys.argv[2]))
