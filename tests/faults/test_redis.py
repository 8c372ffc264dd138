"""Redis may be killed: a cache that is away is a miss, and no organization's answer crosses over."""

import asyncio
import signal
import time

from tests.faults import books
from tests.faults.load import Log, Wish, send_all, under_load
from tests.faults.plant import Plant

_POPULAR = 10
# the workers' pause between attempts to connect is 2 s at most; then every one of them must be refilled
_BACK_SECONDS = 10.0


def popular_wishes(plant: Plant, story: str):
    """Ada and Mallory ask the same few questions again and again, and now and then something new."""

    def wish(client: int, turn: int) -> Wish:
        name, key = ("mallory", plant.keys[1]) if client % 2 else ("ada", plant.keys[0])
        number = turn % _POPULAR if turn % 3 else f"{client}-{turn}"
        user = f"{story}-{name}-{client}-{turn}"
        return Wish(user, f"{story}: question {number}?", key, stream=bool(turn % 4 == 1))

    return wish


async def test_redis_killed_under_load(plant: Plant):
    async with under_load(plant, popular_wishes(plant, "redis")) as log:
        await asyncio.sleep(1.5)
        await asyncio.to_thread(plant.redis.kill, signal.SIGKILL)
        killed_at = time.monotonic()
        await asyncio.sleep(2.5)
        returned_at = time.monotonic()
        await plant.redis.start_under_load()
        back_seconds = await seconds_until_hit(log, since=time.monotonic())

    meanwhile = log.since(killed_at, returned_at)
    # of the cache, or of a call that somebody else had begun
    hits = {each.wish.user for each in log.sent if each.cache.startswith("HIT") or each.cache == "COALESCED"}
    book = await books.balanced(plant, "redis", within_seconds=10, hits=len(hits))
    print(f"\nRedis killed: {meanwhile} meanwhile; hits again {back_seconds:.1f} s later, {len(hits)} in all; {book}")
    assert log.besides(200) == []
    assert [each for each in meanwhile.sent if each.cache.startswith("HIT")] == []
    books.require_exact(book, log)
    assert sorted(book.hits) == sorted(hits)
    assert [each for each in log.sent if owner_named_in(each.text) != owner_named_in(each.wish.user)] == []


async def test_hits_come_again_when_redis_is_back(plant: Plant):
    plant.redis.kill(signal.SIGKILL)
    ours = [Wish(f"again-ada-{n}", "again: our plan?", plant.keys[0]) for n in range(2)]
    away = [(await send_all(plant, [wish])).sent[0] for wish in ours]
    plant.redis.start()
    plant.heal(2)
    back = await until_hit(plant, "again: our plan?")
    theirs = (await send_all(plant, [Wish("again-mallory-0", "again: our plan?", plant.keys[1])])).sent[0]

    assert [(each.status, each.cache) for each in away] == [(200, "MISS"), (200, "MISS")]
    assert back.status == 200
    assert (theirs.status, theirs.cache) == (200, "MISS")
    assert owner_named_in(theirs.text) == "mallory"


async def seconds_until_hit(log: Log, *, since: float, within: float = _BACK_SECONDS) -> float:
    while not any(each.cache.startswith("HIT") for each in log.since(since).sent):
        assert time.monotonic() - since < within, f"no hit within {within:g} s after Redis came back"
        await asyncio.sleep(0.05)
    return time.monotonic() - since


async def until_hit(plant: Plant, question: str, *, seconds: float = _BACK_SECONDS):
    end = time.monotonic() + seconds
    for turn in range(1_000):
        (sent,) = (await send_all(plant, [Wish(f"again-ada-back-{turn}", question, plant.keys[0])])).sent
        if sent.cache == "HIT-T1":
            return sent
        assert time.monotonic() < end, f"no hit within {seconds:g} s after Redis came back"
    return None


def owner_named_in(text: str) -> str:
    """Answers name the user they were made for."""
    return "ada" if "-ada-" in text else "mallory" if "-mallory-" in text else ""
