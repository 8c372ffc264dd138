"""One process embeds for all others: it is offered where it is wanted, and comes back when it is killed."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from acron_site import embedding
from acron_site.lib.config import Cache, Config, Embeddings
from caching.embedders import frames, minilm
from caching.embedders.choice import SOCKET_NAME
from caching.embedders.frames import Kind, Question
from caching.embedders.minilm import ModelMissingError
from caching.embedders.served import ServedEmbedder
from caching.protocols import EmbeddingError, Purpose
from tests.caching.embedders import served_kit
from tests.site import processes

_SUPERVISE = """
import sys
from pathlib import Path
from acron_site import embedding
from acron_site.lib.config import Config
from acron_site.supervisor import Supervisor
with embedding.offered(Config(), {}, Path(sys.argv[1])) as offer:
    print(*offer.environ.values(), flush=True)
    Supervisor(offer.programs, Path.cwd(), lambda said: None, environ=offer.environ).run(lambda: True)
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A supervisor that has nothing but the embedder."""

    process: subprocess.Popen[str]
    path: Path

    def embedder(self) -> int:
        return next((child.pid for child in psutil.Process(self.process.pid).children()), 0)


@contextmanager
def supervised(folder: Path) -> Iterator[Host]:
    command = [sys.executable, "-c", _SUPERVISE, str(folder)]
    with subprocess.Popen(command, cwd=processes.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Host(process, Path(process.stdout.readline().strip()))
        finally:
            process.terminate()


@pytest.fixture(autouse=True)
def _with_model() -> None:
    try:
        minilm.find()
    except ModelMissingError as error:
        pytest.skip(str(error))


async def test_it_embeds_for_two_clients_beside_strangers_and_comes_back(tmp_path):
    with supervised(tmp_path) as host:
        ours, theirs = served_kit.client(host.path), served_kit.client(host.path)
        await served_kit.until_there(ours)
        await served_kit.until_there(theirs)
        former = host.embedder()

        assert stat.S_IMODE(host.path.stat().st_mode) == 0o600
        assert psutil.Process(former).nice() > psutil.Process(host.process.pid).nice()
        await _place_the_same(ours, theirs)
        await _cut_off(host.path, b"GET / HTTP/1.1\r\n\r\n" + os.urandom(4096))
        assert "longer than" in await _refused(host.path, "a " * 20_000)
        assert host.embedder() == former

        os.kill(former, signal.SIGKILL)
        await served_kit.until_there(ours)
        await _place_the_same(ours, theirs)
        assert host.embedder() not in (0, former)
        await ours.close()
        await theirs.close()

    assert not host.path.exists()
    assert not psutil.pid_exists(former)


async def _place_the_same(ours: ServedEmbedder, theirs: ServedEmbedder) -> None:
    """At once, in another order, and with another client's vectors."""
    await served_kit.until_there(theirs)
    wordings = [f"How far away is star number {number}?" for number in range(8)]
    found, others = await asyncio.gather(
        ours.embed(wordings, Purpose.QUERY), theirs.embed(wordings[::-1], Purpose.QUERY)
    )
    assert np.array_equal(np.array(found), np.array(others)[::-1])
    assert len({vector.tobytes() for vector in found}) == len(wordings)
    with pytest.raises(EmbeddingError, match="cannot read"):
        await ours.embed(["\N{PILE OF POO}"], Purpose.QUERY)


async def _cut_off(path: Path, said: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(said)
    with suppress(ConnectionResetError):
        async with asyncio.timeout(20):
            assert await reader.read() == served_kit.READY
    writer.close()


async def _refused(path: Path, text: str) -> str:
    """What a client is told that does not look at the text itself."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(frames.write_question(1, Question(text, True, 20_000)))
    heard: list[frames.Frame] = []
    pieces = frames.Reader()
    while len(heard) < 2:
        heard += pieces.feed(await reader.read(4096))
    writer.close()
    assert heard[1].kind == Kind.REFUSED
    return frames.words_of(heard[1].content)


def test_sockets_of_supervisors_that_were_killed_are_removed_and_others_stay(tmp_path):
    forgotten, used = tmp_path / "embedder-1.sock", tmp_path / "embedder-2.sock"
    with socket.socket(socket.AF_UNIX) as left, socket.socket(socket.AF_UNIX) as listening:
        left.bind(str(forgotten))
        listening.bind(str(used))
        listening.listen()

        with embedding.offered(Config(), {}, tmp_path) as offer:
            assert not forgotten.exists()
            assert used.exists()

    assert not Path(offer.environ[SOCKET_NAME]).exists()


@pytest.mark.parametrize(
    ("config", "environ"),
    [
        (Config(cache=Cache(enabled=False)), {}),
        (Config(cache=Cache(semantic="off")), {}),
        (Config(embeddings=Embeddings(provider="hashing")), {}),
        (Config(), {"COHERE_API_KEY": "k"}),
        (Config(), {SOCKET_NAME: "/there/is/one.sock"}),
    ],
)
def test_nothing_is_offered_where_nobody_would_ask(config, environ, tmp_path):
    with embedding.offered(config, environ, tmp_path) as offer:
        assert offer.programs == ()
        assert not offer.environ
    assert not list(tmp_path.iterdir())
