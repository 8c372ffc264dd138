"""Requests in ever new wordings that are nearly the same as one that was answered, and what they waited for."""

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults import load
from tests.faults.plant import Plant

FRANCE = ("What is", "the capital", "of France?")
_ASKERS = 4
_PAUSE_SECONDS = 0.03
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """`added_seconds`: of the request, without the provider's share."""

    began: float
    status: int
    cache: str
    added_seconds: float


@dataclass
class Log:
    asked: list[Asked] = field(default_factory=list)

    def between(self, began: float, ended: float = math.inf) -> "Log":
        return Log([each for each in self.asked if began <= each.began < ended])

    @property
    def p99_added_seconds(self) -> float:
        seconds = sorted(each.added_seconds for each in self.asked)
        return seconds[math.ceil(len(seconds) * 0.99) - 1]

    @property
    def statuses(self) -> set[int]:
        return {each.status for each in self.asked}

    def count(self, cache: str) -> int:
        return sum(each.cache == cache for each in self.asked)

    def __str__(self) -> str:
        seconds = sorted(each.added_seconds * 1000 for each in self.asked) or [0.0]
        found = dict(Counter(each.cache for each in self.asked))
        return (
            f"{len(self.asked)} requests {found}, added p50 {seconds[len(seconds) // 2]:.0f} ms, "
            f"p99 {self.p99_added_seconds * 1000:.0f} ms, longest {seconds[-1]:.0f} ms"
        )


class Asker:
    """Asks in a namespace of its own, which serves from a low threshold on."""

    def __init__(self, plant: Plant, story: str) -> None:
        self._plant = plant
        self._headers = {"Authorization": f"Bearer {plant.product.key}", "X-ACRON-Cache-Namespace": story}
        self._wordings = _wordings()
        policy = {"semantic": "manual", "semantic_threshold": 0.7}
        status, _, page = plant.product.call(f"/governance/policies/cache/{story}", policy, method="PUT")
        assert status == 200, page

    async def prepare(self) -> None:
        """Returns when both workers serve from tier 2."""
        async with load.session() as session:
            await self._ask(session, " ".join(FRANCE))
            await self.until_similar(session)

    async def until_similar(self, session: aiohttp.ClientSession, *, in_a_row: int = 20) -> float:
        """Seconds until so many in a row were hits: of either worker."""
        began, served = time.monotonic(), 0
        while served < in_a_row:
            asked = await self._ask(session, next(self._wordings), force_close=True)
            served = served + 1 if asked.cache == "HIT-T2" else 0
            assert time.monotonic() < began + _PATIENCE_SECONDS, asked
        return time.monotonic() - began

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[Log]:
        log, is_over = Log(), asyncio.Event()

        async def ask_on_and_on(session: aiohttp.ClientSession) -> None:
            while not is_over.is_set():
                log.asked.append(await self._ask(session, next(self._wordings)))
                await asyncio.sleep(_PAUSE_SECONDS)

        async with load.session() as session, asyncio.TaskGroup() as group:
            for _ in range(_ASKERS):
                group.create_task(ask_on_and_on(session))
            try:
                yield log
            finally:
                is_over.set()

    async def _ask(self, session: aiohttp.ClientSession, text: str, *, force_close: bool = False) -> Asked:
        body: dict[str, Any] = {"model": "standin-0", "messages": [{"role": "user", "content": text}]}
        began = time.monotonic()
        also = {"Connection": "close"} if force_close else {}
        url = f"{self._plant.product.base}{load.CHAT}"
        async with session.post(url, json=body, headers={**self._headers, **also}) as response:
            await response.read()
            added = float(response.headers.get("x-acron-overhead-ms", 0)) / 1000
            return Asked(began, response.status, response.headers.get("x-acron-cache", ""), added)


def _wordings() -> Iterator[str]:
    """Ever new, and hardly different: only tier 2 knows them again."""
    for first, second in itertools.product(range(1, 200), repeat=2):
        yield FRANCE[0] + " " * first + FRANCE[1] + " " * (second + 1) + FRANCE[2]
