"""A worker may be killed at any moment: its neighbour goes on, and the books are right."""

import asyncio
import os
import signal
import time

import psutil

from tests.faults import books
from tests.faults.load import CLIENTS, under_load, unique_wishes
from tests.faults.plant import Plant

_LAG_SECONDS = 0.25  # a busy client may notice that late that a connection of its pool is gone
_KEYS_AGAIN_SECONDS = 3.0  # a look-up that began too early gives up after 2 s, and the next one follows 1 s later


def kill_amid_calls(plant: Plant) -> tuple[int, float]:
    """Kills the busier worker at a moment when most requests are at the provider and not at their keys; says which one,
    and when. Nothing comes between the look and the kill, or those calls are over by then."""
    victim = max(plant.product.workers(), key=lambda worker: len(psutil.Process(worker).net_connections("tcp4")))
    end = time.monotonic() + 10
    while plant.provider()["in_progress"] < CLIENTS // 2:
        assert time.monotonic() < end, "the provider is never busy"
    killed_at = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    return victim, killed_at


def wait_until_replaced(plant: Plant, victim: int) -> None:
    end = time.monotonic() + 10
    while victim in (workers := plant.product.workers()) or len(workers) < 2:
        assert time.monotonic() < end, f"{workers} run 10 s after {victim} was killed"
        time.sleep(0.05)


async def test_a_killed_worker_takes_only_its_own_requests_with_it(plant: Plant):
    async with under_load(plant, unique_wishes(plant, "killed")) as log:
        await asyncio.sleep(1.5)
        victim, killed_at = await asyncio.to_thread(kill_amid_calls, plant)
        await asyncio.to_thread(wait_until_replaced, plant, victim)
        replaced_after = time.monotonic() - killed_at
        await asyncio.sleep(2.0)

    book = await books.balanced(plant, "killed", within_seconds=20)
    lost = log.besides(200)
    print(f"\nworker killed: {log}; {len(lost)} lost; process replaced after {replaced_after:.1f} s; {book}")
    assert {each.status for each in lost} <= {0}
    assert 0 < len(lost) <= CLIENTS
    assert all(killed_at - each.seconds <= each.began <= killed_at + _LAG_SECONDS for each in lost)
    assert book.users("interrupted")
    books.require_exact(book, log)


async def test_a_worker_killed_while_postgresql_is_away(plant: Plant):
    # new connections reach the new worker too
    async with under_load(plant, unique_wishes(plant, "both"), keeps_connections=False) as log:
        await asyncio.sleep(1.0)
        await asyncio.to_thread(plant.postgres.kill, signal.SIGQUIT)
        await asyncio.sleep(0.5)
        _, killed_at = await asyncio.to_thread(kill_amid_calls, plant)
        await asyncio.sleep(8.0)  # long enough for a new worker to be up and asked, on a slow machine too
        await plant.postgres.start_under_load()
        returned_at = time.monotonic()
        await asyncio.sleep(_KEYS_AGAIN_SECONDS + 0.5)

    book = await books.balanced(plant, "both", within_seconds=60)
    sent_away = log.users(503)
    print(f"\nboth at once: {log}; {len(log.users(0))} lost, {len(sent_away)} sent away; {book}")
    assert {each.status for each in log.sent} <= {0, 200, 503}
    # the new worker cannot know any key yet, and says when to come again
    assert sent_away
    assert all(each.retry_after for each in log.sent if each.status == 503)
    assert all(each.began <= killed_at + _LAG_SECONDS for each in log.sent if each.status == 0)
    assert log.since(returned_at + _KEYS_AGAIN_SECONDS).besides(200) == []
    assert book.users("interrupted")
    books.require_exact(book, log)
