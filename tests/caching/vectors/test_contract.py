"""What every semantic store keeps to, wherever its vectors lie."""

from dataclasses import replace

import numpy as np
import pytest

from acron_site.lib.ids import uuid7
from caching.protocols import Namespace, Partition, Space
from tests.caching.vectors.kit import DIGEST, SPACE, found, keepsake, vector

pytestmark = pytest.mark.django_db


async def test_the_nearest_question_comes_first_and_brings_its_answer(shop, ada):
    near, far = keepsake(ada, "near", at=5, body=b"right"), keepsake(ada, "far", at=40)
    await shop.keep(far, near)

    neighbours = await shop.store.nearest(Partition(ada, DIGEST), SPACE, vector(0), limit=5)

    assert [each.question for each in neighbours] == ["near", "far"]
    assert neighbours[0].id == near.id
    assert neighbours[0].similarity == pytest.approx(np.cos(np.radians(5)), abs=1e-3)
    kept = await shop.store.fetch(ada, neighbours[0].id)
    assert (kept.note, kept.body) == (b"note", b"right")
    assert kept.stored_at == pytest.approx(near.stored_at)


async def test_no_more_come_than_were_asked_for(shop, ada):
    await shop.keep(*(keepsake(ada, f"question {number}", at=number) for number in range(20)))

    assert await found(shop.store, ada, at=3, limit=1) == ["question 3"]


async def test_mallory_finds_nothing_whatever_she_names(shop, ada, mallory):
    secret = keepsake(ada, "our secret plan")
    await shop.keep(secret)

    assert await found(shop.store, mallory) == []
    assert await shop.store.fetch(mallory, secret.id) is None
    assert await found(shop.store, ada) == ["our secret plan"]


async def test_mallory_replaces_nothing_by_the_same_fingerprint_or_id(shop, ada, mallory):
    secret = keepsake(ada, "our secret plan", body=b"ours")
    await shop.keep(secret)

    await shop.keep(keepsake(mallory, "our secret plan", body=b"hers"))
    await shop.keep(keepsake(mallory, "another", body=b"hers", id=secret.id))

    assert (await shop.store.fetch(ada, secret.id)).body == b"ours"
    assert await found(shop.store, ada) == ["our secret plan"]
    assert await found(shop.store, mallory) == ["our secret plan"]


async def test_namespaces_partitions_and_spaces_do_not_mix(shop, ada):
    kept = keepsake(ada, "in its place")
    await shop.keep(kept)
    other = Namespace(ada.organization_id, "other")

    assert await found(shop.store, other) == []
    assert await shop.store.fetch(other, kept.id) is None
    assert await found(shop.store, ada, digest=b"another digest!!") == []
    assert await found(shop.store, ada, space=Space("mini-v2", 4)) == []


async def test_what_has_expired_is_not_served(shop, ada):
    over = keepsake(ada, "over", ttl_seconds=-1)
    await shop.keep(over, keepsake(ada, "still good", at=10))

    assert await found(shop.store, ada) == ["still good"]
    assert await shop.store.fetch(ada, over.id) is None


async def test_a_later_answer_to_the_same_request_takes_the_place_of_the_former(shop, ada):
    former = keepsake(ada, body=b"300 metres")
    later = replace(former, id=uuid7(), body=b"330 metres", stored_at=former.stored_at + 1)
    await shop.keep(former)
    await shop.keep(later)

    assert await found(shop.store, ada) == [former.question]
    assert await shop.store.fetch(ada, former.id) is None
    assert (await shop.store.fetch(ada, later.id)).body == b"330 metres"


async def test_the_same_request_may_be_kept_in_two_spaces(shop, ada):
    newer = Space("mini-v2", 4)
    await shop.keep(keepsake(ada))
    await shop.keep(keepsake(ada), space=newer)

    assert len(await found(shop.store, ada)) == 1
    assert len(await found(shop.store, ada, space=newer)) == 1


async def test_any_text_comes_back_as_it_was(shop, ada):
    text = "Grüße\0 an 東京 \ud800 {}"
    await shop.keep(keepsake(ada, text, fingerprint=bytes(16)))

    assert await found(shop.store, ada) == [text]


async def test_a_store_in_order_says_so(shop):
    assert await shop.store.is_up()
