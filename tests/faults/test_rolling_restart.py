"""Workers are replaced one by one under load, and nobody notices: not even who reads a long stream."""

import asyncio
import os
import signal

from tests.faults import books
from tests.faults.load import Log, Wish, send_all, under_load, unique_wishes
from tests.faults.plant import LONG_STREAM_MODEL, LONG_STREAM_SECONDS, Plant
from tests.faults.test_workers import wait_until_replaced

_STREAMS = 20
_LEAST = 1000


async def test_a_rolling_restart_fails_no_request(plant: Plant):
    long = [
        Wish(f"rolling-long-{n}", f"rolling: long {n}?", plant.product.key, LONG_STREAM_MODEL, True)
        for n in range(_STREAMS)
    ]

    async with under_load(plant, unique_wishes(plant, "rolling")) as log:
        streams = asyncio.create_task(send_all(plant, long))
        await asyncio.sleep(LONG_STREAM_SECONDS / 2 + 0.5)  # the streams have begun
        for worker in await asyncio.to_thread(plant.product.workers):
            os.kill(worker, signal.SIGTERM)
            await asyncio.to_thread(wait_until_replaced, plant, worker)
        streamed = await streams
        await asyncio.sleep(1.0)  # and the last of the new ones takes its share

    book = await books.balanced(plant, "rolling", within_seconds=20)
    failed = log.besides(200) + streamed.besides(200)
    print(f"\nrolling restart: {log}; long streams: {streamed}; {len(failed)} failed; {book}")
    assert [(each.wish.user, each.status, each.text[:200]) for each in failed] == []
    assert len(log.sent) >= _LEAST
    books.require_exact(book, Log(log.sent + streamed.sent))
