"""The ledger's rows held against the provider's list of calls."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg

from analytics.journal import Backlog
from tests.faults.load import Log
from tests.faults.plant import Plant


@dataclass(frozen=True)
class Books:
    """One story in the ledger and at the provider, and how many seconds it took until they agreed."""

    rows: list[tuple[Any, ...]]
    calls: list[str]
    seconds: float
    backlog: Backlog

    @property
    def paid(self) -> list[str]:
        return [user for user, _, _, _, tier in self.rows if tier == 0]

    @property
    def hits(self) -> list[str]:
        return [user for user, _, _, _, tier in self.rows if tier]

    def users(self, status: str) -> set[str]:
        return {user for user, own, _, _, tier in self.rows if own == status and tier == 0}

    def cost_statuses(self, status: str) -> set[str]:
        return {cost_status for _, own, cost_status, _, _ in self.rows if own == status}

    @property
    def is_complete(self) -> bool:
        return set(self.calls) <= set(self.paid) and not self.users("started") and not self.backlog.segments

    def __str__(self) -> str:
        statuses = Counter(status for _, status, *_ in self.rows)
        return f"{len(self.calls)} calls, {len(self.rows)} rows {dict(statuses)}, {self.seconds:.1f} s later"


async def balanced(plant: Plant, story: str, *, within_seconds: float, hits: int = 0) -> Books:
    """The story's books as soon as the ledger has every call and every hit, and none is under way any more."""
    began = time.monotonic()
    calls = [user for user in (await asyncio.to_thread(plant.provider))["calls"] if user.startswith(f"{story}-")]
    while True:
        books = Books(await asyncio.to_thread(_rows, plant, story), calls, time.monotonic() - began, plant.backlog())
        if books.is_complete and len(books.hits) >= hits:
            return books
        missing = sorted(set(books.calls) - set(books.paid))[:5]
        assert books.seconds < within_seconds, f"{books}; without a row: {missing}; started: {books.users('started')}"
        await asyncio.sleep(0.1)


def _rows(plant: Plant, story: str) -> list[tuple[Any, ...]]:
    try:
        return plant.rows(story)
    except psycopg.OperationalError:
        return []  # it is still on its way back


# what an answer says that a provider was asked for, by its own caller
_ASKED = ("MISS", "BYPASS")


def require_exact(books: Books, log: Log) -> None:
    """Every call has one row, every row one call (or none, if it was cut off), and the rows say what callers saw."""
    assert [user for user, count in Counter(books.calls).items() if count > 1] == []
    assert [user for user, count in Counter(books.paid).items() if count > 1] == []
    # what the provider never saw was cut off between the ledger and the network
    assert set(books.paid) - set(books.calls) <= books.users("interrupted")
    assert set(books.calls) <= set(books.paid)
    answered = {each.wish.user for each in log.sent if each.status == 200 and each.cache in _ASKED}
    assert answered <= books.users("ok")
    assert books.cost_statuses("interrupted") <= {"estimated"}
    assert books.backlog.rejected == 0
    assert books.cost_statuses("ok") <= {"priced", "free"}
