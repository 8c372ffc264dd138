"""The embedded PostgreSQL and Redis: kept, shared, ended, and none the worse for being killed."""

import os
import socket
import stat
from pathlib import Path

import environ as django_environ
import psycopg
import pytest
import redis

from acron_site import embedded
from acron_site.keeper import ServiceError
from tests.site import processes


@pytest.fixture(scope="module")
def folder(module_path: Path) -> Path:
    return module_path


def test_data_is_there_again_after_a_restart(folder):
    with processes.using(folder) as first:
        urls = first.environ()
        processes.execute(urls["DATABASE_URL"], "CREATE TABLE kept AS SELECT 7 AS number")
        processes.count(urls["REDIS_URL"], "kept")

    with processes.using(folder) as second:
        urls = second.environ()
        assert processes.execute(urls["DATABASE_URL"], "SELECT number FROM kept") == [(7,)]
        assert processes.count(urls["REDIS_URL"], "kept") == 2
        processes.execute(urls["DATABASE_URL"], "DROP TABLE kept")


def test_it_offers_pgvector_and_many_connections(folder):
    with processes.using(folder) as user:
        url = user.environ()["DATABASE_URL"]

        assert processes.execute(url, "SHOW max_connections") == [("200",)]
        assert processes.execute(url, "SELECT name FROM pg_available_extensions WHERE name = 'vector'")


def test_nothing_runs_on_when_the_last_user_has_ended(folder):
    with processes.using(folder) as first, processes.using(folder) as second:
        first.environ()
        second.environ()
        first.end()
        assert processes.named(folder, "postgres")
        assert processes.named(folder, "redis-server")

        second.end()

        assert processes.of(folder) == []


def test_two_that_start_at_the_same_moment_share_one_server(folder):
    with processes.using(folder) as first, processes.using(folder) as second:
        assert first.environ() == second.environ()

        servers = [process for process in processes.of(folder) if process.name().startswith(("postgres", "redis"))]
        assert len(servers) == 2


def test_nothing_runs_on_when_the_user_is_killed(folder):
    with processes.using(folder) as user:
        user.environ()

        user.kill()

        processes.wait_for(lambda: processes.of(folder) == [])


@pytest.mark.parametrize("name", ["postgres", "redis-server"])
def test_a_killed_server_comes_back_at_the_same_address(folder, name):
    with processes.using(folder) as user:
        urls = user.environ()
        killed = processes.named(folder, name)

        killed.kill()

        processes.wait_for(lambda: not killed.is_running() and _answer(urls))


def test_a_server_survives_the_loss_of_its_keeper(folder):
    found: dict[str, str] = {}
    services = embedded.provide(found, folder)
    try:
        keeper = next(process for process in processes.of(folder) if "keeper postgres" in " ".join(process.cmdline()))

        keeper.kill()

        def revived() -> bool:
            services.revive()
            return not keeper.is_running() and _answer(found)

        processes.wait_for(revived)
    finally:
        services.release()
    assert processes.of(folder) == []


def test_leftovers_of_a_killed_server_do_not_keep_the_next_from_starting(folder):
    with processes.using(folder) as user:
        user.environ()
    # a lock file whose process id belongs to somebody alive now, and sockets nobody listens on
    cluster = folder / "postgres" / "cluster"
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster}\n1700000000\n5432\n{cluster}\n\n 1 2\nready\n")
    for path in (cluster / ".s.PGSQL.5432", folder / "redis" / "files" / "redis.sock"):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))

    with processes.using(folder) as user:
        assert _answer(user.environ())


def test_a_deep_directory_gets_a_short_socket_path(tmp_path):
    deep = tmp_path / ("a-rather-long-name-of-a-folder" * 4)

    with processes.using(deep) as user:
        urls = user.environ()

        assert _answer(urls)
        assert str(deep) not in urls["DATABASE_URL"]
        short = Path(urls["REDIS_URL"].removeprefix("unix://")).parent
        assert short.exists()
        user.end()
        assert not short.exists()


def test_what_has_a_url_is_not_started(tmp_path):
    given = {"DATABASE_URL": "postgresql://db.example/acron", "REDISCLOUD_URL": "redis://cache.example"}
    found = dict(given)

    services = embedded.provide(found, tmp_path)

    services.release()
    assert given.items() <= found.items()
    assert "REDIS_URL" not in found
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "redis").exists()


def test_a_cache_in_memory_needs_no_redis(tmp_path):
    found = {"DATABASE_URL": "postgresql://db.example/acron", "ASAHI_CACHE_BACKEND": "memory"}

    embedded.provide(found, tmp_path)

    assert "REDIS_URL" not in found


def test_missing_secrets_are_made_once_for_this_user_alone(tmp_path):
    first = {"DATABASE_URL": "x", "REDIS_URL": "x", "DJANGO_SECRET_KEY": "the operator's own"}
    second = dict(first)

    embedded.provide(first, tmp_path)
    embedded.provide(second, tmp_path)

    assert first == second
    assert first["DJANGO_SECRET_KEY"] == "the operator's own"
    assert first[embedded.GENERATED_NAME] == "ASAHI_ENCRYPTION_KEY,ASAHI_KEY_PEPPERS"
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_data_directory_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ServiceError, match="ASAHI_STORAGE_DATA_DIR"):
        embedded.provide({}, tmp_path / "file" / "data")


def test_a_server_that_does_not_start_is_explained_with_its_log(tmp_path):
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)

    with pytest.raises(ServiceError, match=r"PostgreSQL does not start; see the end of .*server\.log"):
        embedded.provide({"REDIS_URL": "redis://cache.example"}, tmp_path)


def test_django_reads_the_socket_folder_from_the_url():
    settings = django_environ.Env.db_url_config("postgresql://postgres:@/acron?host=/some/where")

    assert settings["NAME"] == "acron"
    assert settings["OPTIONS"] == {"host": "/some/where"}
    assert not settings["HOST"]


def _answer(urls: dict[str, str]) -> bool:
    try:
        processes.execute(urls["DATABASE_URL"], "SELECT 1")
        return processes.count(urls["REDIS_URL"], "asked") > 0
    except (psycopg.Error, redis.RedisError):
        return False
