"""One worker of the tree we stand in, with its services, as the harness wants it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"
MODELS = Path(__file__).with_name("models.yaml")


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, to which key, and the worker whose CPU counts."""

    base: str
    key: str
    pid: int


@contextmanager
def served(port: int) -> Iterator[Served]:
    with ExitStack() as stack:
        data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="acron-bench-"))
        os.environ.update(_settings(data_dir))
        # the services share the load's core, as the harness does it for its own reference
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        from acron_site import embedded, ports

        embedded.provide(os.environ, Path(data_dir))
        key = _prepare()
        _start_embedder(stack, Path(data_dir))
        listener = stack.enter_context(ports.listen("127.0.0.1", port))
        command = [sys.executable, "-m", "acron_site.web", str(listener.fileno()), "5"]
        worker = stack.enter_context(running("worker", SERVER_CORE, command, listener.fileno()))
        wait_for(f"http://127.0.0.1:{port}/health/live")
        yield Served(f"http://127.0.0.1:{port}", key, worker.pid)


@contextmanager
def running(name: str, core: str, command: Sequence[str], *descriptors: int) -> Iterator[subprocess.Popen[bytes]]:
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


def wait_for(url: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"bench: {url} did not answer within {seconds:g} s")


def _settings(data_dir: str) -> dict[str, str]:
    return {
        "ASAHI_STORAGE_DATA_DIR": data_dir,
        "ASAHI_PROVIDERS_MODELS_FILE": str(MODELS),
        "DJANGO_SETTINGS_MODULE": "acron_site.settings",
        "DJANGO_LOG_LEVEL": "WARNING",
    }


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


def _start_embedder(stack: ExitStack, data_dir: Path) -> None:
    """As `manage.py up` has it: where tier 2 is on, one process embeds for all workers."""
    from django.conf import settings

    from acron_site import embedding

    offer = stack.enter_context(embedding.offered(settings.ACRON, settings.ENVIRON, data_dir))
    for program in offer.programs:
        stack.enter_context(running(program.name, LOAD_CORE, program.command, *program.descriptors))
    os.environ.update(offer.environ)


if __name__ == "__main__":
    with served(int(sys.argv[1])) as product:
        print("serves", product.key, product.pid, flush=True)
        sys.stdin.read()
