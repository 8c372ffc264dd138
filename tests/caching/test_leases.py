"""Of all workers one does the work; who holds it may die, and Redis may, and nobody is held up for long."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest

from accounts.encryption import cipher_from
from acron_site.lib.redis_links import Links
from caching.backends.memory import MemoryStore
from caching.backends.memory_leases import MemoryLeases
from caching.backends.redis import RedisStore
from caching.backends.redis_leases import RedisLeases
from caching.exact import Entry, ExactCache, entry_key
from caching.flights import Flight, Flights
from caching.leases import Lease, Leases, acquire_or_find, lease_key
from caching.places import organization_prefix
from caching.protocols import ExactStore, Namespace

FINGERPRINT = b"fingerprint"


@pytest.fixture
def key() -> bytes:
    return lease_key(Namespace(uuid4()), FINGERPRINT)


@pytest.fixture
async def open_leases() -> AsyncIterator[Callable[..., RedisLeases]]:
    """Those of one worker each."""
    opened = []

    def make(url: str = "", *, ttl_seconds: float = 15.0) -> RedisLeases:
        opened.append(Links(url or os.environ["REDIS_URL"], timeout_seconds=0.25))
        return RedisLeases(opened[-1], ttl_seconds=ttl_seconds)

    yield make
    for links in opened:
        await links.close()


@pytest.fixture(params=["memory", "redis"])
def leases(request, open_leases) -> Leases:
    return MemoryLeases() if request.param == "memory" else open_leases()


# one worker's


async def test_one_of_many_gets_the_lease(leases, key):
    got = await asyncio.gather(*(leases.acquire(key) for _ in range(100)))

    assert sum(lease is not None for lease in got) == 1


async def test_it_is_free_again_when_it_is_released(leases, key):
    first = await leases.acquire(key)
    first.release()
    first.release()

    with await leases.acquire(key):
        assert await leases.acquire(key) is None
    assert await leases.acquire(key) is not None


async def test_a_release_that_comes_twice_takes_nothing_from_the_next_holder(leases, key):
    first = await leases.acquire(key)
    first.release()
    second = await leases.acquire(key)

    first.release()

    assert second is not None
    assert await leases.acquire(key) is None


async def test_it_says_what_it_is_held_for(leases, key):
    nobody = await leases.mark_of(key)
    with await leases.acquire(key, mark=b"mark"):
        somebody = await leases.mark_of(key)
    again_nobody = await leases.mark_of(key)

    assert (nobody, somebody, again_nobody) == (None, b"mark", None)


async def test_waiting_ends_with_the_release(leases, key):
    lease = await leases.acquire(key)
    waiting = [asyncio.create_task(leases.wait(key, within_seconds=5)) for _ in range(10)]
    await asyncio.sleep(0)

    lease.release()

    assert await asyncio.gather(*waiting) == [True] * 10


async def test_waiting_ends_with_its_time(leases, key):
    with await leases.acquire(key):
        assert not await leases.wait(key, within_seconds=0.05)


async def test_nobody_waits_for_what_nobody_holds(leases, key):
    assert await leases.wait(key, within_seconds=5)


async def test_two_organizations_hold_the_same_at_once(leases):
    held = [await leases.acquire(lease_key(Namespace(uuid4()), FINGERPRINT)) for _ in range(2)]

    assert None not in held


async def test_who_has_waited_in_vain_waits_for_nobody_else(leases, key):
    async def find() -> None:
        return None

    first = await leases.acquire(key)
    waiting = [asyncio.create_task(acquire_or_find(leases, key, find, patience_seconds=30)) for _ in range(3)]
    await asyncio.sleep(0)
    first.release()

    got = await asyncio.wait_for(asyncio.gather(*waiting), 5)  # none of them releases what it got

    assert all(isinstance(lease, Lease) for lease in got)


def test_a_lease_lies_with_its_organization_and_not_among_the_entries(ada, mallory):
    lease = lease_key(ada, FINGERPRINT)

    assert lease.startswith(organization_prefix(ada.organization_id))
    assert not lease.startswith(organization_prefix(ada.organization_id) + b"t1:")
    assert len({lease, lease_key(mallory, FINGERPRINT), lease_key(ada, b"other"), entry_key(ada, FINGERPRINT)}) == 4
    assert lease != lease_key(Namespace(ada.organization_id, "other"), FINGERPRINT)


# several workers'


async def test_another_worker_does_not_get_it_and_hears_of_its_end(open_leases, key):
    ours, theirs = open_leases(), open_leases()
    lease = await ours.acquire(key, mark=b"mark")

    refused = await theirs.acquire(key)
    mark = await theirs.mark_of(key)
    in_vain = await theirs.wait(key, within_seconds=0.05)
    waiting = asyncio.create_task(theirs.wait(key, within_seconds=5))
    lease.release()

    assert (refused, mark, in_vain) == (None, b"mark", False)
    assert await waiting
    assert await theirs.acquire(key) is not None


async def test_a_lease_is_renewed_while_its_holder_lives(open_leases, key):
    ours, theirs = open_leases(ttl_seconds=0.3), open_leases()

    with await ours.acquire(key):
        assert not await theirs.wait(key, within_seconds=0.8)


async def test_a_released_lease_is_renewed_no_more(server, open_leases, key):
    ours, theirs = open_leases(server.url, ttl_seconds=0.06), open_leases(server.url)
    released = await ours.acquire(key)
    released.release()

    with await theirs.acquire(key):
        await ours.wait(key, within_seconds=0.2)  # time for many renewals

    stats = server.admin("INFO", "commandstats")
    assert stats["cmdstat_eval"]["calls"] <= 2  # the releases, and none that renews


async def test_the_lease_of_a_dead_holder_ends_by_itself(open_leases, key):
    async def hold_and_die() -> bool:
        links = Links(os.environ["REDIS_URL"], timeout_seconds=0.25)
        lease = await RedisLeases(links, ttl_seconds=0.3).acquire(key)
        await links.close()
        return lease is not None

    theirs = open_leases()
    was_held = await asyncio.to_thread(lambda: asyncio.run(hold_and_die()))

    assert was_held
    assert await theirs.acquire(key) is None
    assert await theirs.wait(key, within_seconds=2)
    assert await theirs.acquire(key) is not None


async def test_a_lease_that_has_run_out_takes_nothing_from_the_next_holder(server, open_leases, key):
    ours, theirs, others = open_leases(server.url), open_leases(server.url), open_leases(server.url)
    lost = await ours.acquire(key)
    server.admin("FLUSHALL")
    held = await theirs.acquire(key)

    lost.release()
    await ours.mark_of(key)  # the release has arrived before this is answered

    assert held is not None
    assert await others.acquire(key) is None


async def test_who_leaves_while_asking_holds_nothing(open_leases, key):
    ours, theirs = open_leases(), open_leases()
    await ours.mark_of(key)  # connected
    asking = asyncio.create_task(ours.acquire(key))
    await asyncio.sleep(0)

    asking.cancel()
    await asyncio.wait([asking])

    assert asking.cancelled()
    assert await theirs.wait(key, within_seconds=1)
    assert await ours.acquire(key) is not None


# Redis away


async def test_without_redis_every_worker_goes_on_and_none_does_it_twice(open_leases, tmp_path, key):
    workers = [open_leases(f"unix://{tmp_path}/nothing.sock") for _ in range(3)]

    got = [await worker.acquire(key) for worker in workers]
    again = [await worker.acquire(key) for worker in workers]

    assert None not in got
    assert again == [None] * 3
    for lease in got:
        lease.release()
    assert [await worker.wait(key, within_seconds=1) for worker in workers] == [True] * 3
    assert None not in [await worker.acquire(key) for worker in workers]


async def test_nobody_waits_on_for_a_redis_that_was_killed(server, open_leases, key):
    ours, theirs = open_leases(server.url), open_leases(server.url)
    lease = await ours.acquire(key)
    waiting = asyncio.create_task(theirs.wait(key, within_seconds=30))
    await theirs.mark_of(key)

    server.kill()

    assert await asyncio.wait_for(waiting, 5)
    assert await theirs.acquire(key) is not None
    lease.release()


async def test_a_full_redis_gives_leases_and_is_complained_of_once(server, open_leases, key, caplog):
    caplog.set_level(logging.INFO)
    links = Links(server.url, timeout_seconds=0.25)
    leases, store = RedisLeases(links), RedisStore(links, max_value_bytes=1000)
    server.admin("CONFIG", "SET", "maxmemory", 1)

    for _ in range(50):
        store.put(b"entry", b"value", 60)
        await store.get(b"entry")
        lease = await leases.acquire(key)
        assert lease is not None
        lease.release()
        await store.get(b"entry")
    await store.close()

    assert [record.message.split(":")[0] for record in caplog.records] == ["cache.redis_refuses_writes"]


# together with flights and entries: what the pipeline makes of them


class Worker:
    """One process: its flights, its link to Redis, its way to the one provider."""

    def __init__(
        self, store: ExactStore, leases: Leases, *, keeps: bool = True, provider: Callable[[], None] = lambda: None
    ) -> None:
        self.cache = ExactCache(store, cipher_from("5c" * 32), clock=lambda: 0.0, max_entry_bytes=1000)
        self.leases, self.keeps, self.provider = leases, keeps, provider
        self.flights = Flights[bytes]()
        self.calls = 0

    async def answer(self, whose: Namespace) -> bytes:
        async def produce(flight: Flight[bytes]) -> bytes:
            return await self._produce(whose)

        with self.flights.join(entry_key(whose, FINGERPRINT), produce) as seat:
            return await seat.outcome()

    async def _produce(self, whose: Namespace) -> bytes:
        async def find() -> Entry | None:
            return await self.cache.look_up(whose, FINGERPRINT)

        found = await acquire_or_find(self.leases, lease_key(whose, FINGERPRINT), find, patience_seconds=5)
        if isinstance(found, Entry):
            return found.body
        with found:
            self.calls += 1
            self.provider()
            await asyncio.sleep(0.05)  # it takes its time
            if self.keeps:
                self.cache.keep(whose, FINGERPRINT, note=b"", body=b"answer", ttl_seconds=60)
        return b"answer"


@pytest.fixture
async def open_worker() -> AsyncIterator[Callable[..., Worker]]:
    opened = []

    def make(url: str = "", **habits: Any) -> Worker:
        links = Links(url or os.environ["REDIS_URL"], timeout_seconds=0.25)
        opened.append(Worker(RedisStore(links, max_value_bytes=2000), RedisLeases(links), **habits))
        return opened[-1]

    yield make
    for worker in opened:
        await worker.flights.close()
        await worker.cache.store.close()


async def test_a_thousand_at_two_workers_are_answered_by_one_call(open_worker):
    whose = Namespace(uuid4())
    workers = [open_worker(), open_worker()]

    answers = await asyncio.gather(*(worker.answer(whose) for worker in workers for _ in range(500)))

    assert answers == [b"answer"] * 1000
    assert sum(worker.calls for worker in workers) == 1


async def test_two_organizations_make_two_calls(open_worker):
    workers = [open_worker(), open_worker()]
    ada, mallory = Namespace(uuid4()), Namespace(uuid4())

    await asyncio.gather(*(worker.answer(whose) for worker in workers for whose in (ada, mallory) for _ in range(50)))

    assert sum(worker.calls for worker in workers) == 2


async def test_what_may_not_be_kept_costs_each_worker_one_call(open_worker):
    whose = Namespace(uuid4())
    workers = [open_worker(keeps=False) for _ in range(4)]

    answers = await asyncio.gather(*(worker.answer(whose) for worker in workers for _ in range(100)))

    assert answers == [b"answer"] * 400
    assert [worker.calls for worker in workers] == [1] * 4


async def test_who_comes_just_after_the_end_finds_the_entry(open_worker):
    whose = Namespace(uuid4())
    ours, theirs = open_worker(), open_worker()

    for _ in range(20):
        await asyncio.gather(ours.answer(whose), theirs.answer(whose))

    assert ours.calls + theirs.calls == 1


async def test_when_redis_is_killed_meanwhile_each_worker_makes_its_own_call(server, open_worker):
    whose = Namespace(uuid4())
    workers = [open_worker(server.url, provider=server.kill) for _ in range(3)]

    answers = await asyncio.gather(*(worker.answer(whose) for worker in workers for _ in range(100)))

    assert answers == [b"answer"] * 300
    assert [worker.calls for worker in workers] == [1] * 3


async def test_without_a_redis_a_process_shares_with_itself(ada, mallory):
    worker = Worker(MemoryStore(10_000), MemoryLeases())

    answers = await asyncio.gather(*(worker.answer(whose) for whose in (ada, mallory) for _ in range(500)))

    assert answers == [b"answer"] * 1000
    assert worker.calls == 2
