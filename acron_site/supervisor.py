"""Runs the product's processes: starts them, starts a crashed one again, stops all in order."""

import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from acron_site import keeper

_TICK_SECONDS = 0.2
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
_STABLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep. Those of the same group, which stand side by side, are stopped together."""

    name: str
    command: tuple[str, ...]
    group: str
    stop_seconds: float
    descriptors: tuple[int, ...] = ()
    delay_seconds: float = 0.0  # leaves the processor to those that people wait for
    may_know_secrets: bool = True  # else it gets nothing of our environment but what Python needs to start


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_after: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS


@dataclass
class Supervisor:
    """`programs` are started in their order and stopped in it too. Use from the main thread."""

    programs: Sequence[Program]
    folder: Path
    say: Callable[[str], None]
    environ: Mapping[str, str] = field(default_factory=dict)  # on top of our own
    every_second: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        now = time.monotonic()
        self._children = [_Child(program, start_after=now + program.delay_seconds) for program in self.programs]
        self._stopping = threading.Event()
        self._in_a_hurry = False

    def run(self, when_ready: Callable[[], bool]) -> None:
        """Returns after SIGINT, SIGTERM or SIGHUP, when no process is left. `when_ready` is called until it is true."""
        kept = {number: signal.signal(number, self._on_signal) for number in _STOP_SIGNALS}
        try:
            self._watch(when_ready)
        finally:
            self._stop()
            for number, handler in kept.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Makes `run` return."""
        self._stopping.set()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._in_a_hurry = self._stopping.is_set()  # asked for the second time
        self._stopping.set()

    def _watch(self, when_ready: Callable[[], bool]) -> None:
        is_ready = False
        for tick in itertools.count():
            for child in self._children:
                self._tend(child)
            if self._stopping.wait(_TICK_SECONDS):
                return
            is_ready = is_ready or when_ready()
            if tick % 5 == 0:
                self.every_second()

    def _tend(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is not None:
            _kill_group(child.process)
            child.pause = _FIRST_PAUSE_SECONDS if now - child.started > _STABLE_SECONDS else child.pause
            self.say(f"{child.program.name} ended ({_reason(child.process)}); starting it again")
            child.process, child.start_after = None, now + child.pause
            child.pause = min(child.pause * 2, _LONGEST_PAUSE_SECONDS)
        if child.process is None and now >= child.start_after:
            child.process, child.started = self._start(child.program), now

    def _start(self, program: Program) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            program.command,
            cwd=self.folder,
            env=_plain(os.environ) if not program.may_know_secrets else {**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            pass_fds=program.descriptors,
            # the terminal's Ctrl-C is for us; and when we are killed, nobody else would tell the child
            start_new_session=True,
            preexec_fn=keeper.dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one system call, no Python lock
        )

    def _stop(self) -> None:
        for _, members in itertools.groupby(self._children, lambda child: child.program.group):
            running = [child for child in members if child.process is not None]
            for child in running:
                self._ask_to_end(child)
            for child in running:
                self._see_it_end(child)

    def _ask_to_end(self, child: _Child) -> None:
        if child.process is not None:
            child.process.terminate()

    def _see_it_end(self, child: _Child) -> None:
        if child.process is None:
            return
        deadline = time.monotonic() + child.program.stop_seconds
        while child.process.poll() is None and time.monotonic() < deadline and not self._in_a_hurry:
            time.sleep(0.02)
        _kill_group(child.process)
        child.process.wait()


def _plain(environ: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in environ.items() if name in _PLAIN or name.startswith(_PLAIN_BEGINNINGS)}


_PLAIN = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH"})
_PLAIN_BEGINNINGS = ("PYTHON", "LC_", "COVERAGE_", "COV_")
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Whatever the child has started and left behind goes with it: it leads its own process group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reason(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
