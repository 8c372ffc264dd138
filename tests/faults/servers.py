"""A PostgreSQL and a Redis of the fault tests' own, which they may stop, kill and freeze."""

import asyncio
import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from acron_site import keeper, servers
from acron_site.keeper import Service

_START_SECONDS = 20.0


class Server:
    """One server process. Starting and waiting are apart: a process must be started by a thread that lives on."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.url = service.url
        self.gentle_signal = service.stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._launch()
        self._wait_until_ready()

    async def start_under_load(self) -> None:
        self._launch()
        await asyncio.to_thread(self._wait_until_ready)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Returns when the process and its children have ended."""
        if self._process is None or not self.is_running:
            return
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(number)
        self._process.wait(10)
        psutil.wait_procs(children, timeout=10)

    def freeze(self) -> None:
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _launch(self) -> None:
        service = self._service
        service.clear()
        user, group = service.owner or (None, None)
        with service.log.open("ab") as log:
            self._process = subprocess.Popen(
                service.command,
                cwd=service.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=[] if service.owner else None,
                start_new_session=True,
                preexec_fn=keeper.dies_with_parent(service.stop_signal),  # noqa: PLW1509 - one system call
            )

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            assert self._process is not None
            assert self._process.poll() is None, self._service.log.read_text(encoding="utf-8")
            if self._service.is_ready(self._process.pid):
                return
            time.sleep(0.02)
        raise AssertionError(f"{self._service.name} was not ready within {_START_SECONDS:g} s")


@contextlib.contextmanager
def running(kind: str) -> Iterator[Server]:
    """`kind` is postgres or redis."""
    # not pytest's folder, which is closed to the account that PostgreSQL runs as
    folder = Path(tempfile.mkdtemp(prefix=f"acron-fault-{kind}-"))
    server = Server(servers.prepare(kind, folder))
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.thaw()
        server.kill(server.gentle_signal)
        shutil.rmtree(folder, ignore_errors=True)
