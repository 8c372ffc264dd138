"""Steps in one Redis for all workers: an invalidation reaches each of them, or it is known that it did not."""

import os

import pytest
import redis

from accounts.encryption import cipher_from
from acron_site.lib.redis_links import Links
from caching import step_store
from caching.backends.memory import MemoryStore
from caching.backends.redis_generations import RedisGenerations
from caching.places import organization_prefix
from caching.resealing import RedisAnswers
from caching.step_store import NotInvalidatedError
from caching.steps import UNKNOWN
from tests.caching.steps.conftest import KEY, step_cache
from tests.caching.steps.test_step_store import OTHER, STEP, keep


async def test_another_workers_invalidation_holds_at_once(over_redis, ada):
    one, other = over_redis(), over_redis()
    await keep(one, ada, tags=["doc:42"])
    assert await other.look_up(ada, STEP, tags=["doc:42"]) is not None

    await other.invalidate(ada, ["doc:42"])

    assert await one.look_up(ada, STEP, tags=["doc:42"]) is None


async def test_it_reaches_steps_that_each_worker_keeps_in_its_own_memory(ada):
    links = Links(os.environ["REDIS_URL"], timeout_seconds=0.5)
    one, other = (step_cache(MemoryStore(100_000), RedisGenerations(links)) for _ in range(2))
    await keep(one, ada, tags=["doc:42"])

    await other.invalidate(ada, ["doc:42"])

    assert await one.look_up(ada, STEP, tags=["doc:42"]) is None
    await links.close()


async def test_a_look_up_is_one_round_trip(server, over_redis, ada):
    cache = over_redis(server.url)
    await keep(cache, ada, tags=["doc:42"])
    await cache.look_up(ada, STEP)  # what was kept has arrived

    def reads() -> int:
        return int(server.admin("INFO", "stats")["total_reads_processed"])

    before = reads()
    own = reads() - before
    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is not None

    assert reads() - before - 2 * own == 1


async def test_without_redis_look_ups_are_misses_and_an_invalidation_is_an_error(server, over_redis, ada):
    cache = over_redis(server.url)
    await keep(cache, ada, tags=["doc:42"])

    server.kill()

    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None
    assert await cache.begin(ada, tags=["doc:42"]) == UNKNOWN
    with pytest.raises(NotInvalidatedError, match="send this again") as raised:
        await cache.invalidate(ada, ["doc:42"])
    assert (raised.value.status, raised.value.headers) == (503, {"retry-after": "5"})


async def test_a_redis_that_comes_back_empty_serves_nothing_from_before(server, over_redis, ada, eventually):
    cache = over_redis(server.url)
    snapshot = await keep(cache, ada, tags=["doc:42"])

    server.kill()
    server.start()

    async def is_back() -> bool:
        return bool((await cache.begin(ada)).epoch)

    await eventually(is_back)
    cache.keep(ada, STEP, snapshot=snapshot, note=b"", body=b"of yesterday", ttl_seconds=60)
    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None
    assert await cache.begin(ada, after=[snapshot]) == UNKNOWN


async def test_generations_that_are_lost_alone_take_the_steps_along(server, over_redis, ada):
    """Redis evicts keys one by one: a tag that was invalidated must not look as if it never had been."""
    cache = over_redis(server.url)
    await keep(cache, ada, tags=["doc:42"])
    await cache.invalidate(ada, ["doc:42"])

    server.admin("DEL", step_store.shelf_of(ada.organization_id))
    at_once = await cache.look_up(ada, STEP, tags=["doc:42"])
    await keep(cache, ada, OTHER)

    assert at_once is None
    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None
    assert await cache.look_up(ada, OTHER) is not None


async def test_a_frozen_redis_is_not_taken_for_one_that_obeys(server, over_redis, ada):
    cache = over_redis(server.url)
    await keep(cache, ada, tags=["doc:42"])

    server.freeze()
    with pytest.raises(NotInvalidatedError):
        await cache.invalidate(ada, ["doc:42"])
    server.thaw()


async def test_a_full_redis_is_not_taken_for_one_that_obeys(server, over_redis, ada):
    cache = over_redis(server.url)
    await keep(cache, ada, tags=["doc:42"])

    await cache.look_up(ada, STEP)  # what was kept has arrived
    server.admin("CONFIG", "SET", "maxmemory-policy", "noeviction")
    server.admin("CONFIG", "SET", "maxmemory", 1)
    with pytest.raises(NotInvalidatedError):
        await cache.invalidate(ada, ["doc:42"])

    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is not None


@pytest.mark.parametrize(
    "plant",
    [("RPUSH", "x"), ("HSET", "epoch", "short"), ("HSET", "epoch", "e" * 16, b"T", "short")],
    ids=["another type", "a bad epoch", "a bad generation"],
)
async def test_what_lies_there_and_is_not_ours_is_a_miss(server, ada, plant):
    links = Links(server.url, timeout_seconds=0.5)
    command, *rest = plant
    server.admin(command, "shelf", *rest)

    assert await RedisGenerations(links).read(b"shelf", [b"T"], begins=True) == UNKNOWN
    await links.close()


async def test_with_too_many_invalidated_tags_everything_begins_anew(server, over_redis, ada):
    links = Links(server.url, timeout_seconds=0.5)
    cache = step_cache(MemoryStore(100_000), RedisGenerations(links, most_tags=10))
    await keep(cache, ada, tags=["doc:42"])
    for number in range(12):
        await cache.invalidate(ada, [f"other:{number}"])

    assert await cache.look_up(ada, STEP, tags=["doc:42"]) is None
    assert server.admin("HLEN", step_store.shelf_of(ada.organization_id)) < 10
    await links.close()


async def test_nothing_of_a_step_can_be_read_and_all_of_it_goes_with_its_organization(server, over_redis, ada):
    cache = over_redis(server.url)
    await keep(cache, ada, tags=["doc:umbrella"], body=b"attack with an umbrella")
    await cache.invalidate(ada, ["doc:umbrella"])
    await cache.look_up(ada, STEP)

    with redis.Redis(unix_socket_path=str(server.socket_path)) as client:
        keys = list(client.scan_iter())
        dump = b"".join([*keys, *(client.dump(key) for key in keys)])
        assert all(client.ttl(key) > 0 for key in keys)

    assert len(keys) == 2
    assert all(key.startswith(organization_prefix(ada.organization_id)) for key in keys)
    assert b"umbrella" not in dump


async def test_a_new_encryption_key_reaches_kept_steps(server, over_redis, ada):
    cache = over_redis(server.url)
    await keep(cache, ada)
    assert await cache.look_up(ada, STEP) is not None

    new = cipher_from(f"{'7e' * 32},{KEY}")
    resealed = sum(tally.resealed for tally in RedisAnswers(server.url).reseal(new))

    assert resealed == 1
    assert await cache.look_up(ada, STEP) is None
    assert cache.counters.unreadable == 1
