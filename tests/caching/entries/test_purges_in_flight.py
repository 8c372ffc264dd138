"""A purge holds against answers that are under way, in every worker, and against nothing that was asked after it."""

import asyncio
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings
from redis import Redis

from accounts import wiring as accounts
from accounts.encryption import cipher_from
from accounts.principal import Principal
from accounts.scopes import Scope
from caching.backends.memory import MemoryStore
from caching.backends.memory_index import MemoryIndex
from caching.backends.redis_index import RedisIndex
from caching.broadcast import Follower, ToldShelf
from caching.exact import ExactCache
from caching.exact_shelf import ExactShelf
from caching.places import SIDE, Place, wall_of
from caching.protocols import Label, Namespace
from caching.shelf import Wanted
from inference.domain import CacheStatus
from tests.caching.entries.kept import worker_cache
from tests.caching.turns import turns
from tests.inference.kit import Kit, ask
from tests.inference.script import Scene, Script

FINGERPRINT = bytes(16)
LABEL = Label("mock-small", "mock", "general")


class Worker:
    """One process's cache, and the shelf that its people see."""

    def __init__(self, cache: ExactCache, shelf: ExactShelf | ToldShelf) -> None:
        self.cache, self.shelf = cache, shelf

    def keep(self, namespace, *, begun_seconds_ago=0.0, fingerprint=FINGERPRINT):
        self.cache.keep(
            namespace,
            fingerprint,
            note=b"",
            body=b"answer",
            ttl_seconds=60,
            label=LABEL,
            question="What is it?",
            begun_seconds_ago=begun_seconds_ago,
        )

    async def has(self, namespace, fingerprint=FINGERPRINT):
        return await self.cache.look_up(namespace, fingerprint) is not None


@pytest.fixture
def ours():
    return Namespace(uuid4())


def in_memory():
    store, cipher = MemoryStore(1_000_000), cipher_from("a passphrase")
    return Worker(
        ExactCache(store, cipher, clock=time.time, max_entry_bytes=10_000),
        ExactShelf(MemoryIndex(lambda: [store]), cipher),
    )


def in_redis(**options):
    return Worker(worker_cache(**options), ExactShelf(RedisIndex(settings.REDIS_URL), accounts.cipher()))


@pytest.fixture(params=[in_memory, in_redis])
async def worker(request):
    made = request.param()
    yield made
    await made.cache.store.close()


def entry_id(namespace, fingerprint=FINGERPRINT):
    return Place(namespace.organization_id, wall_of(namespace.name), fingerprint).id


PURGES = {
    "all": lambda shelf, ours: shelf.purge(ours.organization_id, Wanted(), is_trial=False),
    "namespace": lambda shelf, ours: shelf.purge(ours.organization_id, Wanted(namespace=ours.name), is_trial=False),
    "model": lambda shelf, ours: shelf.purge(ours.organization_id, Wanted(model="mock-small"), is_trial=False),
    "one": lambda shelf, ours: shelf.delete(ours.organization_id, entry_id(ours)),
    "wrong": lambda shelf, ours: shelf.mark_wrong(ours.organization_id, entry_id(ours)),
    "twin": lambda shelf, ours: [
        shelf.hold_off(ours.organization_id, ours.name, FINGERPRINT),
        shelf.delete(ours.organization_id, entry_id(ours)),
    ],
}


@pytest.mark.parametrize("purge", PURGES.values(), ids=PURGES)
async def test_an_answer_that_was_asked_for_before_a_purge_does_not_come_back_after_it(worker, ours, purge):
    worker.keep(ours)
    assert await worker.has(ours)

    await asyncio.to_thread(purge, worker.shelf, ours)
    worker.keep(ours, begun_seconds_ago=5.0)
    late = await worker.has(ours)
    worker.keep(ours)
    fresh = await worker.has(ours)

    assert (late, fresh) == (False, True)


async def test_a_purge_of_a_namespace_holds_on_all_sides_of_its_wall(worker, ours):
    side, other = replace(ours, name=f"default{SIDE}user:01"), replace(ours, name="default2")
    for namespace in (ours, side, other):
        worker.keep(namespace)
        assert await worker.has(namespace)

    count = await asyncio.to_thread(
        worker.shelf.purge, ours.organization_id, Wanted(namespace="default"), is_trial=False
    )
    gone = [not await worker.has(namespace) for namespace in (ours, side, other)]
    worker.keep(side, begun_seconds_ago=5.0)
    late = await worker.has(side)
    worker.keep(side)

    assert (count, gone, late) == (2, [True, True, False], False)
    assert await worker.has(side)


async def test_a_purge_of_what_is_old_lets_come_what_is_under_way(worker, ours):
    await asyncio.to_thread(
        worker.shelf.purge, ours.organization_id, Wanted(stored_before=time.time() - 60), is_trial=False
    )

    worker.keep(ours, begun_seconds_ago=5.0)

    assert await worker.has(ours)


async def test_a_purge_of_one_namespace_or_entry_is_no_concern_of_the_others(worker, ours):
    other, mallory = replace(ours, name="other"), Namespace(uuid4())
    worker.keep(ours)
    assert await worker.has(ours)
    await asyncio.to_thread(worker.shelf.delete, ours.organization_id, entry_id(ours))
    await asyncio.to_thread(worker.shelf.purge, ours.organization_id, Wanted(namespace="staging"), is_trial=False)

    for namespace, fingerprint in [(ours, b"x" * 16), (other, FINGERPRINT), (mallory, FINGERPRINT)]:
        worker.keep(namespace, begun_seconds_ago=5.0, fingerprint=fingerprint)
        assert await worker.has(namespace, fingerprint)


