"""The local PostgreSQL, Redis and secrets that stand in for what the environment does not name."""

import atexit
import contextlib
import fcntl
import io
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import environ as django_environ

from acron_site import keeper, ports
from acron_site.keeper import ServiceError
from acron_site.lib import config

BASE_DIR = Path(__file__).resolve().parent.parent
REDIS_NAMES = ("REDIS_URL", "REDIS_PRIVATE_URL", "REDIS_TLS_URL", "REDISCLOUD_URL")
GENERATED_NAME = "ACRON_GENERATED_SECRETS"  # tells children which secrets are ours, not the operator's
_RELEASE_SECONDS = 15.0
_SECRETS: dict[str, Callable[[], str]] = {
    "DJANGO_SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "ASAHI_ENCRYPTION_KEY": lambda: secrets.token_hex(32),
    "ASAHI_KEY_PEPPERS": lambda: f"1:{secrets.token_hex(32)}",
}


class Use:
    """This process's use of one embedded service; the kernel forgets it when the process ends."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._owner = os.getpid()
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        # waits here while a keeper is stopping the service
        self._users_lock = keeper.lock(folder / "users.lock", fcntl.LOCK_SH)
        self._keeper: subprocess.Popen[str] | None = None

    def url(self) -> str:
        """The address of the running service, which is started if it does not run."""
        starting = keeper.lock(self._folder / "start.lock", fcntl.LOCK_EX)
        try:
            offer = self._folder / "service.json"
            if keeper.is_taken(self._folder / "keeper.lock") and offer.exists():
                return str(json.loads(offer.read_text(encoding="utf-8"))["url"])
            return self._start_keeper()
        finally:
            _close(starting)

    def _start_keeper(self) -> str:
        if self._keeper is not None:
            self._keeper.wait()  # it has lost its lock, so it has ended
        with (self._folder / "keeper.log").open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "acron_site.keeper", self._kind, str(self._folder)],
                cwd=BASE_DIR,
                env={name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR", "TZ") if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                text=True,
            )
        with self._keeper.stdout or io.StringIO() as stdout:
            answer = json.loads(stdout.readline() or "{}")
        if "url" not in answer:
            raise ServiceError(answer.get("error") or f"no embedded {self._kind}; see {self._folder / 'keeper.log'}")
        return str(answer["url"])

    def release(self) -> None:
        """Ends the use; returns when the service has stopped, or at once when others use it."""
        # a forked child holds the same lock as its parent, which still needs it
        if self._users_lock is None or self._owner != os.getpid():
            return
        _close(self._users_lock)
        self._users_lock = None
        users = self._folder / "users.lock"
        end = time.monotonic() + _RELEASE_SECONDS
        while keeper.is_taken(self._folder / "keeper.lock") and time.monotonic() < end:
            # shared and free: somebody else uses it. Exclusively taken: the keeper is about to end
            if keeper.is_taken(users) and not _is_exclusive(users):
                return
            time.sleep(0.01)
        if self._keeper is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(1)


class Services:
    """All that `provide` started for this process."""

    def __init__(self, uses: Sequence[Use] = ()) -> None:
        self._uses = list(uses)

    def revive(self) -> None:
        """Brings back a service whose keeper was killed. Cheap while all is well."""
        for use in self._uses:
            use.url()

    def release(self) -> None:
        for use in self._uses:
            use.release()


# the services this process uses: the kernel counts locks by process, so this list does too
_in_use: list[Services] = []


def provide(environ: MutableMapping[str, str] | None = None, data_dir: Path | None = None) -> Services:
    """Starts what `environ` has no URL for, and puts URLs and secrets there, for this process and its children.

    Without a `data_dir` the settings say where it is, and `.env` is read first. Raises SettingsError, ServiceError.
    """
    environ = os.environ if environ is None else environ
    settings = _read_settings(environ, with_dotenv=data_dir is None)
    folder = (data_dir or BASE_DIR / settings.storage.data_dir).resolve()
    _make_data_dir(folder)
    _provide_secrets(environ, folder)
    missing = _missing(environ, settings.cache.backend)
    with ThreadPoolExecutor(max_workers=2) as pool:
        uses = list(pool.map(lambda kind: Use(kind, folder / kind), missing.values()))
        services = Services(uses)
        atexit.register(services.release)
        environ.update(zip(missing, pool.map(Use.url, uses), strict=True))
    _in_use.append(services)
    return services


def start(environ: MutableMapping[str, str], *, needs_port: bool = False) -> Services:
    """`provide` for a program's beginning: what is wrong ends it with one line, not with a traceback."""
    try:
        if needs_port:
            api = _read_settings(environ, with_dotenv=True).api
            ports.require_free(api.host, api.port)
        return provide(environ)
    except (config.SettingsError, ports.PortError, ServiceError) as error:
        sys.exit(f"acron: {error}")


def revive() -> None:
    """Brings back services of this process whose keeper was killed. Cheap while all is well."""
    for services in _in_use:
        services.revive()


def _read_settings(environ: MutableMapping[str, str], *, with_dotenv: bool) -> config.Config:
    if with_dotenv:
        _read_dotenv(environ)
    return config.load(BASE_DIR / "config" / "config.yaml", environ)


def _missing(environ: MutableMapping[str, str], cache_backend: str) -> dict[str, str]:
    missing = {}
    if not environ.get("DATABASE_URL"):
        missing["DATABASE_URL"] = "postgres"
    if cache_backend == "redis" and not any(environ.get(name) for name in REDIS_NAMES):
        missing["REDIS_URL"] = "redis"
    return missing


def _read_dotenv(environ: MutableMapping[str, str]) -> None:
    path = BASE_DIR / ".env"
    if path.exists():
        reader: Any = type("Reader", (django_environ.Env,), {"ENVIRON": environ})
        reader.read_env(path)  # what is already set wins


def _make_data_dir(folder: Path) -> None:
    try:
        (folder / "jobs" / "queue").mkdir(parents=True, exist_ok=True)
        _close(keeper.lock(folder / "secrets.lock", fcntl.LOCK_SH))
    except OSError as error:
        raise ServiceError(
            f"the data directory {folder} cannot be written ({error.strerror}); "
            "make it writable or set ASAHI_STORAGE_DATA_DIR to another one"
        ) from error


def _provide_secrets(environ: MutableMapping[str, str], folder: Path) -> None:
    """Secrets that nobody set are made once and kept beside the data, readable by this user only."""
    missing = [name for name in _SECRETS if not environ.get(name)]
    if not missing:
        return
    lock = keeper.lock(folder / "secrets.lock", fcntl.LOCK_EX)
    try:
        path = folder / "secrets.json"
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        made = {name: make() for name, make in _SECRETS.items() if name in missing and name not in kept}
        if made:
            kept |= made
            _write_private(path, json.dumps(kept, indent=2))
    finally:
        _close(lock)
    environ.update({name: kept[name] for name in missing})
    environ[GENERATED_NAME] = ",".join(missing)


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _is_exclusive(path: Path) -> bool:
    descriptor = keeper.lock(path, fcntl.LOCK_SH | fcntl.LOCK_NB)
    _close(descriptor)
    return descriptor is None


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
