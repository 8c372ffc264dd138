"""Stores, Redis servers of a test's own, and the people of the stories."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import uvloop

from acron_site.lib.redis_links import Links
from caching.backends.redis import RedisStore
from caching.flights import Flights
from caching.protocols import Namespace
from tests.redis_server import RedisServer


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every story runs on the loop of the web server and on that of the commands."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path_factory.mktemp("r"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
async def open_store() -> AsyncIterator[Callable[..., RedisStore]]:
    """Makes stores that are closed when the test ends."""
    stores = []

    def make(url: str, *, timeout_seconds: float = 0.25, max_value_bytes: int = 1_000_000) -> RedisStore:
        stores.append(RedisStore(Links(url, timeout_seconds=timeout_seconds), max_value_bytes=max_value_bytes))
        return stores[-1]

    yield make
    for store in stores:
        await store.close()


@pytest.fixture
def ada() -> Namespace:
    return Namespace(UUID(int=0xADA))


@pytest.fixture
def mallory() -> Namespace:
    return Namespace(UUID(int=0xBAD))


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    return _eventually


async def _eventually(holds: Callable[[], Awaitable[bool]], within_seconds: float = 5) -> None:
    deadline = time.monotonic() + within_seconds
    while not await holds():
        assert time.monotonic() < deadline, f"not within {within_seconds} s"
        await asyncio.sleep(0.02)


@pytest.fixture
async def flights() -> AsyncIterator[Flights[str]]:
    """Of a loop that is told of no lost exception."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    open_flights = Flights[str]()
    yield open_flights
    await open_flights.close()
    gc.collect()
    assert complaints == []
