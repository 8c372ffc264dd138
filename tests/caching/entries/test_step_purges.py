"""Kept steps go with a purge of their namespace or of everything, in Redis and in memory, and do not come back."""

import os
from dataclasses import replace
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from accounts.encryption import cipher_from
from acron_site.lib.redis_links import Links
from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations
from caching.backends.memory_steps import MemoryEnds, MemorySteps
from caching.backends.redis import RedisStore
from caching.backends.redis_generations import RedisGenerations
from caching.backends.redis_steps import RedisSteps
from caching.places import SIDE
from caching.protocols import Namespace
from caching.shelf import Wanted
from caching.step_shelf import StepShelf
from caching.step_store import StepCache

SECRET = b"secret"
STEP = b"s" * 16


def cache_of(store, generations):
    return StepCache(
        store,
        generations,
        cipher=cipher_from("a passphrase"),
        secret=SECRET,
        clock=lambda: 1_700_000_000.0,
        max_entry_bytes=10_000,
    )


@pytest.fixture(params=["redis", "memory"])
async def worker(request):
    """A worker's cache of steps, and the shelf of those who purge."""
    if request.param == "memory":
        store, generations = MemoryStore(1_000_000), MemoryGenerations()
        yield (
            cache_of(store, generations),
            StepShelf(MemorySteps(lambda: [store]), MemoryEnds(generations), secret=SECRET),
        )
        return
    links = Links(os.environ["REDIS_URL"], timeout_seconds=5.0)
    steps = RedisSteps(os.environ["REDIS_URL"])
    yield (
        cache_of(RedisStore(links, max_value_bytes=20_000), RedisGenerations(links)),
        StepShelf(steps, steps, secret=SECRET),
    )
    await links.close()


@pytest.fixture
def ours():
    return Namespace(uuid4())


def keep(cache, namespace, snapshot):
    assert cache.keep(namespace, STEP, snapshot=snapshot, note=b"", body=b"output", ttl_seconds=60)


async def has(cache, namespace):
    return await cache.look_up(namespace, STEP) is not None


async def purge(shelf, whose, *, is_trial=False, **wanted):
    return await sync_to_async(shelf.purge)(whose.organization_id, Wanted(**wanted), is_trial=is_trial)


@pytest.mark.parametrize(("wanted", "left"), [({}, False), ({"namespace": "default"}, True)])
async def test_a_purge_takes_steps_along_and_what_was_being_computed(worker, ours, wanted, left):
    cache, shelf = worker
    side, other, mallory = replace(ours, name=f"default{SIDE}key:01"), replace(ours, name="other"), Namespace(uuid4())
    places = (ours, side, other, mallory)
    snapshots = {place: await cache.begin(place) for place in places}
    for place, snapshot in snapshots.items():
        keep(cache, place, snapshot)
    assert [await has(cache, place) for place in places] == [True] * 4

    tried = await purge(shelf, ours, is_trial=True, **wanted)
    done = await purge(shelf, ours, **wanted)

    assert tried == done == (2 if left else 3)
    assert [await has(cache, place) for place in places] == [False, False, left, True]
    for place, snapshot in snapshots.items():
        keep(cache, place, snapshot)
    assert [await has(cache, place) for place in places] == [False, False, left, True]
    keep(cache, ours, await cache.begin(ours))
    assert await has(cache, ours)


async def test_a_purge_by_another_filter_leaves_steps_alone(worker, ours):
    cache, shelf = worker
    keep(cache, ours, await cache.begin(ours))

    assert await purge(shelf, ours, model="mock-small") == 0
    assert await has(cache, ours)


async def test_an_invalidated_tag_counts_on_all_sides_of_a_wall(worker, ours):
    cache, _ = worker
    side = replace(ours, name=f"default{SIDE}user:01")
    snapshot = await cache.begin(side, tags=["doc:42"])
    keep(cache, side, snapshot)
    assert await cache.look_up(side, STEP, tags=["doc:42"]) is not None

    await cache.invalidate(ours, ["doc:42"])

    assert await cache.look_up(side, STEP, tags=["doc:42"]) is None
