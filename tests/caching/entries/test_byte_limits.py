"""A namespace keeps no more bytes of exact answers than its policy lets it."""

import time
from uuid import uuid4

import pytest
from django.conf import settings

from accounts import wiring as accounts
from accounts.encryption import cipher_from
from caching.backends.memory import MemoryStore
from caching.backends.memory_index import MemoryIndex
from caching.backends.redis_index import RedisIndex
from caching.exact import ExactCache
from caching.exact_shelf import ExactShelf
from caching.places import SIDE
from caching.policies import Policies, Policy
from caching.protocols import Label, Namespace
from caching.shelf import Wanted
from tests.caching.entries.kept import keep

ROOMY = 10_000


@pytest.fixture
def organization_id():
    return uuid4()


def shelf(others=0, **named):
    policies = Policies(
        Policy(max_bytes=others), {name: Policy(max_bytes=max_bytes) for name, max_bytes in named.items()}
    )
    return ExactShelf(RedisIndex(settings.REDIS_URL), accounts.cipher(), policies_of=lambda _: policies)


def listed(organization_id):
    return {row.id: row.size_bytes for row in shelf().list(organization_id, Wanted(), after=None, limit=100).rows}


def test_in_redis_the_oldest_beyond_the_limit_go(organization_id):
    aged = [keep(organization_id, f"question {age}", age_seconds=age) for age in range(4)]
    size_bytes = next(iter(listed(organization_id).values()))

    gone = shelf(size_bytes * 2).tidy(organization_id)

    assert gone == 2
    assert set(listed(organization_id)) == set(aged[:2])
    assert shelf(size_bytes * 2).tidy(organization_id) == 0


def test_each_namespace_has_a_limit_of_its_own_and_another_organization_none(organization_id):
    kept = {name: keep(organization_id, "What?", namespace=name) for name in ("drafts", "default", "free")}
    stranger = uuid4()
    theirs = keep(stranger, "What?")

    shelf(1, default=ROOMY, free=0).tidy(organization_id)

    assert set(listed(organization_id)) == {kept["default"], kept["free"]}
    assert set(listed(stranger)) == {theirs}


def test_all_sides_of_a_wall_are_one_namespace(organization_id):
    older = keep(organization_id, "What?", namespace=f"drafts{SIDE}user:a", age_seconds=5)
    newer = keep(organization_id, "What?", namespace=f"drafts{SIDE}user:b")

    shelf(drafts=listed(organization_id)[newer]).tidy(organization_id)

    assert older not in listed(organization_id)
    assert newer in listed(organization_id)


def test_pinned_answers_stay_and_do_not_count(organization_id):
    pinned = keep(organization_id, "question 1")
    older = keep(organization_id, "question 2", age_seconds=5)
    shelf().pin(organization_id, pinned)

    shelf(listed(organization_id)[older]).tidy(organization_id)
    untouched = set(listed(organization_id))
    shelf(1).tidy(organization_id)

    assert untouched == {pinned, older}
    assert set(listed(organization_id)) == {pinned}


def in_memory(store):
    return ExactCache(store, cipher_from("a passphrase"), clock=time.time, max_entry_bytes=ROOMY)


def put(cache, namespace, number, *, max_bytes):
    cache.keep(
        namespace,
        number.to_bytes(16),
        note=b"",
        body=bytes(1_000),
        ttl_seconds=60,
        label=Label(),
        namespace_max_bytes=max_bytes,
    )


async def has(cache, namespace, number):
    return await cache.look_up(namespace, number.to_bytes(16)) is not None


async def test_in_memory_what_was_not_asked_for_in_longest_makes_room_in_its_namespace(organization_id):
    cache = in_memory(MemoryStore(1_000_000))
    tight, loose = Namespace(organization_id, "tight"), Namespace(organization_id, "loose")
    put(cache, loose, 0, max_bytes=0)
    for number in range(2):
        put(cache, tight, number, max_bytes=4_000)
    await has(cache, tight, 0)

    put(cache, tight, 2, max_bytes=4_000)

    assert [await has(cache, tight, number) for number in range(3)] == [True, False, True]
    assert await has(cache, loose, 0)


async def test_in_memory_pinned_answers_neither_go_nor_count_until_they_are_unpinned(organization_id):
    store = MemoryStore(1_000_000)
    cache, index = in_memory(store), MemoryIndex(lambda: [store])
    namespace = Namespace(organization_id)
    put(cache, namespace, 0, max_bytes=4_000)
    (place,) = [place for place, _ in store.shelved(b"")]
    index.pin(place)
    for number in (1, 2):
        put(cache, namespace, number, max_bytes=4_000)
    with_pin = [await has(cache, namespace, number) for number in range(3)]

    index.unpin(place, ttl_seconds=60)
    put(cache, namespace, 3, max_bytes=4_000)

    assert with_pin == [True, True, True]
    assert sum([await has(cache, namespace, number) for number in range(4)]) == 2


async def test_in_memory_an_answer_larger_than_its_namespace_is_not_kept(organization_id):
    store = MemoryStore(1_000_000)
    cache, namespace = in_memory(store), Namespace(organization_id)

    put(cache, namespace, 1, max_bytes=500)

    assert not await has(cache, namespace, 1)
    assert store.size_bytes == 0
