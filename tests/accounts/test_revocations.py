"""A revocation travels through a real Redis to every worker."""

import asyncio
import contextlib
import time

import pytest
import redis
from django.conf import settings
from redis.asyncio.client import PubSub

from accounts.directory import KeyDirectory
from accounts.revocations import RedisRevocations
from acron_site.lib.errors import InvalidApiKeyError
from tests.accounts.kit import PEPPERS, FakeRecords, prefix_of, revoke, until


@contextlib.asynccontextmanager
async def worker(records, url=None):
    """A second process's directory, listening."""
    directory = KeyDirectory(records, PEPPERS, revocations=RedisRevocations(url or settings.REDIS_URL))
    await directory.start()
    try:
        yield directory
    finally:
        await directory.stop()


def is_covered(directory):
    return directory._memory._covered_until > time.monotonic()


async def test_a_revocation_reaches_the_other_workers_within_a_second():
    records = FakeRecords()
    token = records.add()
    async with worker(records) as first, worker(records) as second:
        await until(lambda: is_covered(first) and is_covered(second))
        await first.look_up(token)
        await second.look_up(token)

        revoke(records, token)
        started = time.monotonic()
        await asyncio.to_thread(RedisRevocations(settings.REDIS_URL).publish, prefix_of(token))
        await until(lambda: not first.cached(token) and not second.cached(token))

        assert time.monotonic() - started < 1.0
        with pytest.raises(InvalidApiKeyError, match="revoked"):
            await second.identify(token)


async def test_signs_of_life_keep_keys_trusted_longer_than_a_second():
    records = FakeRecords()
    token = records.add()
    async with worker(records) as directory:
        await until(lambda: is_covered(directory))
        await directory.look_up(token)

        started = time.monotonic()
        while time.monotonic() - started < 1.3:
            assert directory.cached(token)
            await asyncio.sleep(0.05)


async def test_a_lost_connection_is_made_again_and_keys_are_read_again():
    records = FakeRecords()
    token = records.add()
    async with worker(records) as directory:
        await until(lambda: is_covered(directory))
        await directory.look_up(token)
        reads = records.reads

        drop_subscribers()
        await until(lambda: directory.cached(token) is None)
        await until(lambda: is_covered(directory))

        assert await directory.identify(token)
        assert records.reads == reads + 1


async def test_a_frozen_redis_hides_no_revocation():
    records = FakeRecords()
    token = records.add()
    async with worker(records) as directory:
        await until(lambda: is_covered(directory))
        await directory.look_up(token)

        freeze(milliseconds=1300)
        revoke(records, token)
        await until(lambda: directory.cached(token) is None, seconds=1.1)

        with pytest.raises(InvalidApiKeyError, match="revoked"):
            await directory.identify(token)
        await asyncio.to_thread(wait_for_redis)


async def test_without_redis_keys_are_read_again_each_second_and_revocations_are_seen(unused_url):
    records = FakeRecords()
    token = records.add()
    async with worker(records, unused_url) as directory:
        await directory.look_up(token)
        revoke(records, token)
        await until(lambda: directory.cached(token) is None, seconds=1.2)

        with pytest.raises(InvalidApiKeyError, match="revoked"):
            await directory.identify(token)


def test_a_revocation_that_cannot_be_published_is_logged_and_does_no_harm(unused_url, caplog):
    RedisRevocations(unused_url).publish("AAAAAAAA")

    assert [record.message for record in caplog.records] == ["keys.revocation_unpublished"]


@pytest.fixture
def unused_url(tmp_path):
    return f"unix://{tmp_path}/nobody-listens.sock"


def freeze(milliseconds):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.client_pause(milliseconds)


def wait_for_redis():
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        client.ping()


def drop_subscribers():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.client_kill_filter(_type="pubsub")


async def test_a_worker_ends_although_a_cancellation_was_lost_on_the_way(monkeypatch):
    """As `asyncio.wait_for` loses one before Python 3.12, by which redis-py sends."""
    sending = asyncio.Event()

    async def ping(_):
        sending.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(30)

    monkeypatch.setattr(PubSub, "ping", ping)
    async with worker(FakeRecords()) as directory:
        await sending.wait()
        async with asyncio.timeout(2):
            await directory.stop()
