"""Limits: the same counting in Redis and in memory, and what holds when either is away."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import redis

from accounts.limits.balances import Reservation
from accounts.limits.domain import (
    Ceilings,
    Counters,
    Settlement,
    Subject,
    Taking,
    ceil_nano,
    dollars,
    floor_nano,
    next_month,
)
from accounts.limits.limiter import Limiter
from accounts.limits.memory import MemoryCounters
from accounts.limits.redis import RedisCounters
from accounts.limits.refusals import BudgetExceededError
from accounts.limits.spending import LedgerUnreadableError
from acron_site.lib.errors import OverloadedError, RateLimitedError
from acron_site.lib.ids import uuid7
from acron_site.lib.redis_links import Links
from tests.redis_server import RedisServer

ORGANIZATION = UUID(int=0xADA)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
DOLLAR = Ceilings(budget_nano=ceil_nano(Decimal(1)))


class Clock:
    def __init__(self) -> None:
        self.seconds = NOON

    def __call__(self) -> float:
        return self.seconds


class Ledger:
    """What the database would say; None: it does not answer."""

    def __init__(self) -> None:
        self.spent: Decimal | None = Decimal(0)
        self.asked = 0

    def __call__(self, _: Subject, since: datetime) -> Decimal:
        assert (since.day, since.hour) == (1, 0)
        self.asked += 1
        if self.spent is None:
            raise LedgerUnreadableError
        return self.spent


class Reachable(MemoryCounters):
    """Counters that can be out of reach for a while, and keep what they have counted."""

    is_away = False

    def take(self, subject: Subject, taking: Taking) -> Awaitable[Any]:
        return _nothing() if self.is_away else super().take(subject, taking)

    def settle(self, subject: Subject, settlement: Settlement) -> Awaitable[bool | None]:
        return _nothing() if self.is_away else super().settle(subject, settlement)


async def _nothing() -> None:
    return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def key() -> Subject:
    return Subject(ORGANIZATION, "key", uuid7())


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path_factory.mktemp("r"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
async def open_links() -> AsyncIterator[Callable[..., Links]]:
    opened: list[Links] = []

    def make(url: str = "") -> Links:
        opened.append(Links(url or os.environ["REDIS_URL"], timeout_seconds=0.25))
        return opened[-1]

    yield make
    for each in opened:
        await each.close()


@pytest.fixture
async def make_limiter(clock, ledger, open_links) -> AsyncIterator[Callable[..., Limiter]]:
    made: list[Limiter] = []

    def make(where: str = "redis", *, url: str = "", processes: int = 1) -> Limiter:
        shared: Counters | None = None
        if where != "nothing":
            shared = RedisCounters(open_links(url)) if where == "redis" else MemoryCounters()
        made.append(Limiter(shared, spent=ledger, processes=processes, clock=clock, pauses_seconds=()))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture(params=["redis", "memory"])
def limiter(request: pytest.FixtureRequest, make_limiter: Callable[..., Limiter]) -> Limiter:
    return make_limiter(request.param)


async def hold(
    limiter: Limiter, key: Subject, usd: str, ceilings: Ceilings = DOLLAR, *, tokens: int = 0
) -> Reservation:
    reservation, _ = await limiter.reserve(key, ceilings, tokens=tokens, cost_usd=Decimal(usd))
    return reservation


async def pay(reservation: Reservation, usd: str | None, *, tokens: int = 0) -> None:
    reservation.settle(tokens=tokens, cost_usd=None if usd is None else Decimal(usd))
    assert isinstance(reservation.keeper, Limiter)
    await settled(reservation.keeper)


async def ask_until_refused(limiter: Limiter, key: Subject, ceilings: Ceilings, *, most: int = 50) -> int:
    for count in range(most):
        try:
            await limiter.admit(limiter.enter(key, ceilings))
        except RateLimitedError:
            return count
    return most


# requests


async def test_no_minute_sees_more_requests_than_allowed(limiter, key, clock):
    ceilings, allowed = Ceilings(requests=10), []
    for second in range(150):
        clock.seconds = NOON + 4 + second  # begins at the end of a slice
        allowed += [second] * await ask_until_refused(limiter, key, ceilings, most=3)

    busiest = max(sum(start <= each < start + 60 for each in allowed) for start in range(90))
    assert busiest == 10
    assert len(allowed) >= 20


async def test_a_refusal_says_when_to_come_again_and_then_it_works(limiter, key, clock):
    ceilings = Ceilings(requests=2)
    await ask_until_refused(limiter, key, ceilings)

    with pytest.raises(RateLimitedError, match="limited to 2 requests a minute") as refused:
        await limiter.admit(limiter.enter(key, ceilings))

    wait_seconds = int(refused.value.headers["retry-after"])
    assert 60 <= wait_seconds <= 65
    clock.seconds += wait_seconds
    assert await ask_until_refused(limiter, key, ceilings) == 2


async def test_the_headers_count_down(limiter, key, clock):
    ceilings = Ceilings(requests=3, tokens=1000)

    first = await limiter.admit(limiter.enter(key, ceilings))
    _, held = await limiter.reserve(key, ceilings, tokens=400, cost_usd=Decimal(0))
    clock.seconds += 30
    second = await limiter.admit(limiter.enter(key, ceilings))

    assert (first["x-ratelimit-limit-requests"], first["x-ratelimit-remaining-requests"]) == ("3", "2")
    assert first["x-ratelimit-reset-requests"] == "1m5s"
    assert (first["x-ratelimit-remaining-tokens"], first["x-ratelimit-reset-tokens"]) == ("1000", "0s")
    assert held["x-ratelimit-remaining-tokens"] == "600"
    assert second["x-ratelimit-remaining-requests"] == "1"
    assert second["x-ratelimit-reset-tokens"] == "35s"


async def test_a_refused_request_does_not_count(limiter, key, clock):
    ceilings = Ceilings(requests=1)
    await limiter.admit(limiter.enter(key, ceilings))
    for _ in range(5):
        with pytest.raises(RateLimitedError):
            await limiter.admit(limiter.enter(key, ceilings))
        clock.seconds += 10

    clock.seconds = NOON + 65
    assert await ask_until_refused(limiter, key, ceilings) == 1


async def test_subjects_do_not_share_their_limits(limiter, key):
    ceilings = Ceilings(requests=1)
    others = [Subject(ORGANIZATION, "key", uuid7()), Subject(ORGANIZATION, "member", key.id)]
    await limiter.admit(limiter.enter(key, ceilings))

    for other in others:
        await limiter.admit(limiter.enter(other, ceilings))


async def test_redis_forgets_a_minute_that_is_over(make_limiter, key, clock):
    limiter = make_limiter()
    for ceilings in (Ceilings(requests=100), Ceilings(tokens=100)):
        for _ in range(3):
            await limiter.admit(limiter.enter(key, ceilings))
            await hold(limiter, key, "0", ceilings, tokens=0 if ceilings.tokens is None else 10)
            clock.seconds += 5

        assert [65 < left <= 125 for left in lifetimes(key)] == [True]


# tokens


async def test_tokens_are_held_and_then_counted_as_used(limiter, key):
    ceilings = Ceilings(tokens=1000)
    first = await hold(limiter, key, "0", ceilings, tokens=900)
    with pytest.raises(RateLimitedError, match="limited to 1000 tokens a minute"):
        await hold(limiter, key, "0", ceilings, tokens=200)

    await pay(first, "0", tokens=100)
    await hold(limiter, key, "0", ceilings, tokens=900)

    with pytest.raises(RateLimitedError):
        await hold(limiter, key, "0", ceilings, tokens=1)


async def test_a_call_that_can_never_fit_is_not_to_be_tried_again(limiter, key):
    with pytest.raises(RateLimitedError, match="lower max_tokens") as refused:
        await hold(limiter, key, "0", Ceilings(tokens=1000), tokens=1001)

    assert refused.value.headers["x-should-retry"] == "false"
    assert "retry-after" not in refused.value.headers


# budgets


async def test_a_budget_is_spent_to_the_end_and_not_beyond(limiter, key):
    for _ in range(10):
        await pay(await hold(limiter, key, "0.1"), "0.1")

    with pytest.raises(BudgetExceededError) as refused:
        await hold(limiter, key, "0.000000001")

    assert refused.value.headers["x-should-retry"] == "false"
    assert "$1 of $1 are spent in November 2026" in refused.value.message
    assert "2026-12-01" in refused.value.message


async def test_what_is_held_is_not_spent_twice_and_comes_back(limiter, key):
    held = await hold(limiter, key, "0.9")
    with pytest.raises(BudgetExceededError, match=r"\$0.9 are held for calls under way"):
        await hold(limiter, key, "0.2")

    await pay(held, "0.05")

    await hold(limiter, key, "0.95")


async def test_a_call_waits_a_moment_for_what_others_hold(key, ledger):
    limiter = Limiter(MemoryCounters(), spent=ledger, pauses_seconds=(0.001, 0.001))
    held = await hold(limiter, key, "0.9")
    waiting = asyncio.create_task(hold(limiter, key, "0.2"))
    await asyncio.sleep(0)

    await pay(held, "0.1")

    assert (await waiting).nano == ceil_nano(Decimal("0.2"))


async def test_a_settlement_counts_once(limiter, key):
    held = await hold(limiter, key, "0.5")
    for _ in range(3):
        await pay(held, "0.5")

    await hold(limiter, key, "0.5")


async def test_a_settlement_counts_once_in_a_redis_that_sees_its_first(make_limiter, key, server):
    limiter = make_limiter(url=server.url)
    first = await hold(limiter, key, "0.5")

    first.settle(tokens=0, cost_usd=Decimal("0.4"))
    await hold(limiter, key, "0.1")  # leaves together with the settlement, and tells what was spent so far
    await settled(limiter)

    assert (await limiter.standing(key, DOLLAR)).spent_usd == Decimal("0.4")


async def test_a_call_that_failed_gives_everything_back(limiter, key):
    (await hold(limiter, key, "1")).release()
    await settled(limiter)

    await hold(limiter, key, "1")


async def test_a_cost_that_is_not_known_counts_as_what_was_held(limiter, key):
    await pay(await hold(limiter, key, "0.6"), None)

    with pytest.raises(BudgetExceededError):
        await hold(limiter, key, "0.5")


async def test_a_new_month_begins_with_a_full_budget(limiter, key, clock):
    await pay(await hold(limiter, key, "1"), "1")

    clock.seconds = next_month(int(NOON * 1000)).timestamp()

    await hold(limiter, key, "1")


async def test_what_a_dead_worker_held_falls_back_and_the_ledger_is_asked(limiter, key, clock, ledger):
    await hold(limiter, key, "0.9")
    ledger.spent = Decimal("0.4")  # the call's row, once somebody has adopted it

    clock.seconds += 16 * 60
    asked = ledger.asked
    await hold(limiter, key, "0.1")
    await settled(limiter)

    assert ledger.asked == asked + 1
    with pytest.raises(BudgetExceededError, match=r"\$0.4 of \$1"):
        await hold(limiter, key, "0.6")


async def test_a_counter_that_is_not_there_is_made_from_the_ledger_once(limiter, key, ledger):
    ledger.spent = Decimal("0.95")

    held = await asyncio.gather(*(hold(limiter, key, "0.02") for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(each, Reservation) for each in held) == 2
    assert ledger.asked == 1


async def test_workers_share_one_budget(make_limiter, key):
    workers = [make_limiter() for _ in range(3)]
    held = await asyncio.gather(
        *(hold(worker, key, "0.01") for worker in workers for _ in range(100)), return_exceptions=True
    )

    assert sum(isinstance(each, Reservation) for each in held) == 100


# when Redis is away


async def test_redis_emptied_the_ledger_and_the_workers_tell_it_again(make_limiter, key, ledger):
    one, other = make_limiter(), make_limiter()
    live = await hold(other, key, "0.3")
    await pay(await hold(one, key, "0.5"), "0.5")
    forget_counters(key)
    ledger.spent = Decimal("0.2")  # its newest rows are still on their way

    await hold(other, key, "0.0")  # sees the loss, and that its own call is not held any more
    await hold(one, key, "0.0")  # knows better than the ledger

    with pytest.raises(BudgetExceededError, match=r"\$0.5 of \$1 are spent in November 2026, \$0.3 are held"):
        await hold(one, key, "0.21")
    await pay(live, "0.1")
    await hold(other, key, "0.4")


async def test_while_redis_is_away_each_worker_spends_its_share_of_what_is_left(make_limiter, key, server):
    one, other = (make_limiter(url=server.url, processes=2) for _ in range(2))
    await pay(await hold(one, key, "0.4"), "0.4")
    await hold(other, key, "0")
    server.kill()

    held = [await hold_all(worker, key, "0.1") for worker in (one, other)]

    assert [len(each) for each in held] == [3, 3]


async def test_what_was_spent_meanwhile_is_told_when_redis_is_back(key, ledger, clock):
    redis_ = Reachable()
    one, other = (Limiter(redis_, spent=ledger, processes=2, clock=clock, pauses_seconds=()) for _ in range(2))
    under_way = await hold(one, key, "0.1")
    await hold(other, key, "0")
    redis_.is_away = True
    for worker, usd in ((one, "0.2"), (other, "0.3")):
        await pay(await hold(worker, key, usd), usd)
    await pay(under_way, "0.05")
    redis_.is_away = False

    for worker in (other, one):
        await hold(worker, key, "0")

    with pytest.raises(BudgetExceededError, match=r"\$0.55 of \$1 are spent"):
        await hold(one, key, "0.6")


async def test_requests_are_counted_per_process_while_redis_is_away(make_limiter, key, server):
    limiter = make_limiter(url=server.url)
    server.kill()

    assert await ask_until_refused(limiter, key, Ceilings(requests=5)) == 5


async def test_without_redis_and_without_the_ledger_a_budget_is_closed(make_limiter, key, ledger):
    ledger.spent = None

    for where in ("nothing", "memory", "redis"):
        with pytest.raises(OverloadedError, match="cannot be told") as refused:
            await hold(make_limiter(where), key, "0.1")
        assert refused.value.headers["retry-after"] == "1"


async def test_a_restarted_worker_without_redis_begins_with_the_ledger(make_limiter, key, ledger):
    ledger.spent = Decimal("0.6")
    limiter = make_limiter("nothing", processes=2)

    assert len(await hold_all(limiter, key, "0.1")) == 2


# figures


@pytest.mark.parametrize(
    ("amount", "up", "down"),
    [("0", 0, 0), ("0.000000001", 1, 1), ("0.0000000001", 1, 0), ("9999999999.9999", 9999999999999900000, None)],
)
def test_money_is_rounded_against_the_caller(amount, up, down):
    assert ceil_nano(Decimal(amount)) == up
    assert floor_nano(Decimal(amount)) == (up if down is None else down)
    assert dollars(ceil_nano(Decimal(amount))) >= Decimal(amount)


async def hold_all(limiter: Limiter, key: Subject, usd: str) -> list[Reservation]:
    """Until nothing is left."""
    held: list[Reservation] = []
    for _ in itertools.repeat(None, 50):
        try:
            held.append(await hold(limiter, key, usd))
        except BudgetExceededError:
            break
    return held


async def settled(limiter: Limiter) -> None:
    """Until nothing of it is under way."""
    while limiter._tasks:
        await asyncio.wait(limiter._tasks)


def lifetimes(key: Subject) -> list[int]:
    """Seconds that Redis keeps what is counted of the minute."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        pattern = f"acron:{{{key.organization_id.hex}}}:limit:{key.kind}:{key.id.hex}:minute"
        return [client.ttl(name) for name in client.scan_iter(pattern)]


def forget_counters(key: Subject) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        found = list(client.scan_iter(f"acron:{{{key.organization_id.hex}}}:limit:{key.kind}:{key.id.hex}:*"))
        assert found
        client.delete(*found)
