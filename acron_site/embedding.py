"""The process that embeds for all others of this installation: when there is one, and where it listens."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from acron_site import servers
from acron_site.lib.config import Config
from acron_site.supervisor import Program
from caching.embedders import choice, minilm
from caching.embedders.choice import SOCKET_NAME
from caching.embedders.minilm import ModelMissingError
from caching.policies import Semantic

_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Offer:
    """What is to be run, and what the other programs are told."""

    programs: tuple[Program, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def offered(config: Config, environ: Mapping[str, str], folder: Path) -> Iterator[Offer]:
    """Nothing where nobody would ask it. The socket is ours: while the process starts again, who asks finds it busy."""
    if not _is_wanted(config, environ):
        yield Offer()
        return
    home = servers.socket_folder(folder, _name(os.getpid()), None)
    path = home / _name(os.getpid())
    _remove_forgotten(home)
    with _listening(path) as listener:
        yield Offer((_program(listener.fileno()),), {SOCKET_NAME: str(path)})
    if home != folder:
        with contextlib.suppress(OSError):
            home.rmdir()


def _is_wanted(config: Config, environ: Mapping[str, str]) -> bool:
    if not config.cache.enabled or config.cache.semantic == Semantic.OFF or environ.get(SOCKET_NAME):
        return False
    if choice.provider_of(config.embeddings, environ) != "local":
        return False
    try:
        minilm.find()
    except ModelMissingError:  # the workers find that too, and say it
        return False
    return True


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(draft))
        finally:
            os.umask(before)
        listener.listen(_BACKLOG)
        draft.rename(path)  # only now: one that nobody listens at may be removed by others
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _remove_forgotten(home: Path) -> None:
    """Sockets of supervisors that were killed: nobody listens there."""
    for path in home.glob(_name("*")):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)):
                path.unlink()


def _name(owner: int | str) -> str:
    return f"embedder-{owner}.sock"


def _program(descriptor: int) -> Program:
    command = (sys.executable, "-m", "caching.embedders.process", str(descriptor))
    return Program(
        "embedder", command, group="embedder", stop_seconds=2, descriptors=(descriptor,), may_know_secrets=False
    )
