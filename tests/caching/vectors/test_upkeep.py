"""Entries of tier 2 over time: room, indexes, another embedder, another key, and the end of an organization."""

import asyncio
from dataclasses import replace
from functools import partial
from uuid import UUID

import numpy as np
import pytest

from accounts import belongings, resealing
from accounts import wiring as accounts_wiring
from accounts.encryption import cipher_from
from acron_site.lib.ids import uuid7
from caching import semantic_holdings, semantic_indexes, semantic_moves, semantic_room, semantic_wiring
from caching.backends.memory_vectors import MemoryVectors
from caching.backends.pgvector import PgvectorStore, nearest_statement
from caching.backends.pinecone import namespace_of
from caching.backends.row_store import walls
from caching.backends.sealed_entries import EntrySeal
from caching.models import SemanticEntry
from caching.protocols import EmbeddingError, Namespace, Partition, Space
from caching.semantic_belongings import KeptQuestions
from tests.caching.vectors.conftest import KEY, PATIENCE_SECONDS, Shop, beside
from tests.caching.vectors.kit import DIGEST, SPACE, found, keepsake, vector

pytestmark = pytest.mark.django_db

NEWER = Space("mini-v2", 3)


class Angles:
    """An embedder of another space, that knows each text's direction; or is away."""

    space = NEWER

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away

    async def embed(self, texts, purpose):
        if self.is_away:
            raise EmbeddingError("away")
        return [np.array([1, 0, 0], dtype=np.float32) for _ in texts]

    async def close(self):
        pass


@pytest.fixture
def shop(pgvector) -> Shop:
    return Shop(pgvector, pgvector.flush)


@pytest.fixture
def encryption(settings):
    """Says which keys this process has, newest first."""

    def have(*keys: str) -> None:
        settings.ENCRYPTION_KEY = ",".join(keys)
        accounts_wiring.cipher.cache_clear()

    have(KEY)
    yield have
    accounts_wiring.cipher.cache_clear()


def indexes(database) -> list[str]:
    return [
        name
        for (name,) in database.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'caching_semanticentry' AND indexdef LIKE '%hnsw%'"
        )
    ]


def count(database) -> int:
    return int(database.execute("SELECT count(*) FROM caching_semanticentry").fetchone()[0])


async def test_what_has_expired_goes_and_what_is_pinned_stays(shop, ada, database):
    await shop.keep(keepsake(ada, "over", ttl_seconds=-1), keepsake(ada, "pinned", ttl_seconds=-1), keepsake(ada, "on"))
    pinned = keepsake(ada, "pinned")
    database.execute("UPDATE caching_semanticentry SET is_pinned = true WHERE fingerprint = %s", [pinned.fingerprint])

    assert await beside(lambda: semantic_room.evict(10)) == 1
    assert sorted(await found(shop.store, ada)) == ["on", "pinned"]


async def test_beyond_the_bound_the_least_wanted_go_of_that_organization_alone(shop, ada, mallory, database):
    mine = [keepsake(ada, f"question {number}", at=number, stored_at=1e9 + number) for number in range(6)]
    await shop.keep(*mine, *(keepsake(mallory, f"question {number}") for number in range(3)))
    database.execute("UPDATE caching_semanticentry SET is_pinned = true WHERE id = %s", [mine[1].id])
    shop.store.note_hit(ada, mine[0].id)
    await shop.keep()

    heard: list[semantic_room.Evicted] = []
    assert await beside(lambda: semantic_room.evict(3, heard.extend)) == 3

    assert sorted(await found(shop.store, ada)) == ["question 0", "question 1", "question 5"]
    assert len(await found(shop.store, mallory)) == 3
    assert {each.namespace for each in heard} == {ada}
    assert {each.fingerprint for each in heard} == {mine[number].fingerprint for number in (2, 3, 4)}


async def test_a_large_partition_gets_an_index_that_its_look_ups_use_and_no_other(shop, ada, mallory, database):
    await shop.keep(*(keepsake(ada, f"question {number}", at=number) for number in range(60)))
    await shop.keep(*(keepsake(mallory, f"question {number}", at=number) for number in range(10)))

    assert await beside(partial(semantic_indexes.tend, large_rows=50)) == semantic_indexes.Tended(built=1)
    assert await beside(partial(semantic_indexes.tend, large_rows=50)) == semantic_indexes.Tended()

    [name] = indexes(database)
    assert name in await plan(ada)
    assert name not in await plan(mallory)
    assert (await found(shop.store, ada, at=30.2, limit=2)) == ["question 30", "question 31"]


