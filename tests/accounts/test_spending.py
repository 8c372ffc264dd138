"""Looking at what was spent: the ledger is read once in a while, however often somebody looks."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.limits.domain import Subject
from accounts.limits.spending import LedgerUnreadableError, Spending
from acron_site.lib.ids import uuid7

NOON_MS = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp() * 1000)
PATIENCE_SECONDS = 5.0


class Ledger:
    """Says how often it was asked, in dollars. It can be slow, or not answer."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []
        self.is_away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, _: Subject, since: datetime) -> Decimal:
        self.asked.append(since)
        self.may_answer.wait(5)
        if self.is_away:
            raise LedgerUnreadableError
        return Decimal(len(self.asked))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def spending(ledger: Ledger) -> Iterator[Spending]:
    made = Spending(ledger)
    yield made
    ledger.may_answer.set()
    made.close()


@pytest.fixture
def key() -> Subject:
    return Subject(UUID(int=1), "key", uuid7())


async def look(spending: Spending, key: Subject, *, after_ms: int = 0, patience: float = PATIENCE_SECONDS):
    return await spending.of(key, NOON_MS + after_ms, patience_seconds=patience)


async def test_it_is_remembered_for_ten_seconds(spending, key):
    seen = [await look(spending, key, after_ms=after_ms) for after_ms in (0, 5_000, 9_999, 10_000, 12_000)]

    assert seen == [1, 1, 1, 2, 2]


async def test_keys_are_looked_at_one_by_one(spending, key):
    other = Subject(key.organization_id, "key", uuid7())

    assert [await look(spending, each) for each in (key, other, key)] == [1, 2, 1]


async def test_a_new_month_is_looked_at_anew(spending, ledger, key):
    midnight_ms = 12 * 3_600_000

    await look(spending, key, after_ms=midnight_ms - 1)
    await look(spending, key, after_ms=midnight_ms)

    assert [each.month for each in ledger.asked] == [11, 12]


async def test_all_who_look_at_once_share_one_reading(spending, ledger, key):
    seen = await asyncio.gather(*(look(spending, key) for _ in range(50)))

    assert set(seen) == {1}
    assert len(ledger.asked) == 1


async def test_who_gives_up_leaves_the_reading_to_the_next(spending, ledger, key):
    ledger.may_answer.clear()
    assert await look(spending, key, patience=0.001) is None
    assert await look(spending, key, after_ms=60_000, patience=0.001) is None

    ledger.may_answer.set()

    assert await look(spending, key, after_ms=60_000) == 1


async def test_a_failure_is_not_remembered(spending, ledger, key):
    ledger.is_away = True
    assert await look(spending, key) is None

    ledger.is_away = False

    assert await look(spending, key) == 2


async def test_what_is_remembered_is_bounded(spending):
    for _ in range(1_010):
        await look(spending, Subject(UUID(int=1), "key", uuid7()))

    assert len(spending._looks) == 1_000
