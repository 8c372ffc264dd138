"""Streams are passed on as they come: the first piece at once, the rest only as quickly as it is read."""

import asyncio
import socket
import statistics
import time
from typing import Any

import aiohttp
import psutil

from tests.faults import books
from tests.faults.answers import LONG_STREAM_PIECES
from tests.faults.load import Wish, session
from tests.faults.plant import Plant

_SLOW_SECONDS = 3.0
_SLOW_BYTES = 64 * 1024
_WINDOW_BYTES = 64 * 1024
# what the kernel takes on its way to the reader has been through the worker, which keeps the words to bill and store
# them: some megabytes at once, and then no more than is read
_GROWTH_MB, _LATER_GROWTH_MB = 10.0, 3.0
_HELD_BACK_SECONDS = 0.05
_REST_SECONDS, _STEADY_LOOKS = 20.0, 15
_MB = 1024 * 1024


async def test_a_slow_reader_of_a_long_stream_costs_little_memory(single: Plant):
    worker = psutil.Process(single.product.workers()[0])
    wish = Wish("slow-0", "slow: thirty megabytes?", single.product.key, "standin-long", True)
    await read(single, Wish("slow-first", "slow: warm up?", single.product.key, "standin-0", True))
    before = await at_rest(worker)

    sizes: list[int] = []
    received, text_end = 0, b""
    async with far_away() as client, post(client, single, wish) as response:
        end = time.monotonic() + _SLOW_SECONDS
        while time.monotonic() < end:
            received += len(await response.content.read(_SLOW_BYTES))
            sizes.append(worker.memory_info().rss)
            await asyncio.sleep(0.1)
        read_slowly = received
        async for piece in response.content.iter_any():
            received, text_end = received + len(piece), (text_end + piece)[-20:]
    grown = (max(sizes) - before) / _MB
    later = (sizes[-1] - sizes[len(sizes) // 3]) / _MB

    book = await books.balanced(single, "slow", within_seconds=10)
    print(
        f"\nslow reader: {read_slowly / _MB:.1f} of {received / _MB:.1f} MB in {_SLOW_SECONDS:g} s;"
        f" the worker grew by {grown:.1f} MB meanwhile, {later:.1f} MB of them in the last two thirds; {book}"
    )
    assert received > LONG_STREAM_PIECES * 29_000
    assert b"data: [DONE]" in text_end
    assert grown <= _GROWTH_MB
    assert later <= _LATER_GROWTH_MB
    assert book.users("ok") == {"slow-0", "slow-first"}


async def at_rest(worker: psutil.Process) -> int:
    """How much it takes once what the first answer sets going in the background is done."""
    end, sizes = time.monotonic() + _REST_SECONDS, [worker.memory_info().rss]
    while len(sizes) < _STEADY_LOOKS or sizes[-1] - sizes[-_STEADY_LOOKS] > _MB / 4:
        assert time.monotonic() < end, f"it goes on growing: {sizes}"
        await asyncio.sleep(0.2)
        sizes.append(worker.memory_info().rss)
    return sizes[-1]


def far_away() -> aiohttp.ClientSession:
    """A client whose kernel takes little in advance, as over a slow line."""

    def connected(address: tuple[Any, ...]) -> socket.socket:
        connection = socket.socket(*address[:3])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW_BYTES)
        return connection

    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=connected), read_bufsize=_SLOW_BYTES)


def post(client: aiohttp.ClientSession, plant: Plant, wish: Wish, base: str = ""):
    return client.post((base or plant.product.base) + wish.path, json=wish.body, headers=wish.headers)


async def read(plant: Plant, wish: Wish) -> None:
    async with session() as client, post(client, plant, wish) as response:
        assert response.status == 200
        await response.read()


async def test_the_first_piece_is_not_held_back(plant: Plant):
    gaps: dict[str, list[float]] = {plant.product.base: [], plant.upstream: []}

    async with session() as client:
        for turn in range(21):
            for number, (base, seconds) in enumerate(gaps.items()):
                user = f"first-{number}-{turn}"
                wish = Wish(user, f"{user}: quick?", plant.product.key, "standin-100", True)
                began = time.monotonic()
                async with post(client, plant, wish, base) as response:
                    await response.content.readany()
                    seconds.append(time.monotonic() - began)
                    await response.read()

    through, straight = (statistics.median(seconds) for seconds in gaps.values())
    print(f"\nfirst piece: {through * 1000:.1f} ms through ACRON, {straight * 1000:.1f} ms straight (medians of 21)")
    assert through - straight <= _HELD_BACK_SECONDS
