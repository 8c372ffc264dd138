"""Clients who leave in the middle of a stream stop it at the provider, and what was generated stands in the ledger."""

import asyncio
import math
import time
from typing import Any

import aiohttp

from tests.faults import books
from tests.faults.load import Wish, session
from tests.faults.plant import Plant

_LEAVERS = 200
_READ_SECONDS = 2.0
_STOPPED_SECONDS = 2.0
_TOKENS = 12


async def test_two_hundred_leave_midway_and_their_calls_stop(plant: Plant):
    wishes = [
        Wish(f"leaving-{n}", f"leaving: on and on {n}?", plant.product.key, "standin-endless-100", True)
        for n in range(_LEAVERS)
    ]

    async with session(keeps_connections=False) as client:
        moments = await asyncio.gather(*(read_and_leave(client, plant, wish) for wish in wishes))
    left_at = dict(zip((wish.user for wish in wishes), moments, strict=True))
    state = await asyncio.to_thread(until_idle, plant)

    book = await books.balanced(plant, "leaving", within_seconds=10)
    stopped = {user: state["left"][user] for user in left_at if user in state["left"]}
    lags = sorted(at - left_at[user] for user, (at, _) in stopped.items())
    counted = await asyncio.to_thread(plant.output_tokens, "leaving")
    off = sorted(abs(counted[user] - pieces) for user, (_, pieces) in stopped.items())
    p99 = lags[math.ceil(len(lags) * 0.99) - 1]
    print(
        f"\n{_LEAVERS} left: {len(stopped)} calls stopped, p50 {lags[len(lags) // 2]:.3f} s, p99 {p99:.3f} s;"
        f" {state['in_progress']} left open; tokens off by {off[len(off) // 2]} (p50), {off[-1]} (most); {book}"
    )
    assert stopped.keys() == left_at.keys()
    assert p99 <= _STOPPED_SECONDS
    assert state["in_progress"] == 0
    assert book.users("client_gone") == left_at.keys() == set(book.calls)
    assert len(book.rows) == _LEAVERS
    assert book.cost_statuses("client_gone") == {"estimated"}
    assert off[-1] <= _TOKENS


async def read_and_leave(client: aiohttp.ClientSession, plant: Plant, wish: Wish) -> float:
    """When it left."""
    async with client.post(plant.product.base + wish.path, json=wish.body, headers=wish.headers) as response:
        assert response.status == 200
        end = time.monotonic() + _READ_SECONDS
        while time.monotonic() < end:
            await response.content.readany()
        response.close()
        return time.monotonic()


def until_idle(plant: Plant) -> dict[str, Any]:
    end = time.monotonic() + 10
    while (state := plant.provider())["in_progress"] and time.monotonic() < end:
        time.sleep(0.05)
    return state
