"""What tier 2 needs may be away or hang: answers go on, hardly later, and hits come back."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web

from tests import live
from tests.caching.vectors.kit import PineconeStub
from tests.faults import load
from tests.faults.near_load import Asker, Log
from tests.faults.plant import Plant

# what a fault may add for one request in a hundred, beside what a machine that does much else takes anyway
_MOST_ADDED_SECONDS = 0.1
_NOISE = 2.0
_BACK_SECONDS = 10.0
_CALM_SECONDS, _FAULT_SECONDS = 3.0, 4.0


@pytest.fixture(scope="module")
def similar(bare_plant: Plant) -> Iterator[Plant]:
    with bare_plant.another_product("similar", workers=2) as plant:
        yield plant


@pytest.fixture
async def asker(similar: Plant, request: pytest.FixtureRequest) -> Asker:
    await asyncio.to_thread(similar.heal, 2)
    asker = Asker(similar, request.node.name)
    await asker.prepare()
    return asker


def require_calm(story: str, before: Log, meanwhile: Log, *, most_added_seconds: float = _MOST_ADDED_SECONDS) -> None:
    print(f"\n{story}\n  before: {before}\n  meanwhile: {meanwhile}")
    assert before.statuses == meanwhile.statuses == {200}
    assert before.count("HIT-T2") > 0
    assert meanwhile.p99_added_seconds <= before.p99_added_seconds * _NOISE + most_added_seconds


async def require_hits_again(story: str, asker: Asker) -> None:
    async with load.session() as session:
        seconds = await asker.until_similar(session)
    print(f"{story}: hits of both workers again after {seconds:.1f} s")
    assert seconds <= _BACK_SECONDS


async def test_postgresql_stopped(similar: Plant, asker: Asker):
    async with asker.under_load() as log:
        began = time.monotonic()
        await asyncio.sleep(_CALM_SECONDS)
        stopped = time.monotonic()
        await asyncio.to_thread(similar.postgres.kill, signal.SIGQUIT)
        gone = time.monotonic()
        await asyncio.sleep(_FAULT_SECONDS)
    back = time.monotonic()
    await similar.postgres.start_under_load()

    meanwhile = log.between(stopped, back)
    require_calm("PostgreSQL stopped", log.between(began, stopped), meanwhile)
    assert log.between(gone, back).count("HIT-T2") == 0
    await require_hits_again("PostgreSQL stopped", asker)


async def test_postgresql_frozen(similar: Plant, asker: Asker):
    async with asker.under_load() as log:
        began = time.monotonic()
        await asyncio.sleep(_CALM_SECONDS)
        frozen = time.monotonic()
        similar.postgres.freeze()
        await asyncio.sleep(_FAULT_SECONDS)
        similar.postgres.thaw()
        thawed = time.monotonic()

    require_calm("PostgreSQL frozen", log.between(began, frozen), log.between(frozen, thawed))
    await require_hits_again("PostgreSQL frozen", asker)


async def test_redis_killed(similar: Plant, asker: Asker):
    async with asker.under_load() as log:
        began = time.monotonic()
        await asyncio.sleep(_CALM_SECONDS)
        killed = time.monotonic()
        await asyncio.to_thread(similar.redis.kill, signal.SIGKILL)
        await asyncio.sleep(_FAULT_SECONDS)
        back = time.monotonic()
    await similar.redis.start_under_load()

    require_calm("Redis killed", log.between(began, killed), log.between(killed, back))
    await require_hits_again("Redis killed", asker)


async def test_embedder_killed(similar: Plant, asker: Asker):
    async with asker.under_load() as log:
        began = time.monotonic()
        await asyncio.sleep(_CALM_SECONDS)
        killed, former = time.monotonic(), similar.product.embedder()
        os.kill(former, signal.SIGKILL)
        await asyncio.sleep(_FAULT_SECONDS)
        back = time.monotonic()

    meanwhile = log.between(killed, back)
    require_calm("embedder killed", log.between(began, killed), meanwhile)
    assert meanwhile.count("MISS") > 0
    await require_hits_again("embedder killed", asker)
    assert similar.product.embedder() not in (0, former)


async def test_without_a_model_hashing_serves(bare_plant: Plant):
    with bare_plant.another_product("hashing", also={"ASAHI_EMBEDDINGS_PROVIDER": "hashing"}) as plant:
        asker = Asker(plant, "hashing")
        await asker.prepare()
        async with asker.under_load() as log:
            await asyncio.sleep(1.0)

    print(f"\nhashing: {log}")
    assert log.statuses == {200}
    assert log.count("HIT-T2") > 0


# Pinecone

_PORT = live.free_port()
_PINECONE = {"PINECONE_API_KEY": "pc-stand-in", "PINECONE_HOST": f"http://127.0.0.1:{_PORT}"}
_PINECONE_SECONDS = 0.25  # cache.pinecone_timeout_ms: the first ones and one a second wait for so long


@pytest.fixture(scope="module")
def at_pinecone(bare_plant: Plant) -> Iterator[Plant]:
    with bare_plant.another_product("pinecone", also=_PINECONE) as plant:
        yield plant


@pytest.fixture
async def pinecone() -> AsyncIterator[PineconeStub]:
    stub = PineconeStub()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stub.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", _PORT).start()
    yield stub
    await runner.cleanup()


async def hang() -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def test_pinecone_hangs(at_pinecone: Plant, pinecone: PineconeStub):
    asker = Asker(at_pinecone, "pinecone")
    await asker.prepare()
    async with asker.under_load() as log:
        began = time.monotonic()
        await asyncio.sleep(_CALM_SECONDS)
        pinecone.answer, hung = hang, time.monotonic()
        await asyncio.sleep(_FAULT_SECONDS)
        pinecone.answer, well = None, time.monotonic()

    meanwhile = log.between(hung, well)
    story = "Pinecone hangs"
    require_calm(story, log.between(began, hung), meanwhile, most_added_seconds=_PINECONE_SECONDS + _MOST_ADDED_SECONDS)
    assert meanwhile.count("MISS") > 0
    await require_hits_again(story, asker)
