"""Workers tell each other over a real Redis what they found out, and do without it when it is away."""

import asyncio
import logging
import time

import pytest

from acron_site.lib.redis_links import Links
from inference.resilience.board import Board
from inference.resilience.breaker import Rules
from inference.resilience.retries import Failure
from inference.resilience.sharing import BoardSharing
from tests.redis_server import RedisServer

POLL_SECONDS = 0.05


@pytest.fixture
def server(tmp_path_factory):
    running = RedisServer(tmp_path_factory.mktemp("r"))
    running.start()
    yield running
    running.kill()


class Worker:
    """One process's board, which shares; times as the rules say, but short."""

    def __init__(self, links: Links | None, *, open_seconds: float = 0.5) -> None:
        self.links = links
        self.board = Board(Rules(open_seconds=open_seconds, probe_seconds=0.3), random=lambda: 0.0)
        self.sharing = BoardSharing(self.board, links, probe_seconds=0.3, poll_seconds=POLL_SECONDS)

    def call(self, failure: Failure | None = None) -> None:
        ticket = self.board.enter("a", time.monotonic())
        assert ticket is not None
        self.board.report(ticket, time.monotonic(), failure)

    def shut(self) -> None:
        for _ in range(5):
            self.call(Failure.TRANSIENT)

    def allows(self) -> bool:
        return self.board.allows("a", time.monotonic())

    async def admits_probe(self) -> bool:
        ticket = self.board.enter("a", time.monotonic())
        assert ticket is not None
        assert ticket.is_probe
        return await self.sharing.admits(ticket)


@pytest.fixture
async def hire(server):
    hired = []

    async def one(**rules: float) -> Worker:
        links = Links(server.url, timeout_seconds=0.25)
        worker = Worker(links, **rules)
        await worker.sharing.start()
        hired.append((worker, links))
        return worker

    yield one
    for worker, links in hired:
        await worker.sharing.stop()
        await links.close()


@pytest.fixture
async def both(hire):
    """Two workers that both call the deployment."""
    here, there = await hire(), await hire()
    here.call()
    there.call()
    return here, there


async def until(holds, within_seconds=1.2):
    deadline = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_seconds} s"
        await asyncio.sleep(0.01)


async def test_what_one_worker_shuts_out_the_other_does_too_and_says_so_once(both, caplog):
    caplog.set_level(logging.INFO)
    here, there = both

    here.shut()

    await until(lambda: not there.allows())
    await asyncio.sleep(3 * POLL_SECONDS)
    assert [(record.message, record.is_heard) for record in caplog.records if "breaker" in record.message] == [
        ("breaker.opened", False),
        ("breaker.opened", True),
    ]


async def test_what_one_worker_finds_well_again_is_well_for_the_other(both):
    here, there = both
    here.shut()
    await until(lambda: not there.allows())
    await until(here.allows)

    here.call()

    await until(lambda: not _is_open(there))


async def test_of_two_workers_only_one_probes(both):
    here, there = both
    here.shut()
    await until(lambda: _is_open(there))
    await until(lambda: here.allows() and there.allows())

    assert await here.admits_probe()
    assert not await there.admits_probe()
    assert there.allows()  # its ticket has been given back


async def test_a_probe_that_is_given_back_may_be_made_by_the_other(both):
    here, there = both
    here.shut()
    await until(lambda: _is_open(there))
    await until(lambda: here.allows() and there.allows())
    ticket = here.board.enter("a", time.monotonic())
    assert await here.sharing.admits(ticket)
    assert not await there.admits_probe()

    here.board.report(ticket, time.monotonic(), Failure.CALLER)

    await asyncio.sleep(POLL_SECONDS)  # until it has arrived in Redis
    assert await there.admits_probe()


async def test_calls_that_are_no_probes_ask_nobody(hire):
    worker = await hire()

    assert await worker.sharing.admits(worker.board.enter("a", time.monotonic()))
    assert worker.links.tally.outages == 0


async def test_without_redis_each_worker_finds_out_by_itself(both, server):
    here, there = both
    server.kill()
    await asyncio.sleep(2 * POLL_SECONDS)

    here.shut()
    assert not here.allows()
    assert there.allows()
    await until(here.allows)

    assert await here.admits_probe()


async def test_a_frozen_redis_holds_a_probe_up_for_its_time_limit_only(both, server):
    here, there = both
    here.shut()
    server.freeze()
    await until(here.allows)
    started = time.monotonic()

    try:
        assert await here.admits_probe()
    finally:
        server.thaw()
    assert time.monotonic() - started < 0.6
    # a link that is closed while it connects leaves its socket to the garbage collector
    await until(lambda: here.links.connection is not None and there.links.connection is not None, within_seconds=5)


async def test_what_redis_missed_while_it_was_away_is_told_again(hire, server):
    here, there = await hire(open_seconds=10), await hire(open_seconds=10)
    here.call()
    there.call()
    server.kill()
    await until(lambda: here.links.tally.outages == 1)
    here.shut()

    server.start()

    await until(lambda: not there.allows(), within_seconds=5)
    assert not here.allows()


async def test_nonsense_in_redis_changes_nothing(both, server):
    here, _ = both

    server.admin("SET", "acron:{breaker}:a", "soon")
    await asyncio.sleep(3 * POLL_SECONDS)
    server.admin("DEL", "acron:{breaker}:a")
    server.admin("LPUSH", "acron:{breaker}:a", "x")
    await asyncio.sleep(3 * POLL_SECONDS)

    assert here.allows()


async def test_nothing_is_asked_of_redis_while_nobody_calls(hire, server):
    worker = await hire()
    await asyncio.sleep(3 * POLL_SECONDS)

    assert b"cmdstat_mget" not in _stats(server)

    worker.call()
    await until(lambda: b"cmdstat_mget" in _stats(server))


async def test_a_worker_without_redis_logs_and_probes_all_the_same(caplog):
    alone = Worker(None)
    await alone.sharing.start()
    alone.shut()
    await until(alone.allows)

    assert await alone.admits_probe()
    assert [record.message for record in caplog.records] == ["breaker.opened"]
    await alone.sharing.stop()


def _is_open(worker: Worker) -> bool:
    [breaker] = worker.board.recent(time.monotonic(), within_seconds=60, most=10).values()
    return not breaker.is_closed


def _stats(server: RedisServer) -> bytes:
    return str(server.admin("INFO", "commandstats")).encode()
