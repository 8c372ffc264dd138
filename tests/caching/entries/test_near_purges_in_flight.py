"""A purge of tier 2 holds against answers that are being learnt, in memory and in PostgreSQL, and against no others."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from accounts.encryption import cipher_from
from acron_site.lib.ids import uuid7
from caching.backends.memory_vectors import MemoryVectors
from caching.broadcast import Follower, ToldShelf
from caching.places import SIDE
from caching.protocols import Namespace
from caching.semantic_memory_shelf import SemanticMemoryShelf
from caching.semantic_room import Evicted
from caching.semantic_shelf import SemanticShelf
from caching.shelf import Shelf, Wanted
from inference.domain import CacheStatus
from tests.caching.turns import turns
from tests.caching.vectors.conftest import beside, organization
from tests.caching.vectors.kit import SPACE, keepsake
from tests.inference.kit import ADA, ask
from tests.inference.script import Scene
from tests.inference.test_similar_answers import FRANCE, LIKEWISE, Story, embedder

__all__ = ["embedder"]
pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Tier:
    """A worker's tier 2, and the shelf that its people see."""

    store: Any
    shelf: Shelf
    flush: Callable[[], None]

    async def keep(self, namespace: Namespace, question: str = "What?", **fields: Any) -> None:
        self.store.put(keepsake(namespace, question, **fields), SPACE)
        await asyncio.to_thread(self.flush)

    async def ids(self, namespace: Namespace, **wanted: Any) -> list[UUID]:
        found = await beside(
            lambda: self.shelf.list(namespace.organization_id, Wanted(**wanted), after=None, limit=100)
        )
        return [row.id for row in found.rows]

    async def has(self, namespace: Namespace, question: str = "What?") -> bool:
        near = await self.store.nearest(keepsake(namespace).partition, SPACE, keepsake(namespace).vector, limit=9)
        return question in [each.question for each in near]


def in_memory() -> Tier:
    store = MemoryVectors(1_000_000)
    return Tier(store, SemanticMemoryShelf(lambda: [store]), lambda: None)


@pytest.fixture
def ours(database) -> Namespace:
    return Namespace(organization(database, "Ada"))


@pytest.fixture
def rows(pgvector, seal) -> Tier:
    return Tier(pgvector, SemanticShelf(seal), pgvector.flush)


@pytest.fixture(params=["memory", "rows"])
def tier(request) -> Tier:
    return in_memory() if request.param == "memory" else request.getfixturevalue("rows")


def held_off(shelf: Shelf, ours: Namespace) -> bool:
    shelf.hold_off(ours.organization_id, ours.name, keepsake(ours, "What?").fingerprint)
    return True


PURGES: dict[str, Callable[[Shelf, Namespace, UUID], object]] = {
    "all": lambda shelf, ours, _: shelf.purge(ours.organization_id, Wanted(), is_trial=False),
    "namespace": lambda shelf, ours, _: shelf.purge(ours.organization_id, Wanted(namespace="default"), is_trial=False),
    "words": lambda shelf, ours, _: shelf.purge(ours.organization_id, Wanted(text="what"), is_trial=False),
    "one": lambda shelf, ours, id_: shelf.delete(ours.organization_id, id_),
    "wrong": lambda shelf, ours, id_: shelf.mark_wrong(ours.organization_id, id_),
    "twin": lambda shelf, ours, id_: held_off(shelf, ours) and shelf.delete(ours.organization_id, id_),
}


@pytest.mark.parametrize("purge", PURGES.values(), ids=PURGES)
@pytest.mark.parametrize("name", ["default", f"default{SIDE}user:01"])
async def test_what_was_asked_before_a_purge_is_not_kept_after_it(tier, ours, purge, name):
    place = replace(ours, name=name)
    asked_at = time.perf_counter()
    await tier.keep(place)
    (entry_id,) = await tier.ids(ours)

    await beside(lambda: purge(tier.shelf, place, entry_id))
    gone = not await tier.has(place)
    await tier.keep(place, asked_at=asked_at)
    late = await tier.has(place)
    await tier.keep(place)

    assert (gone, late) == (True, False)
    assert await tier.has(place)


async def test_a_purge_of_a_namespace_takes_all_sides_of_its_wall_and_holds_there(tier, ours):
    asked_at, side, other = (
        time.perf_counter(),
        replace(ours, name=f"default{SIDE}user:01"),
        replace(ours, name="default2"),
    )
    for place in (ours, side, other):
        await tier.keep(place)

    count = await beside(lambda: tier.shelf.purge(ours.organization_id, Wanted(namespace="default"), is_trial=False))
    for place in (ours, side, other):
        await tier.keep(place, asked_at=asked_at)

    assert count == 2
    assert [await tier.has(place) for place in (ours, side, other)] == [False, False, True]


async def test_a_purge_of_what_is_old_lets_come_what_is_being_learnt(tier, ours):
    asked_at = time.perf_counter()
    await beside(lambda: tier.shelf.purge(ours.organization_id, Wanted(stored_before=time.time() - 60), is_trial=False))

    await tier.keep(ours, asked_at=asked_at)

    assert await tier.has(ours)


