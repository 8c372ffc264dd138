"""PostgreSQL may stop or freeze: known keys are served meanwhile, and the ledger catches up."""

import asyncio
import signal
import time
from typing import Any

from tests.faults import books
from tests.faults.load import Log, Wish, send_all, under_load, unique_wishes
from tests.faults.operating import Operator
from tests.faults.plant import Plant

_SLOWEST_P99_SECONDS = 3.0
_PAGES_AGAIN_SECONDS = 5.0  # however long the outage was


async def until_up_to_date(plant: Plant, story: str, log: Log) -> None:
    book = await books.balanced(plant, story, within_seconds=10)
    print(f"{story}: {book}")
    assert log.besides(200) == []
    books.require_exact(book, log)
    assert len(book.users("ok")) == len(log.sent)


async def test_postgresql_stopped_and_started_under_load(plant: Plant):
    async with under_load(plant, unique_wishes(plant, "stopped")) as log:
        await asyncio.sleep(1.0)
        stopped_at = time.monotonic()
        await asyncio.to_thread(plant.postgres.kill, signal.SIGQUIT)
        await asyncio.sleep(8.0)
        meanwhile = log.since(stopped_at, time.monotonic())
        await plant.postgres.start_under_load()
        pages_after = await asyncio.to_thread(seconds_until_pages_return, plant)

    print(f"\nPostgreSQL stopped: {meanwhile} meanwhile; pages again after {pages_after:.1f} s")
    assert pages_after <= _PAGES_AGAIN_SECONDS
    assert meanwhile.p99_seconds <= _SLOWEST_P99_SECONDS
    await until_up_to_date(plant, "stopped", log)


def seconds_until_pages_return(plant: Plant) -> float:
    """What reads PostgreSQL itself, and of both workers."""
    began = time.monotonic()
    answered = 0
    while answered < 10:
        answered = answered + 1 if plant.product.call("/metrics")[0] == 200 else 0
    return time.monotonic() - began


async def test_postgresql_frozen_and_thawed_under_load(plant: Plant):
    async with under_load(plant, unique_wishes(plant, "frozen")) as log:
        await asyncio.sleep(1.0)
        frozen_at = time.monotonic()
        plant.postgres.freeze()
        await asyncio.sleep(3.0)
        meanwhile = log.since(frozen_at, time.monotonic())
        plant.postgres.thaw()
        await asyncio.sleep(1.0)

    print(f"\nPostgreSQL frozen: {meanwhile} meanwhile")
    assert meanwhile.p99_seconds <= _SLOWEST_P99_SECONDS
    await until_up_to_date(plant, "frozen", log)


async def test_a_restart_that_nobody_noticed_costs_no_request(plant: Plant, operator: Operator):
    await ask_all_over(plant, plant.keys[0], "quiet-before")
    plant.postgres.kill(signal.SIGQUIT)
    plant.postgres.start()
    new_key = operator("make")

    pages = [plant.product.call("/metrics")[0] for _ in range(10)]
    log = await ask_all_over(plant, new_key, "quiet-after")

    assert pages == [200] * 10
    assert log.besides(200) == []


async def ask_all_over(plant: Plant, key: str, story: str) -> Log:
    """Enough requests at once for both workers to have looked the key up."""
    plant.product.call("/metrics")
    return await send_all(plant, [Wish(f"{story}-{n}", f"{story}: {n}?", key, model="standin-0") for n in range(20)])


def test_a_worker_that_starts_without_postgresql_recovers_by_itself(bare_plant: Plant):
    asked = {"model": "standin-0", "user": "early-1", "messages": [{"role": "user", "content": "Are you there?"}]}
    bare_plant.postgres.kill(signal.SIGQUIT)
    try:
        with bare_plant.another_product("early") as early:
            alive = early.product.call("/health/live")
            health = early.product.call("/health")
            readiness = early.product.call("/health/ready")
            refused = early.product.call("/v1/chat/completions", asked)
            bare_plant.postgres.start()
            returned_at = time.monotonic()
            answered = until_answered(early, asked)
            took = time.monotonic() - returned_at
            row = early.product.ledger_row("early-1")
    finally:
        if not bare_plant.postgres.is_running:
            bare_plant.postgres.start()

    print(f"\nstarted without PostgreSQL: answers {took:.1f} s after its return")
    assert (alive[0], readiness[0]) == (200, 503)
    assert (health[0], health[2]["status"], health[2]["database"]) == (200, "degraded", "down")
    assert refused[0] == 503
    assert int(refused[1]["retry-after"]) >= 1
    assert answered["choices"][0]["message"]["content"].startswith("for early-1")
    assert (row["status"], row["cost_status"]) == ("ok", "priced")


def until_answered(plant: Plant, asked: dict[str, Any], *, seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status, _, answer = plant.product.call("/v1/chat/completions", asked)
        if status == 200:
            return answer
        assert status == 503, answer
        time.sleep(0.1)
    raise AssertionError(f"no answer within {seconds:g} s")
