"""One question to Redis: what is kept, else the right to make it."""

import asyncio
import os
from uuid import uuid4

import pytest

from acron_site.lib.redis_links import Links
from caching.backends.redis import RedisStore
from caching.backends.redis_leases import RedisLeases
from caching.exact import entry_key
from caching.leases import Lease, lease_key
from caching.protocols import Namespace

FINGERPRINT = b"fingerprint"


class Worker:
    def __init__(self, url: str, **habits) -> None:
        self.links = Links(url, timeout_seconds=0.25)
        self.leases, self.store = RedisLeases(self.links, **habits), RedisStore(self.links, max_value_bytes=1000)

    async def ask(self, whose: Namespace, *, max_bytes: int = 1000):
        entry, key = entry_key(whose, FINGERPRINT), lease_key(whose, FINGERPRINT)
        return await self.leases.look_or_claim(entry, key, max_bytes=max_bytes)


@pytest.fixture
async def worker():
    opened = []

    def make(url="", **habits):
        opened.append(Worker(url or os.environ["REDIS_URL"], **habits))
        return opened[-1]

    yield make
    for each in opened:
        await each.links.close()


@pytest.fixture
def whose() -> Namespace:
    return Namespace(uuid4())


async def test_of_many_who_find_nothing_one_is_to_make_it(worker, whose):
    workers = [worker(), worker()]

    got = await asyncio.gather(*(each.ask(whose) for each in workers for _ in range(50)))

    assert sum(isinstance(found, Lease) for found in got) == 1
    assert sum(found is None for found in got) == 99


async def test_who_comes_just_after_the_end_finds_the_entry(worker, whose):
    ours, theirs = worker(), worker()
    claimed = await ours.ask(whose)
    ours.store.put(entry_key(whose, FINGERPRINT), b"sealed", 60)
    claimed.release()

    found = [await theirs.ask(whose) for _ in range(200)]

    assert not any(isinstance(each, Lease) for each in found)  # the lease goes after the entry has come, never before
    assert found[-1] == b"sealed"


async def test_who_finds_it_holds_nothing(worker, whose):
    ours, theirs = worker(), worker()
    ours.store.put(entry_key(whose, FINGERPRINT), b"sealed", 60)
    await ours.ask(whose)

    assert await theirs.leases.acquire(lease_key(whose, FINGERPRINT)) is not None


async def test_an_organization_neither_finds_nor_holds_off_another(worker, whose):
    ours, mallory = worker(), Namespace(uuid4())
    held = await ours.ask(whose)

    assert isinstance(held, Lease)
    assert isinstance(await ours.ask(mallory), Lease)
    held.release()
    ours.store.put(entry_key(whose, FINGERPRINT), b"sealed", 60)
    assert await worker().ask(mallory) is None


async def test_what_one_has_claimed_another_waits_for(worker, whose):
    ours, theirs = worker(), worker()
    claimed = await ours.ask(whose)
    waiting = asyncio.create_task(theirs.leases.wait(lease_key(whose, FINGERPRINT), within_seconds=5))
    here = asyncio.create_task(ours.leases.wait(lease_key(whose, FINGERPRINT), within_seconds=5))
    await asyncio.sleep(0.05)
    assert not waiting.done()

    claimed.release()

    assert all(await asyncio.gather(waiting, here))


async def test_a_claim_is_renewed_while_its_holder_lives(worker, whose):
    ours, theirs = worker(ttl_seconds=0.3), worker()
    claimed = await ours.ask(whose)

    assert not await theirs.leases.wait(lease_key(whose, FINGERPRINT), within_seconds=0.8)
    claimed.release()


async def test_who_leaves_while_asking_holds_nothing(worker, whose):
    ours, theirs = worker(), worker()
    await ours.store.get(b"connected")
    asking = asyncio.create_task(ours.ask(whose))
    await asyncio.sleep(0)

    asking.cancel()
    await asyncio.wait([asking])

    assert await theirs.leases.wait(lease_key(whose, FINGERPRINT), within_seconds=1)
    assert isinstance(await ours.ask(whose), Lease)


async def test_what_is_too_large_is_not_read(worker, whose):
    ours = worker()
    ours.store.put(entry_key(whose, FINGERPRINT), b"x" * 500, 60)

    assert await ours.ask(whose, max_bytes=499) is None
    assert await ours.ask(whose, max_bytes=500) == b"x" * 500


async def test_a_redis_that_was_restarted_learns_the_question_again(server, worker, whose):
    ours = worker(server.url)
    (await ours.ask(whose)).release()
    server.admin("SCRIPT", "FLUSH")

    assert isinstance(await ours.ask(whose), Lease)


async def test_a_full_redis_still_says_what_it_has(server, worker, whose):
    ours, other = worker(server.url), Namespace(uuid4())
    ours.store.put(entry_key(whose, FINGERPRINT), b"sealed", 60)
    assert await ours.ask(whose) == b"sealed"
    server.admin("CONFIG", "SET", "maxmemory", 1)

    assert await ours.ask(whose) == b"sealed"
    assert await ours.ask(other) is None


async def test_without_redis_nothing_is_known_at_once(worker, whose, tmp_path):
    ours = worker(f"unix://{tmp_path}/nothing.sock")
    await asyncio.sleep(0.1)

    async with asyncio.timeout(0.2):
        assert await ours.ask(whose) is None
