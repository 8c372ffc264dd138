"""Processes are kept running, and none is left behind."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from acron_site import ports
from acron_site.supervisor import Program, Supervisor
from tests.site import processes

# says in a file that it has started, and what ends it
OBEDIENT = """
import os, signal, sys, time
from pathlib import Path
def leave(*_):
    with open(sys.argv[1] + ".order", "a") as order: order.write(sys.argv[2] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
Path(sys.argv[1] + "." + sys.argv[2]).write_text(str(os.getpid()))
time.sleep(60)
"""
STUBBORN = OBEDIENT.replace("signal.signal(signal.SIGTERM, leave)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
WITH_CHILD = """
import subprocess, sys
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path(sys.argv[1] + "." + sys.argv[2]).write_text(str(child.pid))
child.wait()
"""


def program(base: Path, name: str, script: str = OBEDIENT, *, group: str = "all", stop_seconds: float = 5) -> Program:
    command = (sys.executable, "-c", textwrap.dedent(script), str(base), name)
    return Program(name, command, group=group, stop_seconds=stop_seconds)


TELLS_ENVIRONMENT = """
import os, sys, time
from pathlib import Path
Path(sys.argv[1] + ".environ").write_text("\\n".join(os.environ))
Path(sys.argv[1] + "." + sys.argv[2]).write_text(str(os.getpid()))
time.sleep(60)
"""


def pid(base: Path, name: str) -> int:
    file = base.with_name(f"{base.name}.{name}")
    return int(file.read_text() or 0) if file.exists() else 0


def run_until(base: Path, *programs: Program, said: list[str] | None = None, condition=None) -> None:
    """Runs until all have started, or until `condition`."""
    supervisor = Supervisor(programs, base.parent, (said if said is not None else []).append)

    def when_ready() -> bool:
        if condition() if condition else all(pid(base, one.name) for one in programs):
            supervisor.stop()
        return False

    supervisor.run(when_ready)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_all_have_ended_when_it_returns(base):
    run_until(base, program(base, "one"), program(base, "two"))

    assert not psutil.pid_exists(pid(base, "one"))
    assert not psutil.pid_exists(pid(base, "two"))


def test_groups_are_stopped_one_after_the_other(base):
    run_until(base, program(base, "web", group="web"), program(base, "worker", group="background"))

    assert base.with_name("run.order").read_text().split() == ["web", "worker"]


def test_one_that_does_not_listen_is_killed_in_the_end(base):
    run_until(base, program(base, "deaf", STUBBORN, stop_seconds=0.2))

    assert not psutil.pid_exists(pid(base, "deaf"))


def test_what_a_child_has_started_ends_with_it(base):
    run_until(base, program(base, "parent", WITH_CHILD))

    processes.wait_for(lambda: not _runs(pid(base, "parent")))


def test_a_crashed_one_is_started_again_and_it_is_said(base):
    said: list[str] = []
    first: list[int] = []

    def crash_once() -> bool:
        now = pid(base, "web")
        if now and not first:
            first.append(now)
            os.kill(now, signal.SIGKILL)
        return bool(first) and now not in (0, first[0])

    run_until(base, program(base, "web"), said=said, condition=crash_once)

    assert said == ["web ended (signal SIGKILL); starting it again"]


def test_the_signal_handlers_of_before_are_back_afterwards(base):
    before = signal.getsignal(signal.SIGTERM)

    run_until(base, program(base, "one"))

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children that their parent is gone")
def test_children_do_not_outlive_a_killed_supervisor(base):
    script = """
        import sys
        from pathlib import Path
        from tests.site.test_supervisor import *
        base = Path(sys.argv[1])
        Supervisor([program(base, "child")], base.parent, print).run(lambda: True)
    """
    supervisor = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(base)], cwd=processes.ROOT)
    processes.wait_for(lambda: pid(base, "child") != 0)

    supervisor.kill()
    supervisor.wait()

    processes.wait_for(lambda: not _runs(pid(base, "child")))


def test_a_taken_port_is_named_with_a_way_out():
    with ports.listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(ports.PortError, match=f"port {port} of 127.0.0.1 is taken; .*PORT={port + 1}"):
            ports.require_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_explained():
    with pytest.raises(ports.PortError, match="ASAHI_API_HOST"):
        ports.require_free("192.0.2.1", 8000)


def _runs(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("may_know", [True, False])
def test_secrets_are_for_those_that_need_them(base, monkeypatch, may_know):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere")

    run_until(base, replace(program(base, "one", TELLS_ENVIRONMENT), may_know_secrets=may_know))

    told = base.with_name("run.environ").read_text().split()
    assert {"OPENAI_API_KEY", "DATABASE_URL"} & set(told) == ({"OPENAI_API_KEY", "DATABASE_URL"} if may_know else set())
    assert "PATH" in told
