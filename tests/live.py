"""The product running for real beside a test: own database, own journal, real workers on a loopback port."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from acron_site import keeper

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90.0  # of a machine that does much else
_STOP_SECONDS = 15.0
_TEMPLATE = "live_template"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Live:
    """A running product. `key` belongs to Ada's organization, `rival_key` to Mallory's."""

    base: str
    key: str
    rival_key: str
    environ: dict[str, str]
    process: subprocess.Popen[bytes]
    data_dir: Path

    def call(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """(status, lower-case headers, JSON or text) of one request: a GET, or with a body a POST."""
        own = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            self.base + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={**own, **(headers or {})},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return _read(response)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error)

    def workers(self) -> list[int]:
        """Process ids of the web workers that run just now."""
        running = psutil.Process(self.process.pid).children()
        return [child.pid for child in running if "acron_site.web" in _command_line(child)]

    def embedder(self) -> int:
        """Process id of the one that embeds for all workers; 0 while it is away."""
        running = psutil.Process(self.process.pid).children()
        return next((child.pid for child in running if "caching.embedders.process" in _command_line(child)), 0)

    def recent(self, *, key: str | None = None) -> list[dict[str, Any]]:
        """Every row of the ledger that the key's organization may see, newest first."""
        rows: list[dict[str, Any]] = []
        after = ""
        while True:
            status, _, page = self.call(f"/analytics/recent-inferences?limit=500{after}", key=key)
            assert status == 200, page
            rows += page["data"]
            if not page["has_more"]:
                return rows
            after = f"&after={page['next']}"

    def ledger_row(self, end_user: str, *, seconds: float = 10.0) -> dict[str, Any]:
        """The row of the request with that `user`, once the ledger has carried it in."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for row in self.recent():
                if row["user"] == end_user and row["status"] != "started":
                    return row
            time.sleep(0.1)
        raise AssertionError(f"no row for {end_user!r} within {seconds:g} s")

    def manage(self, *arguments: str) -> str:
        return _run(("manage.py", *arguments), self.environ)


@contextmanager
def running(data_dir: Path, *, workers: int = 1, settings: Mapping[str, str] | None = None) -> Iterator[Live]:
    """Starts the product on a database of its own within the test run's PostgreSQL.

    With a DATABASE_URL in `settings` it starts on that one, which must be ready, and whose keys the caller knows
    from `found`.
    """
    given = dict(settings or {})
    keys = ["", ""]
    if "DATABASE_URL" not in given:
        given["DATABASE_URL"], keys = _new_database()
    port = free_port()
    environ = _environ(data_dir, {"ASAHI_API_PORT": str(port), "ASAHI_API_WORKERS": str(workers), **given})
    process = _serve(environ, data_dir)
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(f"{base}/health/live", process, data_dir)
        yield Live(base, keys[0], keys[1], environ, process, data_dir)
    finally:
        _stop(process)


def found(database_url: str) -> list[str]:
    """Migrates an empty database; the keys of Ada's organization and of Mallory's there."""
    environ = _environ(Path(os.environ["ASAHI_STORAGE_DATA_DIR"]), {"DATABASE_URL": database_url})
    keys: list[str] = json.loads(_run(("-m", "tests.founding"), environ))
    return keys


def _environ(data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    own = {
        "DJANGO_SETTINGS_MODULE": "acron_site.settings",
        "ASAHI_STORAGE_DATA_DIR": str(data_dir),
        # a story must not hang on a draw; one that is about the hold-out asks for it
        "ASAHI_ROUTING_HOLDOUT_PERCENT": "0",
        "DJANGO_LOG_LEVEL": "WARNING",
    }
    return {**os.environ, **own, **settings}


def _new_database() -> tuple[str, list[str]]:
    keys = _template()
    return _create_database(f"live_{time.time_ns()}", template=_TEMPLATE), keys


@functools.cache
def _template() -> list[str]:
    """A founded database that the others are copied from: migrating each would take seconds."""
    return found(_create_database(_TEMPLATE, template="template1"))


def _create_database(name: str, *, template: str) -> str:
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _run(command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        (sys.executable, *command), cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _serve(environ: Mapping[str, str], data_dir: Path) -> subprocess.Popen[bytes]:
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "product.log").open("ab") as log:
        return subprocess.Popen(
            (sys.executable, "manage.py", "api"),
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=keeper.dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one system call, no Python lock
        )


def _wait(url: str, process: subprocess.Popen[bytes], data_dir: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, (data_dir / "product.log").read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {START_SECONDS:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
        raise


def _read(response: Any) -> tuple[int, dict[str, str], Any]:
    text = response.read().decode()
    headers = {name.lower(): value for name, value in response.headers.items()}
    is_json = headers.get("content-type", "").startswith("application/json")
    return response.status, headers, json.loads(text) if is_json else text


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
