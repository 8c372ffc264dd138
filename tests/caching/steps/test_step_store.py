"""T3 gives back what was kept while all that it was computed from is valid, and to nobody else."""

import asyncio
import struct
from dataclasses import replace

import pytest

from accounts.encryption import cipher_from
from acron_site.lib.errors import InvalidRequestError
from caching import step_store
from caching.backends.memory import MemoryStore
from caching.backends.memory_generations import MemoryGenerations
from caching.steps import MAX_CARRIED_TAGS, UNKNOWN
from tests.caching.steps.conftest import KEY, step_cache

STEP, OTHER = b"s" * 16, b"o" * 16


async def keep(cache, namespace, key=STEP, *, tags=(), after=(), body=b"output"):
    """Computes a step that takes no time."""
    snapshot = await cache.begin(namespace, tags=tags, after=after)
    kept = cache.keep(namespace, key, snapshot=snapshot, note=b"note", body=body, ttl_seconds=60)
    assert kept
    return snapshot


async def test_what_was_kept_comes_back(cache, ada):
    await keep(cache, ada, tags=["doc:42"])

    found = await cache.look_up(ada, STEP, tags=["doc:42"])

    assert found is not None
    assert (found.note, found.body, found.stored_at) == (b"note", b"output", 1_700_000_000.0)
    assert cache.counters.hits == 1


async def test_nobody_else_finds_it(cache, ada, mallory):
    await keep(cache, ada)

    assert await cache.look_up(mallory, STEP) is None
    assert await cache.look_up(replace(ada, name="staging"), STEP) is None
    assert await cache.look_up(ada, OTHER) is None
    assert (cache.counters.hits, cache.counters.misses, cache.counters.invalidated) == (0, 3, 0)


async def test_an_invalidated_tag_takes_its_steps_along_and_no_other(cache, ada):
    await keep(cache, ada, tags=["doc:42", "prompt:v3"])
    await keep(cache, ada, OTHER, tags=["prompt:v3"])

    await cache.invalidate(ada, ["doc:42"])

    assert await cache.look_up(ada, STEP, tags=["doc:42", "prompt:v3"]) is None
    assert await cache.look_up(ada, STEP) is None
    assert await cache.look_up(ada, OTHER, tags=["prompt:v3"]) is not None
    assert cache.counters.invalidated == 2


async def test_what_is_computed_after_an_invalidation_is_found(cache, ada):
    await keep(cache, ada, tags=["doc:42"])
    await cache.invalidate(ada, ["doc:42"])

    await keep(cache, ada, tags=["doc:42"], body=b"anew")

    found = await cache.look_up(ada, STEP, tags=["doc:42"])
    assert found is not None
    assert found.body == b"anew"


async def test_to_invalidate_twice_is_to_invalidate_once(cache, ada):
    await keep(cache, ada, tags=["doc:42"])

    await cache.invalidate(ada, ["doc:42"])
    await cache.invalidate(ada, ["doc:42", "never:seen"])

    assert await cache.look_up(ada, STEP) is None


async def test_a_step_that_is_being_computed_while_its_tag_is_invalidated_is_never_found(cache, ada):
    snapshot = await cache.begin(ada, tags=["doc:42"])

    await cache.invalidate(ada, ["doc:42"])
    cache.keep(ada, STEP, snapshot=snapshot, note=b"", body=b"of yesterday", ttl_seconds=60)

    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None


async def test_what_comes_of_a_step_goes_with_it(cache, ada):
    first = await keep(cache, ada, tags=["doc:42"])
    await keep(cache, ada, OTHER, after=[first])

    await cache.invalidate(ada, ["doc:42"])

    assert await cache.look_up(ada, OTHER, after=[first]) is None
    assert await cache.look_up(ada, OTHER) is None


async def test_tags_are_handed_on_by_a_step_that_was_found(cache, ada):
    await keep(cache, ada, tags=["doc:42"])
    found = await cache.look_up(ada, STEP)
    assert found is not None
    await keep(cache, ada, OTHER, after=[found.snapshot])

    await cache.invalidate(ada, ["doc:42"])

    assert await cache.look_up(ada, OTHER) is None


async def test_what_begins_after_a_step_that_was_invalidated_meanwhile_is_not_kept(cache, ada):
    """It would carry the new generation, but be computed from the old output."""
    first = await keep(cache, ada, tags=["doc:42"])

    await cache.invalidate(ada, ["doc:42"])
    second = await cache.begin(ada, after=[first])
    kept = cache.keep(ada, OTHER, snapshot=second, note=b"", body=b"of yesterday", ttl_seconds=60)

    assert second == UNKNOWN
    assert not kept
    assert await cache.look_up(ada, OTHER) is None


async def test_what_was_kept_without_one_of_our_tags_is_no_answer(cache, ada):
    """It may be older than the tag's last invalidation."""
    await keep(cache, ada, tags=["prompt:v3"])

    assert await cache.look_up(ada, STEP, tags=["prompt:v3", "doc:42"]) is None

    await keep(cache, ada, tags=["prompt:v3", "doc:42"])
    assert await cache.look_up(ada, STEP, tags=["prompt:v3", "doc:42"]) is not None
    assert await cache.look_up(ada, STEP) is not None


async def test_mallory_cannot_invalidate_what_is_ours(cache, ada, mallory):
    await keep(cache, ada, tags=["doc:42"])

    await cache.invalidate(mallory, ["doc:42"])
    await cache.invalidate(replace(ada, name="staging"), ["doc:42"])

    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is not None


