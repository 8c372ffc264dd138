"""The book of policies: from memory, read once, told of changes, and closed rather than wrong."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from accounts.revocations import of_organization
from caching.policies import UNKNOWN, Policies, Policy, Wall
from caching.policy_book import PoliciesUnavailableError, PolicyBook

ADA, MALLORY = UUID(int=0xADA), UUID(int=0xBAD)
OPEN, WALLED = Policies(), Policies(Policy(wall=Wall.USER))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Records:
    """Policies by organization; `is_away` for a database that cannot be asked."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Policies] = {}
        self.reads = self.released = 0
        self.is_away = False
        self.go: threading.Event | None = None  # what a reading waits for
        self.begun = threading.Event()

    def read(self, organization_id: UUID) -> Policies:
        self.reads += 1
        found = self.rows.get(organization_id, OPEN)
        self.begun.set()
        if self.go is not None:
            self.go.wait(5)
        if self.is_away:
            raise PoliciesUnavailableError
        return found

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def make_book(records: Records, clock: Clock) -> Iterator[Callable[..., PolicyBook]]:
    books = []

    def make(**options: int) -> PolicyBook:
        books.append(PolicyBook(records, clock=clock, **options))
        return books[-1]

    yield make
    for book in books:
        book.stop()


@pytest.fixture
def book(make_book: Callable[..., PolicyBook]) -> PolicyBook:
    return make_book()


async def test_an_organization_is_read_once_and_then_known(book, records):
    before = book.known(ADA)

    found = await book.of(ADA)

    assert before is None
    assert found is book.known(ADA) is await book.of(ADA)
    assert (records.reads, records.released) == (1, 1)


async def test_organizations_do_not_share_policies(book, records):
    records.rows[ADA] = WALLED

    assert (await book.of(ADA), await book.of(MALLORY)) == (WALLED, OPEN)


async def test_many_who_ask_at_once_wait_for_one_reading(book, records):
    await asyncio.gather(*[book.of(ADA) for _ in range(50)])

    assert records.reads == 1


async def test_after_its_time_it_is_read_again(book, records, clock):
    await book.of(ADA)
    records.rows[ADA] = WALLED
    clock.now += 30

    assert book.known(ADA) is None
    assert await book.of(ADA) is WALLED


async def test_news_of_a_change_reach_the_next_request_and_nobody_elses(book, records):
    await book.of(ADA)
    await book.of(MALLORY)
    records.rows[ADA] = WALLED

    book.invalidate(of_organization(ADA))

    assert book.known(ADA) is None
    assert book.known(MALLORY) is OPEN
    assert await book.of(ADA) is WALLED


async def test_news_of_a_key_change_nothing(book):
    await book.of(ADA)

    book.invalidate("a1b2c3d4")

    assert book.known(ADA) is OPEN


async def test_what_was_read_before_the_news_is_neither_kept_nor_waited_for(book, records):
    records.go = threading.Event()
    early = asyncio.ensure_future(book.of(ADA))
    await asyncio.to_thread(records.begun.wait, 5)
    records.rows[ADA] = WALLED

    book.invalidate(of_organization(ADA))
    late = asyncio.ensure_future(book.of(ADA))
    await asyncio.sleep(0)
    records.go.set()

    assert await late is WALLED
    await early
    assert book.known(ADA) is WALLED


async def test_while_the_database_is_away_what_was_read_last_is_believed_for_15_minutes(book, records, clock):
    records.rows[ADA] = WALLED
    await book.of(ADA)
    records.is_away = True

    believed = []
    for seconds in (31, 800, 70):
        clock.now += seconds
        believed.append(await book.of(ADA))

    assert believed == [WALLED, WALLED, UNKNOWN]


async def test_an_organization_that_was_never_seen_has_no_cache_while_the_database_is_away(book, records, clock):
    records.is_away = True

    unknown = await book.of(ADA)
    records.is_away = False
    clock.now += 1.5

    assert unknown is UNKNOWN
    assert await book.of(ADA) is OPEN


async def test_what_is_known_to_have_changed_is_not_believed(book, records):
    await book.of(ADA)
    records.is_away = True

    book.invalidate(of_organization(ADA))

    assert await book.of(ADA) is UNKNOWN


async def test_after_a_gap_in_the_news_all_is_read_again(book, records):
    await book.of(ADA)
    records.rows[ADA] = WALLED

    book.connected()

    assert book.known(ADA) is None
    assert await book.of(ADA) is WALLED


async def test_a_gap_in_the_news_while_the_database_is_away_does_not_close_the_cache(book, records):
    await book.of(ADA)
    records.is_away = True

    book.connected()

    assert await book.of(ADA) is OPEN


async def test_the_book_is_bounded(make_book):
    book = make_book(max_entries=3)

    for number in range(10):
        await book.of(UUID(int=number))

    assert len(book) == 3
    assert book.known(UUID(int=9)) is OPEN


async def test_looking_up_what_is_known_takes_microseconds():
    book = PolicyBook(Records())
    await book.of(ADA)

    best = min(_seconds_per_call(book) for _ in range(5))
    book.stop()

    assert best < 20e-6  # 0.3 us when nothing watches; coverage makes each line ten times as dear


def _seconds_per_call(book: PolicyBook) -> float:
    began = time.process_time()
    for _ in range(20_000):
        book.known(ADA)
    return (time.process_time() - began) / 20_000