async def plan(namespace: Namespace) -> str:
    reads = semantic_wiring.postgres_reads(PATIENCE_SECONDS)
    asked = {**walls(Partition(namespace, DIGEST), SPACE), "vector": "[1,0,0,0]", "limit": 5}
    rows = await reads.ask(f"EXPLAIN {nearest_statement(4)}", asked)
    await reads.close()
    return " ".join(line for (line,) in rows or ())


async def test_an_index_that_is_no_longer_worth_it_goes(shop, ada, database):
    await shop.keep(*(keepsake(ada, f"question {number}", at=number) for number in range(20)))
    await beside(partial(semantic_indexes.tend, large_rows=20))
    database.execute("DELETE FROM caching_semanticentry WHERE id IN (SELECT id FROM caching_semanticentry LIMIT 5)")
    assert await beside(partial(semantic_indexes.tend, large_rows=20)) == semantic_indexes.Tended()

    database.execute("DELETE FROM caching_semanticentry")

    assert await beside(partial(semantic_indexes.tend, large_rows=20)) == semantic_indexes.Tended(dropped=1)
    assert indexes(database) == []


async def test_what_has_expired_does_not_hide_what_lies_behind_it_in_the_index(shop, ada, database):
    await shop.keep(*(keepsake(ada, f"over {number}", at=number / 5, ttl_seconds=-1) for number in range(300)))
    await shop.keep(keepsake(ada, "good", at=61))
    await beside(partial(semantic_indexes.tend, large_rows=50))

    assert await found(shop.store, ada) == ["good"]


async def test_another_embedder_takes_the_questions_along(shop, ada, seal, database):
    await shop.keep(*(keepsake(ada, f"question {number}") for number in range(3)))
    await shop.keep(keepsake(ada, "question 0", vector=np.array([1, 0, 0], dtype=np.float32)), space=NEWER)

    first = await beside(lambda: semantic_moves.re_embed(Angles, seal, most=1))
    rest = await beside(lambda: semantic_moves.re_embed(Angles, seal, most=100))

    assert (first.moved + first.dropped, first.left) == (1, 2)
    assert (rest.moved + rest.dropped, rest.left, first.dropped + rest.dropped) == (2, 0, 1)
    assert await found(shop.store, ada) == []
    partition = Partition(ada, DIGEST)
    near = await shop.store.nearest(partition, NEWER, np.array([1, 0, 0], dtype=np.float32), limit=5)
    assert sorted(each.question for each in near) == ["question 0", "question 1", "question 2"]


async def test_an_embedder_that_is_away_and_rows_that_do_not_open_change_nothing(shop, ada, seal, database):
    await shop.keep(keepsake(ada, "one"), keepsake(ada, "two"))

    away = await beside(lambda: semantic_moves.re_embed(partial(Angles, is_away=True), seal, most=100))
    other = EntrySeal(cipher_from("1b" * 32))
    locked = await beside(lambda: semantic_moves.re_embed(Angles, other, most=100))

    assert (away.moved, away.left, away.problem) == (0, 2, "away")
    assert (locked.moved, locked.unreadable, locked.dropped, locked.left) == (0, 2, 0, 2)
    assert sorted(await found(shop.store, ada)) == ["one", "two"]


async def test_a_new_key_reaches_questions_and_answers(shop, ada, encryption, open_writer):
    kept = keepsake(ada, "sealed before", body=b"still here")
    await shop.keep(kept)
    new = cipher_from(f"{'1b' * 32},{KEY}")

    results = await beside(
        lambda: [resealing.reseal(each, new, lambda _: None) for each in semantic_holdings.sealed_rows()]
    )

    assert [(each.name, each.tally.resealed, each.is_clean) for each in results] == [
        ("semantic questions", 1, True),
        ("semantic answers", 1, True),
    ]
    alone = EntrySeal(cipher_from("1b" * 32))
    store = PgvectorStore(semantic_wiring.postgres_reads(PATIENCE_SECONDS), open_writer(alone), alone)
    assert await found(store, ada) == ["sealed before"]
    opened = await store.fetch(ada, kept.id)
    assert opened is not None
    assert opened.body == b"still here"
    await store.close()


async def test_an_owner_takes_questions_and_answers_along_and_nobody_elses(shop, ada, mallory, encryption):
    await shop.keep(keepsake(ada, "mine", body=b"my answer"), keepsake(mallory, "hers"))

    rows = await beside(lambda: list(KeptQuestions().export(ada.organization_id)))

    assert [(each["question"], each["answer"], each["tags"]) for each in rows] == [
        ("mine", "my answer", {"team": "search"})
    ]