@pytest.mark.parametrize("tags", [[], [""], ["x" * 129], [f"doc:{number}" for number in range(33)]])
async def test_what_cannot_be_invalidated_is_refused(cache, ada, tags):
    with pytest.raises(InvalidRequestError):
        await cache.invalidate(ada, tags)


async def test_a_step_that_would_carry_too_many_tags_is_not_kept(cache, ada):
    tags = [f"doc:{number}" for number in range(MAX_CARRIED_TAGS + 1)]

    assert await cache.begin(ada, tags=tags) == UNKNOWN
    assert await cache.look_up(ada, STEP, tags=tags) is None
    assert (await cache.begin(ada, tags=tags[1:])).epoch


async def test_what_is_too_large_or_over_is_not_kept(cache, ada):
    snapshot = await cache.begin(ada)

    assert not cache.keep(ada, STEP, snapshot=snapshot, note=b"", body=bytes(10_001), ttl_seconds=60)
    assert not cache.keep(ada, STEP, snapshot=snapshot, note=b"", body=b"", ttl_seconds=0)
    assert not cache.keep(ada, STEP, snapshot=UNKNOWN, note=b"", body=b"", ttl_seconds=60)
    assert cache.counters.too_large == 1


@pytest.mark.parametrize(("note", "body"), [(b"", b""), (b"\x00" * 300, b"\xff" * 9_000)])
async def test_note_and_body_may_be_any_bytes(cache, ada, note, body):
    snapshot = await cache.begin(ada, tags=["a", "b"])
    cache.keep(ada, STEP, snapshot=snapshot, note=note, body=body, ttl_seconds=60)

    found = await cache.look_up(ada, STEP)

    assert found is not None
    assert (found.note, found.body, found.snapshot) == (note, body, snapshot)


# in memory, where a story can reach behind the cache


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(1_000_000)


@pytest.fixture
def generations() -> MemoryGenerations:
    return MemoryGenerations()


async def test_a_step_copied_to_another_place_never_opens(store, generations, ada, mallory):
    cache = step_cache(store, generations)
    await keep(cache, ada)
    await cache.begin(mallory)
    sealed = await store.get(step_store.entry_key(ada, STEP))

    for namespace, key in [(mallory, STEP), (replace(ada, name="other"), STEP), (ada, OTHER)]:
        store.put(step_store.entry_key(namespace, key), sealed, 60)
        assert await cache.look_up(namespace, key) is None

    assert cache.counters.unreadable == 3


async def test_a_damaged_step_is_a_miss(store, generations, ada):
    cache = step_cache(store, generations)
    await keep(cache, ada, tags=["doc:42"])
    place = step_store.entry_key(ada, STEP)
    sealed = await store.get(place)

    for position in range(len(sealed)):
        store.put(place, sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :], 60)
        assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None

    assert cache.counters.unreadable == len(sealed)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x01",
        b"\x02" + bytes(60),
        struct.pack(">Bd16sHI", 1, 0, b"", 2, 0),
        struct.pack(">Bd16sHI", 1, 0, b"", 0, 9),
    ],
)
async def test_a_step_of_another_version_is_a_miss(store, generations, ada, packed):
    cache = step_cache(store, generations)
    await cache.begin(ada)
    place = step_store.entry_key(ada, STEP)

    store.put(place, cipher_from(KEY).seal(packed, aad=place), 60)

    assert await cache.look_up(ada, STEP) is None
    assert cache.counters.unreadable == 1


async def test_steps_outlive_a_rotation_of_the_key(store, generations, ada):
    await keep(step_cache(store, generations), ada)
    new_key = "7e" * 32

    rotated, without_old = (step_cache(store, generations, key=key) for key in (f"{new_key},{KEY}", new_key))

    assert await rotated.look_up(ada, STEP) is not None
    assert await without_old.look_up(ada, STEP) is None


async def test_with_too_many_invalidated_tags_everything_begins_anew(store, ada):
    cache = step_cache(store, MemoryGenerations(most_tags=10))
    await keep(cache, ada, tags=["doc:42"])
    for number in range(12):
        await cache.invalidate(ada, [f"other:{number}"])

    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None
    await keep(cache, ada, tags=["doc:42"])
    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is not None


async def test_memory_is_kept_for_so_many_organizations_and_lets_go_of_one_that_is_erased(store, ada, mallory):
    generations = MemoryGenerations(most_shelves=1)
    cache = step_cache(store, generations)
    await keep(cache, ada)
    await keep(cache, mallory)

    assert await cache.look_up(ada, STEP) is None
    assert await cache.look_up(mallory, STEP) is not None

    generations.forget(step_store.shelf_of(mallory.organization_id))
    assert await cache.look_up(mallory, STEP) is None


async def test_many_at_once_find_each_their_own(cache, ada):
    keys = [bytes([number]) * 16 for number in range(100)]
    await asyncio.gather(*(keep(cache, ada, key, tags=[f"doc:{key[0]}"], body=key) for key in keys))
    await cache.invalidate(ada, [f"doc:{number}" for number in range(30)])

    found = await asyncio.gather(*(cache.look_up(ada, key, tags=[f"doc:{key[0]}"]) for key in keys))

    assert [None if entry is None else entry.body for entry in found] == [None] * 30 + keys[30:]