async def test_what_is_pinned_stays_until_it_is_unpinned(worker, ours):
    worker.keep(ours)
    assert await worker.has(ours)
    await asyncio.to_thread(worker.shelf.pin, ours.organization_id, entry_id(ours))

    worker.cache.keep(ours, FINGERPRINT, note=b"", body=b"another", ttl_seconds=60, label=LABEL)
    pinned = await worker.cache.look_up(ours, FINGERPRINT)
    await asyncio.to_thread(worker.shelf.unpin, ours.organization_id, entry_id(ours))
    worker.cache.keep(ours, FINGERPRINT, note=b"", body=b"another", ttl_seconds=60, label=LABEL)
    unpinned = await worker.cache.look_up(ours, FINGERPRINT)

    assert (pinned.body, unpinned.body) == (b"answer", b"another")


async def test_a_delete_in_one_worker_reaches_another(ours):
    one, other = in_redis(), in_redis()
    one.keep(ours)
    assert await one.has(ours)
    assert await other.has(ours)

    await asyncio.to_thread(one.shelf.delete, ours.organization_id, entry_id(ours))

    assert not await other.has(ours)
    other.keep(ours, begun_seconds_ago=1.0)
    assert not await one.has(ours)
    for worker in (one, other):
        await worker.cache.store.close()


async def test_workers_with_memories_of_their_own_repeat_what_they_are_told(ours):
    one, other = in_memory(), in_memory()
    cipher = cipher_from("a passphrase")
    told: list[str] = []
    shelf = ToldShelf(one.shelf, told.append, cipher)
    follower = Follower([other.shelf], cipher)
    for worker in (one, other):
        worker.keep(ours)
        worker.keep(ours, fingerprint=b"x" * 16)

    shelf.delete(ours.organization_id, entry_id(ours))
    follower.invalidate(told[-1])
    one_is_gone = not await other.has(ours)
    shelf.purge(ours.organization_id, Wanted(prefix="What is"), is_trial=False)
    follower.invalidate(told[-1])

    assert one_is_gone
    assert not await other.has(ours, b"x" * 16)
    assert "What is" not in "".join(told)


@pytest.mark.parametrize("news", ["", "nonsense", "AAAA", "é"])
async def test_news_that_are_not_ours_change_nothing(ours, news):
    worker = in_memory()
    worker.keep(ours)

    Follower([worker.shelf], cipher_from("a passphrase")).invalidate(news)

    assert await worker.has(ours)


async def test_beyond_its_bound_a_namespace_loses_its_oldest_but_no_pinned_entry(ours):
    worker = in_redis(most=3)
    worker.keep(ours)
    assert await worker.has(ours)
    await asyncio.to_thread(worker.shelf.pin, ours.organization_id, entry_id(ours))

    for number in range(1, 6):
        worker.keep(ours, fingerprint=bytes([number]) * 16)

    there = [await worker.has(ours, bytes([number]) * 16) for number in range(6)]
    rows = await asyncio.to_thread(worker.shelf.list, ours.organization_id, Wanted(), after=None, limit=10)
    assert there == [True, False, False, False, True, True]
    assert len(rows.rows) == 3
    await worker.cache.store.close()


async def test_tidying_strikes_off_what_has_gone_and_nothing_else(ours):
    worker = in_redis()
    for number in range(3):
        worker.keep(ours, fingerprint=bytes([number]) * 16)
    assert await worker.has(ours)
    await asyncio.to_thread(worker.shelf.mark_wrong, ours.organization_id, entry_id(ours, bytes([1]) * 16))
    place = Place(ours.organization_id, wall_of("default"), bytes([2]) * 16)
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(place.entry_key)

    gone = await asyncio.to_thread(worker.shelf.tidy, ours.organization_id)

    rows = await asyncio.to_thread(worker.shelf.list, ours.organization_id, Wanted(), after=None, limit=10)
    assert gone == 1
    assert {row.id for row in rows.rows} == {entry_id(ours), entry_id(ours, bytes([1]) * 16)}
    await worker.cache.store.close()


def shelf_of(kit):
    return ExactShelf(MemoryIndex(lambda: [kit.store]), cipher_from("a passphrase"))


async def test_the_gateway_lists_its_answers_with_what_was_asked(ours):
    kit = Kit()
    ada = Principal(ours.organization_id, frozenset({Scope.INFER}))

    await kit.answer(ada, ask("What is the capital of France?", acron={"tags": {"team": "search"}}))

    shelf = shelf_of(kit)
    (row,) = shelf.list(ours.organization_id, Wanted(), after=None, limit=10).rows
    assert (row.label.model, row.label.provider) == ("mock-small", "mock")
    assert row.label.tags == (("team", "search"),)
    opened = shelf.read(ours.organization_id, row.id)
    assert opened.question == "What is the capital of France?"


async def test_an_answer_that_was_under_way_while_all_was_purged_is_told_but_not_kept(ours):
    go = asyncio.Event()
    kit = Kit(transport=Script(Scene(waits_for=go), Scene()))
    ada = Principal(ours.organization_id, frozenset({Scope.INFER}))
    asked = asyncio.create_task(kit.answer(ada, ask()))
    await turns(20)
    assert kit.transport.calls

    shelf_of(kit).purge(ours.organization_id, Wanted(), is_trial=False)
    go.set()
    answers = [await asked, await kit.answer(ada, ask()), await kit.answer(ada, ask())]

    statuses = [answer.facts.cache_status for answer in answers]
    assert statuses == [CacheStatus.MISS, CacheStatus.MISS, CacheStatus.HIT_T1]
