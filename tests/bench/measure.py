"""Starts one worker with the stand-in upstream's models, runs the harness against it, and stops everything again."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"
PORT = 8191
HARNESS = Path(os.environ["ACRON_BENCH"]).resolve()
MODELS = Path(__file__).with_name("models.yaml")


def main() -> int:
    with ExitStack() as stack:
        data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="acron-bench-"))
        os.environ.update(_settings(data_dir))
        # the services share the load's core, as the harness does it for its own reference
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        from acron_site import embedded, ports

        embedded.provide(os.environ, Path(data_dir))
        key = _prepare()
        stack.enter_context(
            _running("upstream", LOAD_CORE, [sys.executable, str(HARNESS / "upstream.py"), "--port", "9000"])
        )
        listener = stack.enter_context(ports.listen("127.0.0.1", PORT))
        worker = stack.enter_context(_running("worker", SERVER_CORE, _worker_command(listener), listener.fileno()))
        _wait(f"http://127.0.0.1:{PORT}/health/live")
        command = [sys.executable, str(HARNESS / "compare.py"), "--base", f"http://127.0.0.1:{PORT}"]
        return subprocess.run(  # noqa: PLW1510 - its exit code is ours
            [*command, "--key", key, "--pid", str(worker.pid), *sys.argv[1:]], env=_without_harness_settings()
        ).returncode


def _settings(data_dir: str) -> dict[str, str]:
    return {
        "ASAHI_STORAGE_DATA_DIR": data_dir,
        "ASAHI_PROVIDERS_MODELS_FILE": str(MODELS),
        "DJANGO_SETTINGS_MODULE": "acron_site.settings",
        "DJANGO_LOG_LEVEL": "WARNING",
    }


def _without_harness_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MOCK_")}


def _prepare() -> str:
    """Tables, an organization and its key."""
    import django

    django.setup()
    from django.core.management import call_command

    from accounts import actor
    from accounts.scopes import Scope
    from accounts.services import api_keys, organizations

    call_command("migrate", verbosity=0)
    organization = organizations.create("Bench")
    _, secret = api_keys.issue(actor.system(organization.pk), organization, "bench", scopes=[Scope.INFER])
    return secret


def _worker_command(listener: socket.socket) -> list[str]:
    return [sys.executable, "-m", "acron_site.web", str(listener.fileno()), "5"]


@contextmanager
def _running(name: str, core: str, command: list[str], *descriptors: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["taskset", "-c", core, *command], pass_fds=descriptors)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            print(f"bench: {name} did not stop, killing it", file=sys.stderr)
            process.kill()


def _wait(url: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"bench: {url} did not answer within {seconds:g} s")


if __name__ == "__main__":
    sys.exit(main())
