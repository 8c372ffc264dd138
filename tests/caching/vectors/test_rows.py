"""Rows of tier 2: what lies in them, and who changes them when."""

import logging
from dataclasses import replace

import psycopg
import pytest

from accounts.encryption import cipher_from
from acron_site.lib.ids import uuid7
from caching import semantic_wiring
from caching.backends.entry_writer import EntryWriter
from caching.backends.pgvector import PgvectorStore
from caching.backends.postgres_connections import PatientConnection
from caching.backends.sealed_entries import EntrySeal
from caching.protocols import Label
from tests.caching.vectors.conftest import PATIENCE_SECONDS, Shop
from tests.caching.vectors.kit import SPACE, Nowhere, found, keepsake

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(pgvector) -> Shop:
    return Shop(pgvector, pgvector.flush)


async def test_nothing_that_was_said_lies_there_in_clear(shop, ada, database):
    await shop.keep(keepsake(ada, "our secret plan", body=b"a secret answer", note=b"a secret note"))

    row = database.execute("SELECT question || answer FROM caching_semanticentry").fetchone()[0]
    assert b"secret" not in row


async def test_labels_are_for_people_and_survive_any_text(shop, ada, database):
    await shop.keep(keepsake(ada, label=Label("gpt\0", "openai", "math", (("team", "a\0b\ud800"),))))

    row = database.execute("SELECT model, provider, task_type, tags FROM caching_semanticentry").fetchone()
    assert row == ("gpt", "openai", "math", {"team": "ab?"})


async def test_a_row_that_was_moved_or_sealed_by_another_key_is_no_neighbour_and_is_counted(shop, ada, seal, database):
    mine, other = keepsake(ada, "mine"), keepsake(ada, "other", at=10)
    await shop.keep(mine, other)
    database.execute(
        "UPDATE caching_semanticentry SET question = (SELECT question FROM caching_semanticentry WHERE id = %s),"
        " answer = (SELECT answer FROM caching_semanticentry WHERE id = %s) WHERE id = %s",
        [other.id, other.id, mine.id],
    )

    assert await found(shop.store, ada) == ["other"]
    assert await shop.store.fetch(ada, mine.id) is None
    assert shop.store.counters.unreadable == 2


async def test_what_is_marked_wrong_is_not_served_until_there_is_another_answer(shop, ada, database):
    wrong = keepsake(ada)
    await shop.keep(wrong)
    database.execute("UPDATE caching_semanticentry SET marked_wrong_at = now()")

    assert await found(shop.store, ada) == []
    assert await shop.store.fetch(ada, wrong.id) is None

    await shop.keep(replace(wrong, id=uuid7(), stored_at=wrong.stored_at + 1))
    assert await found(shop.store, ada) == [wrong.question]


async def test_what_is_pinned_neither_expires_nor_is_replaced(shop, ada, database):
    pinned = keepsake(ada, body=b"approved")
    await shop.keep(pinned)
    database.execute("UPDATE caching_semanticentry SET is_pinned = true, expires_at = now() - interval '1 day'")

    await shop.keep(replace(pinned, id=uuid7(), body=b"by chance", stored_at=pinned.stored_at + 1))

    assert await found(shop.store, ada) == [pinned.question]
    assert (await shop.store.fetch(ada, pinned.id)).body == b"approved"


async def test_an_answer_that_comes_late_does_not_replace_a_younger_one(shop, ada):
    young = keepsake(ada, body=b"young")
    old = replace(young, id=uuid7(), body=b"old", stored_at=young.stored_at - 60)
    await shop.keep(young)
    await shop.keep(old)

    assert (await shop.store.fetch(ada, young.id)).body == b"young"


async def test_hits_are_counted_in_batches_behind_the_wall(shop, ada, mallory, database):
    kept = keepsake(ada)
    await shop.keep(kept)
    for _ in range(3):
        shop.store.note_hit(ada, kept.id)
    shop.store.note_hit(mallory, kept.id)
    await shop.keep()

    row = database.execute("SELECT hits, last_hit_at IS NOT NULL FROM caching_semanticentry").fetchone()
    assert row == (3, True)


async def test_a_row_that_is_refused_takes_no_other_along(shop, ada, database):
    gone = replace(ada, organization_id=uuid7())
    await shop.keep(keepsake(gone, "of nobody"), keepsake(ada, "mine"))

    assert await found(shop.store, ada) == ["mine"]
    assert shop.store.counters.dropped == 1


def test_a_full_queue_drops_and_counts(ada):
    writer = EntryWriter(Nowhere(), most_bytes=2_000, pause_seconds=60)

    for number in range(5):
        writer.put(keepsake(ada, f"question {number}", body=b"x" * 400), SPACE)

    assert writer.dropped == 3
    writer.stop()


async def test_a_database_that_is_away_costs_entries_and_says_so_once(ada, seal, open_writer, caplog):
    caplog.set_level(logging.INFO)
    is_away = [True]

    def connect() -> PatientConnection:
        if is_away[0]:
            raise psycopg.OperationalError("away")
        return semantic_wiring.connect()

    writer = open_writer(seal, connect=connect)
    store = PgvectorStore(semantic_wiring.postgres_reads(PATIENCE_SECONDS), writer, seal)
    shop = Shop(store, writer.flush)
    await shop.keep(keepsake(ada, "lost"))
    await shop.keep(keepsake(ada, "lost too"))
    is_away[0] = False
    await shop.keep(keepsake(ada, "kept"))

    assert await found(store, ada) == ["kept"]
    assert store.counters.dropped == 2
    assert [record.message for record in caplog.records if "entries" in record.message] == [
        "cache.entries_cannot_be_kept",
        "cache.entries_are_kept_again",
    ]
    await store.close()


async def test_a_connection_that_breaks_is_made_anew(shop, ada, database):
    await shop.keep(keepsake(ada, "before"))
    assert await found(shop.store, ada) == ["before"]
    database.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'acron-semantic-cache' AND pid <> pg_backend_pid()"
    )

    await shop.keep(keepsake(ada, "lost with the connection", at=1))
    await found(shop.store, ada)
    await shop.keep(keepsake(ada, "after", at=2))

    assert "after" in await found(shop.store, ada)


async def test_the_former_key_still_opens_what_it_has_sealed(shop, ada, database):
    await shop.keep(keepsake(ada, "sealed before"))
    both = EntrySeal(cipher_from("1b" * 32 + "," + "0a" * 32))
    store = PgvectorStore(semantic_wiring.postgres_reads(PATIENCE_SECONDS), EntryWriter(Nowhere()), both)

    assert await found(store, ada) == ["sealed before"]
    await store.close()
