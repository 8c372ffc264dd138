"""Is a worker's memory flat? Mixed requests against one worker, its memory looked at every thousand.

Run as `python -m tests.faults.soak --requests 30000`.
"""

import argparse
import asyncio
import contextlib
import importlib
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psutil

from tests.clients import standing, upstream
from tests.live import Live

MOST_GROWTH_PERCENT = 5.0
_EVERY = 1000
_WARM_UP_REQUESTS = 5000
_CLIENTS = 24
_ASKED_AGAIN = 50  # questions that are asked over and over
_PATIENCE_SECONDS = 0.05  # of those who hang up
_PATH = "/v1/chat/completions"
_TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_FAULTS = ("err-400", "err-429", "err-500", "no-such-model", "cut")


@dataclass
class Memory:
    """Samples of (requests so far, MB), and what the answers were."""

    warm_up: int
    samples: list[tuple[int, float]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def settled(self) -> list[tuple[int, float]]:
        return [sample for sample in self.samples if sample[0] >= self.warm_up]

    @property
    def growth_percent(self) -> float:
        """From the warm-up to the end, by the line through all samples: single ones jump."""
        slope, start = self._line()
        first, last = self.settled[0][0], self.settled[-1][0]
        return 100 * slope * (last - first) / (start + slope * first)

    @property
    def slope(self) -> float:
        """MB for 10,000 requests."""
        return self._line()[0] * 10_000

    def _line(self) -> tuple[float, float]:
        counts, sizes = zip(*self.settled, strict=True)
        found = statistics.linear_regression(counts, sizes)
        return found.slope, found.intercept

    def __str__(self) -> str:
        sizes = [size for _, size in self.settled]
        return (
            f"{self.samples[-1][0]} requests in {self.seconds:.0f} s {dict(self.answers)}: {sizes[0]:.1f} MB after"
            f" {self.warm_up}, {sizes[-1]:.1f} MB at the end, slope {self.slope:+.2f} MB per 10,000,"
            f" growth {self.growth_percent:+.2f} %"
        )


class Soak:
    """Requests of many clients; the n-th is always the same kind."""

    def __init__(self, product: Live, session: aiohttp.ClientSession) -> None:
        self._url = product.base + _PATH
        self._headers = {"Authorization": f"Bearer {product.key}"}
        self._session = session
        self._kinds: list[Callable[[int], Awaitable[str]]] = [
            *(self._again, self._again, self._again, self._plain, self._plain),
            *(self._stream, self._stream, self._tools, self._fault, self._hang_up),
        ]

    async def request(self, number: int) -> str:
        """What became of it."""
        return await self._kinds[number % len(self._kinds)](number)

    async def _again(self, number: int) -> str:
        return await self._send({"messages": _asked(f"again {number % _ASKED_AGAIN}")})

    async def _plain(self, number: int) -> str:
        return await self._send({"messages": _asked(f"once {number}")})

    async def _stream(self, number: int) -> str:
        return await self._send({"messages": _asked(f"a stream {number}"), "stream": True})

    async def _tools(self, number: int) -> str:
        tool = {"type": "function", "function": {"name": "get_weather", "parameters": _TOOL}}
        return await self._send({"messages": _asked(f"Paris or Rome {number}"), "tools": [tool]})

    async def _fault(self, number: int) -> str:
        model = _FAULTS[number // len(self._kinds) % len(_FAULTS)]
        return await self._send({"model": model, "messages": _asked(f"fail {number}"), "stream": model == "cut"})

    async def _hang_up(self, number: int) -> str:
        body = {"model": "slow", "messages": _asked(f"wait {number}"), "stream": bool(number % 20 < 10)}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._send(body)
        return "hung up"

    async def _send(self, body: dict[str, Any]) -> str:
        asked = {"model": "gpt-6-luna", **body}
        async with self._session.post(self._url, json=asked, headers=self._headers) as response:
            with contextlib.suppress(aiohttp.ClientPayloadError):
                await response.read()
            return str(response.status)


async def run(product: Live, requests: int, *, warm_up: int = _WARM_UP_REQUESTS) -> Memory:
    """Sends them and looks on."""
    worker = psutil.Process(product.workers()[0])
    memory, numbers, began = Memory(warm_up), iter(range(1, requests + 1)), time.monotonic()

    async def ask_on_and_on(soak: Soak) -> None:
        for number in numbers:
            memory.answers[await soak.request(number)] += 1
            if number % _EVERY == 0:
                memory.samples.append((number, worker.memory_info().rss / 1e6))

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(_CLIENTS):
            group.create_task(ask_on_and_on(Soak(product, session)))
    memory.seconds = time.monotonic() - began
    assert worker.is_running(), "the worker has ended"
    return memory


def _asked(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=30_000)
    options = parser.parse_args()
    if options.requests < _WARM_UP_REQUESTS + 3 * _EVERY:
        parser.error(f"take {_WARM_UP_REQUESTS + 3 * _EVERY} requests at least: the first ones warm up")
    importlib.import_module("acron_site.settings_test")  # the services of a test run
    with upstream.running() as address, standing.product(address) as product:
        memory = asyncio.run(run(product, options.requests))
    for requests, size in memory.samples:
        print(f"{requests:>8} requests  {size:7.1f} MB")
    print(memory)
    return 0 if memory.growth_percent < MOST_GROWTH_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