async def test_a_purge_is_no_concern_of_other_entries_and_organizations(tier, ours, database):
    asked_at, mallory = time.perf_counter(), Namespace(organization(database, "Mallory"))
    await tier.keep(ours)
    (entry_id,) = await tier.ids(ours)
    await beside(lambda: tier.shelf.delete(ours.organization_id, entry_id))
    await beside(lambda: tier.shelf.purge(ours.organization_id, Wanted(namespace="staging"), is_trial=False))
    await beside(lambda: tier.shelf.purge(mallory.organization_id, Wanted(), is_trial=False))

    await tier.keep(ours, "Why?", asked_at=asked_at)

    assert await tier.has(ours, "Why?")


async def test_an_answer_is_not_written_while_a_purge_is_under_way(rows, ours, database):
    asked_at = time.perf_counter()
    is_purged, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def purge() -> None:
        with transaction.atomic():
            rows.shelf.purge(ours.organization_id, Wanted(), is_trial=False)
            loop.call_soon_threadsafe(is_purged.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result(10)

    purging = asyncio.create_task(beside(purge))
    await is_purged.wait()
    keeping = asyncio.create_task(rows.keep(ours, asked_at=asked_at))
    while not database.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
        assert not keeping.done(), "it was written before the purge had ended"
        await turns(5)
    go.set()
    await asyncio.gather(purging, keeping)

    assert not await rows.has(ours)


async def test_whoever_holds_the_vectors_elsewhere_hears_what_has_gone(rows, ours, seal):
    gone: list[Evicted] = []
    shelf = SemanticShelf(seal, forget=gone.extend)
    for question in ("What?", "Why?"):
        await rows.keep(ours, question)

    await beside(lambda: shelf.purge(ours.organization_id, Wanted(prefix="What"), is_trial=False))

    assert gone == [Evicted(ours, keepsake(ours, "What?").fingerprint, SPACE.name)]


async def test_a_pinned_entry_is_not_replaced_until_it_is_unpinned(tier, ours):
    await tier.keep(ours, body=b"approved")
    (entry_id,) = await tier.ids(ours)
    await beside(lambda: tier.shelf.pin(ours.organization_id, entry_id))

    await tier.keep(ours, body=b"by chance")
    pinned = await beside(lambda: tier.shelf.read(ours.organization_id, entry_id))
    await beside(lambda: tier.shelf.unpin(ours.organization_id, entry_id))
    await tier.keep(ours, body=b"by chance")
    (later,) = await tier.ids(ours)
    unpinned = await beside(lambda: tier.shelf.read(ours.organization_id, later))

    assert (pinned.answer, unpinned.answer) == (b"approved", b"by chance")


async def test_memory_makes_no_room_by_what_is_pinned(ours):
    tier = in_memory()
    tier.store._max_bytes = 4_000
    await tier.keep(ours, "approved")
    (entry_id,) = await tier.ids(ours)
    tier.shelf.pin(ours.organization_id, entry_id)

    for number in range(20):
        await tier.keep(ours, str(number))

    assert await tier.has(ours, "approved")
    assert tier.store.size_bytes <= 4_000


async def test_workers_with_memories_of_their_own_repeat_what_they_are_told(ours):
    one, other, cipher = in_memory(), in_memory(), cipher_from("a passphrase")
    told: list[str] = []
    shelf, follower = ToldShelf(one.shelf, told.append, cipher), Follower([other.shelf], cipher)
    asked_at = time.perf_counter()
    for worker in (one, other):
        await worker.keep(ours)
        await worker.keep(ours, "Why is it so?")
    wanted = await one.ids(ours, prefix="What")

    shelf.mark_wrong(ours.organization_id, wanted[0])
    shelf.hold_off(ours.organization_id, ours.name, b"f")
    for news in told:
        follower.invalidate(news)
    await other.keep(ours, "late", fingerprint=b"f", asked_at=asked_at)
    marked = not await other.has(ours)
    shelf.purge(ours.organization_id, Wanted(text="why is it so"), is_trial=False)
    follower.invalidate(told[-1])

    assert marked
    assert [await other.has(ours, question) for question in ("Why is it so?", "late")] == [False, False]
    assert "why is it so" not in "".join(told)


async def test_a_lesson_that_began_before_a_purge_is_not_kept_after_it(embedder):
    go = asyncio.Event()
    story = Story(embedder, scenes=(Scene(waits_for=go), Scene()))
    shelf = SemanticMemoryShelf(lambda: [story.store])
    asked = asyncio.create_task(story.get(ask(FRANCE)))
    while not story.provider.calls:
        await turns(1)

    shelf.purge(ADA.organization_id, Wanted(), is_trial=False)
    go.set()
    await asked
    only_near = {"cache": {"tiers": [2]}}
    statuses = [await story.status(ask(LIKEWISE)), await story.status(ask(FRANCE, acron=only_near))]

    assert statuses == [CacheStatus.MISS, CacheStatus.HIT_T2]


async def test_ids_of_another_organization_lead_nowhere(tier, ours, database):
    mallory = Namespace(organization(database, "Mallory"))
    await tier.keep(ours)
    (entry_id,) = await tier.ids(ours)

    acts = [getattr(tier.shelf, act) for act in ("read", "delete", "pin", "unpin", "mark_wrong")]
    done = [await beside(lambda act=act: act(mallory.organization_id, entry_id)) for act in acts]  # type: ignore[misc]

    assert not any(done)
    assert await beside(lambda: tier.shelf.read(ours.organization_id, uuid7())) is None
    assert await tier.has(ours)
