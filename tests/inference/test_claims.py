"""The first look-up of what may be shared brings the right to make it along, and it is given back whatever happens."""

import asyncio

import pytest

from acron_site.lib.errors import AcronError, RateLimitedError
from caching.backends.memory_leases import MemoryLeases
from caching.leases import Lease
from tests.inference.kit import ADA, Kit, Present, ask, stream_of, text_of
from tests.inference.ruled import key
from tests.inference.script import Scene, Script, refused, streamed


class OneQuestion:
    """What several workers share: says what is kept, else who may make it."""

    def __init__(self) -> None:
        self.leases = MemoryLeases()
        self.asked = 0
        self.held: list[bytes] = []
        self.kit: Kit

    async def look_or_claim(self, entry: bytes, key: bytes, *, max_bytes: int) -> bytes | Lease | None:
        self.asked += 1
        kept = await self.kit.store.get(entry)
        if kept is not None:
            return kept
        self.held.append(key)
        return await self.leases.acquire(key)

    async def is_free(self) -> bool:
        lease = await self.leases.acquire(self.held[-1])
        if lease is not None:
            lease.release()
        return lease is not None


def kit_of(*scenes: Scene, **options) -> tuple[Kit, OneQuestion]:
    claims = OneQuestion()
    claims.kit = kit = Kit(transport=Script(*scenes), claims=claims, **options)
    return kit, claims


async def called(kit: Kit) -> None:
    """Once a provider is being asked."""
    for _ in range(50):
        await asyncio.sleep(0)
    assert kit.transport.calls


async def test_a_miss_asks_once_and_whoever_comes_later_finds_what_was_kept():
    kit, claims = kit_of(Scene())

    first = await kit.answer(ADA, ask())
    asked, is_free = claims.asked, await claims.is_free()
    second = await kit.answer(ADA, ask())

    assert (asked, is_free) == (1, True)
    assert [each.facts.cache_status for each in (first, second)] == ["MISS", "HIT-T1"]
    assert text_of(second) == "Paris."


async def test_what_is_being_made_is_nobody_elses_to_make_until_it_is_whole():
    go = asyncio.Event()
    kit, claims = kit_of(Scene(waits_for=go))
    task = asyncio.ensure_future(kit.answer(ADA, ask()))
    await called(kit)

    was_free = await claims.is_free()
    go.set()
    await task

    assert not was_free
    assert await claims.is_free()


async def test_it_is_given_back_when_the_provider_fails():
    kit, claims = kit_of(refused(400), Scene())

    with pytest.raises(AcronError):
        await kit.answer(ADA, ask())

    assert await claims.is_free()
    assert text_of(await kit.answer(ADA, ask())) == "Paris."


async def test_it_is_given_back_where_a_limit_refuses_the_request(limiter):
    kit, claims = kit_of(Scene(), limiter=limiter)
    busy = key(requests_per_minute=1)
    await kit.answer(busy, ask(messages=[{"role": "user", "content": "Another question?"}]))

    with pytest.raises(RateLimitedError):
        await kit.answer(busy, ask())

    assert claims.asked == 2
    assert await claims.is_free()


async def test_it_is_given_back_when_the_caller_hangs_up():
    kit, claims = kit_of(Scene(waits_for=asyncio.Event()))
    caller = Present()
    task = asyncio.ensure_future(kit.answer(ADA, ask(), caller))
    await called(kit)

    caller.hang_up()
    await asyncio.wait({task})

    assert await claims.is_free()


async def test_it_is_given_back_when_a_stream_is_left():
    kit, claims = kit_of(streamed(holds_for=asyncio.Event()))
    answer = await kit.answer(ADA, ask(stream=True))
    was_free = await claims.is_free()

    await stream_of(answer).aclose()

    assert not was_free
    assert await claims.is_free()


class Generous(OneQuestion):
    """Gives it to everybody, as to one who comes between two moments."""

    def __init__(self) -> None:
        super().__init__()
        self.out = 0

    async def look_or_claim(self, entry: bytes, key: bytes, *, max_bytes: int) -> bytes | Lease | None:
        self.out += 1
        return Lease(self.back)

    def back(self) -> None:
        self.out -= 1


async def test_whoever_joins_a_call_does_not_keep_what_its_leader_may_wait_for():
    go, claims = asyncio.Event(), Generous()
    kit = Kit(transport=Script(Scene(waits_for=go)), claims=claims)
    tasks = [asyncio.ensure_future(kit.answer(ADA, ask())) for _ in range(5)]
    await called(kit)

    while_it_is_made = claims.out
    go.set()
    answers = await asyncio.gather(*tasks)

    assert while_it_is_made == 1
    assert claims.out == 0
    assert len(kit.transport.calls) == 1
    assert {text_of(answer) for answer in answers} == {"Paris."}
