"""One worker, and many callers who wait long or leave early."""

import asyncio
import time

import aiohttp

from tests.faults import books
from tests.faults.load import Wish, send_all, session
from tests.faults.plant import Plant

_CROWD = 500


async def test_five_hundred_in_flight_to_a_slow_provider(single: Plant):
    wishes = [Wish(f"crowd-{n}", f"crowd: {n}?", single.product.key, "standin-2000") for n in range(_CROWD)]

    began = time.monotonic()
    waiting = asyncio.create_task(send_all(single, wishes))
    await asyncio.sleep(1.9)
    at_once = (await asyncio.to_thread(single.provider))["in_progress"]
    log = await waiting
    took = time.monotonic() - began

    book = await books.balanced(single, "crowd", within_seconds=10)
    print(f"\n{_CROWD} in flight to a 2 s provider: {took:.2f} s in all, {at_once} there after 1.9 s; {book}")
    assert log.besides(200) == []
    assert took < 6
    books.require_exact(book, log)


async def test_callers_who_hang_up_stop_their_calls_and_are_recorded(single: Plant):
    streams = [
        Wish(f"gone-s{n}", f"gone: on and on {n}?", single.product.key, "standin-endless", True) for n in range(20)
    ]
    plain = [Wish(f"gone-p{n}", f"gone: when {n}?", single.product.key, "standin-30000") for n in range(10)]

    async with session() as client:
        await asyncio.gather(*(hang_up_midway(client, single, wish) for wish in streams + plain))
    left_at = time.monotonic()
    while (await asyncio.to_thread(single.provider))["in_progress"]:
        assert time.monotonic() - left_at < 2.0, single.provider()
        await asyncio.sleep(0.02)
    took = time.monotonic() - left_at

    book = await books.balanced(single, "gone", within_seconds=10)
    print(f"\n{len(streams + plain)} callers hung up: the provider was left alone after {took:.2f} s; {book}")
    assert book.users("client_gone") == {wish.user for wish in streams + plain} == set(book.calls)
    assert len(book.rows) == len(book.calls)
    assert book.cost_statuses("client_gone") == {"estimated"}
    assert all(cost > 0 for _, _, _, cost, _ in book.rows)


async def hang_up_midway(client: aiohttp.ClientSession, plant: Plant, wish: Wish) -> None:
    """Leaves after the first piece of a stream, or while a plain answer is being waited for."""
    url, headers = f"{plant.product.base}/v1/chat/completions", {"Authorization": f"Bearer {wish.key}"}
    request = asyncio.create_task(client.post(url, json=wish.body, headers=headers))
    if wish.stream:
        response = await request
        await response.content.readany()
        response.close()
        return
    await asyncio.to_thread(wait_until_called, plant, wish.user)
    request.cancel()
    await asyncio.wait([request])


def wait_until_called(plant: Plant, user: str) -> None:
    end = time.monotonic() + 5
    while user not in plant.provider()["calls"]:
        assert time.monotonic() < end, f"the provider was not called for {user} within 5 s"
        time.sleep(0.02)
