"""Our own way of uvicorn's requests: told of hanging up, and gone as soon as they are answered."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

from acron_site import protocol
from acron_site.lib.asgi import HANG_UP, WHOLE_RESPONSE
from inference.door import Exchange
from inference.wire.http import read_head

Application = Callable[[Any, Any, Any], Awaitable[None]]


@pytest.fixture(autouse=True)
def as_our_workers_have_it() -> Iterator[None]:
    theirs = httptools_impl.HttpToolsProtocol, httptools_impl.RequestResponseCycle
    protocol.install()
    yield
    httptools_impl.HttpToolsProtocol, httptools_impl.RequestResponseCycle = theirs  # type: ignore[misc]


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def connected(application: Application) -> tuple[protocol.TellingProtocol, Wire]:
    config = Config(application, log_config=None, lifespan="off", ws="none")
    connection, wire = protocol.TellingProtocol(config, ServerState(), {}), Wire()
    connection.connection_made(wire)
    return connection, wire


async def done(connection: protocol.TellingProtocol) -> None:
    await asyncio.gather(*connection.tasks, return_exceptions=True)


async def answer(send: Any) -> None:
    await send({"type": WHOLE_RESPONSE, "status": 200, "headers": [(b"content-length", b"2")], "body": b"ok"})


@pytest.mark.parametrize("is_watched", [False, True])
async def test_a_request_is_freed_when_it_is_answered_without_the_garbage_collector(is_watched: bool):
    requests: list[weakref.ref[object]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        exchange = Exchange(scope, read_head(scope["headers"], 0.0), receive, send)
        requests.append(weakref.ref(connection.cycle))
        if is_watched:
            exchange.watch()
        await answer(exchange.send)
        exchange.stop_watching()

    connection, wire = connected(application)
    gc.disable()
    try:
        for _ in range(2):
            connection.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await done(connection)

        assert wire.written.count(b"200 OK") == 2
        assert [request() is None for request in requests] == [True, False]  # uvicorn holds the last one
    finally:
        gc.enable()
        connection.connection_lost(None)


async def test_a_lost_connection_is_told_to_whoever_asked():
    told: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][HANG_UP](lambda: told.append("gone"))
        await receive()

    connection, _ = connected(application)
    connection.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
    await asyncio.sleep(0)

    connection.connection_lost(None)

    assert told == ["gone"]
    await done(connection)


async def test_who_asks_after_the_connection_was_lost_is_told_at_once():
    told: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        scope["extensions"][HANG_UP](lambda: told.append("gone"))

    connection, _ = connected(application)
    connection.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
    await asyncio.sleep(0)

    connection.connection_lost(None)
    await done(connection)

    assert told == ["gone"]


async def test_who_has_let_go_is_not_told():
    told: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][HANG_UP](lambda: told.append("gone"))
        scope["extensions"][HANG_UP](None)
        await receive()

    connection, _ = connected(application)
    connection.data_received(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
    await asyncio.sleep(0)

    connection.connection_lost(None)
    await done(connection)

    assert told == []
