"""One command starts the product, a signal ends it, and nothing stays behind."""

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.site import processes

PATIENCE_SECONDS = 60.0


class Command:
    """`manage.py` with some arguments, on a data directory and a port of its own."""

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        self.log = data_dir.with_suffix(".log")
        self.data_dir = data_dir
        self.address = f"http://127.0.0.1:{settings.get('PORT', port)}"
        # nothing of the test run's own environment: it names the run's services
        environ = {"PATH": os.environ["PATH"], "PORT": port, "ASAHI_STORAGE_DATA_DIR": str(data_dir), **settings}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments], cwd=processes.ROOT, env=environ, stdout=log, stderr=log
            )

    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        processes.wait_for(lambda: text in self.output() or self.process.poll() is not None, PATIENCE_SECONDS)
        assert text in self.output()

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@contextmanager
def started(data_dir: Path, *arguments: str, **settings: str) -> Iterator[Command]:
    command = Command(data_dir, *arguments, **settings)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.interrupt()


@pytest.fixture(scope="module")
def data_dir(module_path: Path) -> Path:
    return module_path / "data"


def test_up_serves_and_ends_and_finds_everything_again(data_dir):
    with started(data_dir, "up") as first:
        first.wait_for("Ctrl-C stops everything")
        login, line = _login(first), _curl_line(first)
        assert _ask(line) == 200
        assert "mock provider" in first.output()

        assert first.interrupt() == 0
        assert processes.of(data_dir) == []
        assert _is_free(first.address)

    with started(data_dir, "up", PORT=first.address.rpartition(":")[2]) as second:
        second.wait_for("Ctrl-C stops everything")

        assert _login(second) == login
        assert _ask(_curl_line(second)) == 200
        assert _ask(line) == 401  # a key is for one run


def test_a_killed_web_worker_is_replaced_and_a_killed_supervisor_takes_all_along(data_dir):
    with started(data_dir, "up", ASAHI_API_WORKERS="1") as up:
        up.wait_for("Ctrl-C stops everything")
        worker = next(child for child in _children(up) if "acron_site.web" in " ".join(child.cmdline()))
        family = _children(up)

        worker.kill()
        up.wait_for("web worker 1 ended (signal SIGKILL); starting it again")
        assert _ask(_curl_line(up)) == 200

        family += _children(up)
        up.process.kill()
        processes.wait_for(lambda: not any(child.is_running() for child in family), 20)
        processes.wait_for(lambda: processes.of(data_dir) == [], 20)


def test_the_api_serves_without_redis(data_dir):
    with started(data_dir, "api", "--mock", ASAHI_CACHE_BACKEND="memory") as api:
        api.wait_for("ACRON serves at")

        health = json.loads(urllib.request.urlopen(f"{api.address}/health", timeout=10).read())

        assert health["cache"]["backend"] == "memory"
        assert [found.name() for found in processes.of(data_dir) if "redis-server" in found.name()] == []


def test_a_taken_port_ends_it_before_anything_is_started(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with started(tmp_path / "data", "up", PORT=str(port)) as up:
            assert up.process.wait(20) == 1

    assert up.output().count("\n") == 1
    assert f"port {port} of 127.0.0.1 is taken" in up.output()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("arguments", [("up",), ("check",), ("migrate",)])
def test_a_mistyped_setting_ends_every_command_with_one_line(tmp_path, arguments):
    with started(tmp_path / "data", *arguments, ASAHI_CACHE_TLL_SECONDS="5") as command:
        assert command.process.wait(20) == 1

    assert command.output() == (
        "acron: environment variable 'ASAHI_CACHE_TLL_SECONDS' does not exist: did you mean ASAHI_CACHE_TTL_SECONDS?\n"
    )


def _children(command: Command) -> list[psutil.Process]:
    return psutil.Process(command.process.pid).children(recursive=True)


def _login(command: Command) -> str:
    found = re.search(r"Log in +(.*)", command.output())
    assert found
    return found[1]


def _curl_line(command: Command) -> str:
    return next(line for line in command.output().splitlines() if line.startswith("curl "))


def _ask(line: str) -> int:
    """What the printed line does, without curl. Returns the HTTP status."""
    words = shlex.split(line)
    url = next(word for word in words if word.startswith("http"))
    headers: Mapping[str, str] = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1].encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, dict(headers)), timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _is_free(address: str) -> bool:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=1)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return True
    finally:
        connection.close()
    return False
