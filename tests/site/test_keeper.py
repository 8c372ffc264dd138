"""A keeper holds its server as long as somebody uses it."""

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from acron_site import keeper, servers
from acron_site.keeper import Keeper
from tests.site import processes


def offers_while_used(kind: str, folder: Path) -> list[dict[str, Any]]:
    """Runs a keeper whose only user leaves as soon as the server is ready. Returns what it offered."""
    folder.mkdir()
    user = keeper.lock(folder / "users.lock", fcntl.LOCK_SH)
    assert user is not None
    offers: list[dict[str, Any]] = []

    def leave(offer: dict[str, Any]) -> None:
        offers.append(offer)
        assert processes.of(folder)
        os.close(user)

    Keeper(servers.prepare(kind, folder)).run(leave)
    return offers


@pytest.mark.parametrize("kind", servers.KINDS)
def test_it_offers_an_address_and_ends_with_the_last_user(kind, tmp_path):
    folder = tmp_path / kind

    (offer,) = offers_while_used(kind, folder)

    assert str(folder) in offer["url"]
    assert processes.of(folder) == []


def test_a_short_folder_for_sockets_is_private(tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()

    short = servers.socket_folder(deep, "redis.sock", None)

    assert len(str(short)) < 60
    assert short.stat().st_mode & 0o777 == 0o700
    assert servers.socket_folder(deep, "redis.sock", None) == short
    short.chmod(0o755)
    with pytest.raises(keeper.ServiceError, match="remove it"):
        servers.socket_folder(deep, "redis.sock", None)
    short.rmdir()


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(keeper.ServiceError, match=r"pip install -r requirements\.txt"):
        servers.package_folder("no_such_package")


def test_a_growing_log_is_put_aside(tmp_path):
    log = tmp_path / "server.log"
    with log.open("wb") as file:
        file.truncate(20_000_000)

    servers.prepare("redis", tmp_path)

    assert not log.exists()
    assert (tmp_path / "server.log.old").exists()


def test_a_lock_is_free_when_its_descriptor_is_closed(tmp_path):
    path = tmp_path / "x.lock"
    held = keeper.lock(path, fcntl.LOCK_EX)
    assert held is not None
    assert keeper.is_taken(path)

    os.close(held)

    assert not keeper.is_taken(path)