async def test_an_organizations_rows_go_with_it(shop, ada, mallory, database):
    await shop.keep(keepsake(ada, "mine"), keepsake(mallory, "hers"))

    await beside(lambda: SemanticEntry.objects.for_organization(ada.organization_id).delete())
    database.execute("DELETE FROM accounts_organization WHERE id = %s", [ada.organization_id])

    assert count(database) == 1
    assert "semantic_cache" in {each.name for each in belongings.registered()}


async def test_memory_forgets_an_organization_and_no_other(ada, mallory, settings):
    store = semantic_wiring.semantic_store(replace(settings.ACRON.cache, backend="memory"), cipher=cipher_from(KEY))
    store.put(keepsake(ada, "mine"), SPACE)
    store.put(keepsake(mallory, "hers"), SPACE)

    await asyncio.to_thread(lambda: list(KeptQuestions().erase(ada.organization_id)))

    assert await found(store, ada) == []
    assert await found(store, mallory) == ["hers"]


async def test_what_lies_at_pinecone_is_erased_swept_and_evicted(pinecone, stub, ada, mallory, settings, database):
    settings.PINECONE_API_KEY, settings.PINECONE_HOST = "pc-secret", stub.url
    shop = Shop(pinecone, pinecone.flush)
    await shop.keep(keepsake(ada, "mine"), keepsake(ada, "over", ttl_seconds=-1), keepsake(mallory, "hers"))
    stub.namespaces["somebody-elses"] = {}

    assert await beside(lambda: semantic_room.evict(100, semantic_wiring.forgetter())) == 1
    assert len(stub.namespaces[namespace_of(ada)]) == 1
    owners = await beside(lambda: set(KeptQuestions().organizations()))
    assert owners == {ada.organization_id, mallory.organization_id}

    assert await beside(lambda: list(KeptQuestions().erase(ada.organization_id))) == [1]
    assert set(stub.namespaces) == {namespace_of(mallory), "somebody-elses"}


async def test_a_pinecone_that_is_away_holds_up_no_sweep_but_an_erasure(stub, settings, caplog):
    settings.PINECONE_API_KEY, settings.PINECONE_HOST = "pc-secret", "http://127.0.0.1:9"

    assert await beside(lambda: list(KeptQuestions().organizations())) == []
    with pytest.raises(belongings.BelongingsUnavailableError):
        await beside(lambda: list(KeptQuestions().erase(UUID(int=1))))
    assert "cache.pinecone_not_swept" in caplog.text


def test_the_settings_say_which_store_it_is(settings, caplog):
    config = settings.ACRON.cache
    build = partial(semantic_wiring.semantic_store, cipher=cipher_from(KEY))

    settings.PINECONE_API_KEY, settings.PINECONE_HOST = "", ""
    assert build(config).name == "pgvector"
    assert build(replace(config, backend="memory")).name == "memory"
    settings.PINECONE_API_KEY = "pc-secret"
    assert build(config).name == "pgvector"
    assert "cache.pinecone_unused" in caplog.text
    settings.PINECONE_HOST = "index-1.svc.pinecone.io"
    assert build(config).name == "pinecone"


async def test_memory_lets_the_least_recently_served_go(ada):
    store = MemoryVectors(3 * 1_400)
    kept = [keepsake(ada, f"question {number}", at=number, id=uuid7()) for number in range(3)]
    for each in kept:
        store.put(each, SPACE)
    store.note_hit(ada, kept[0].id)

    store.put(keepsake(ada, "one more", at=3), SPACE)

    assert sorted(await found(store, ada)) == ["one more", "question 0", "question 2"]
    assert store.size_bytes <= 3 * 1_400
    await store.close()
    assert store.size_bytes == 0


async def test_memory_compares_many_and_forgets_them_in_any_order(ada):
    clock = [0.0]
    store = MemoryVectors(10_000_000, clock=lambda: clock[0])
    for number in range(200):
        store.put(keepsake(ada, f"question {number}", at=number / 2, expires_at=float(number % 7 + 1)), SPACE)

    clock[0] = 6.5
    left = [number for number in range(200) if number % 7 == 6]

    assert await found(store, ada, limit=200) == [f"question {number}" for number in left]
    assert (await store.nearest(Partition(ada, DIGEST), SPACE, vector(0), limit=1))[0].similarity == pytest.approx(
        np.cos(np.radians(3)), abs=1e-5
    )
