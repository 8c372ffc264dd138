"""Requests of many clients at once, and what became of each."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults.plant import Plant

CLIENTS = 60
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
# what only a whole stream ends with
ENDINGS = {CHAT: "data: [DONE]", MESSAGES: '"message_stop"'}
_PAUSE_AFTER_TROUBLE_SECONDS = 0.1
_BROKEN = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """One request to be made. `user` is its name in the books of provider and ledger."""

    user: str
    question: str
    key: str
    model: str = "standin-100"
    stream: bool = False
    path: str = CHAT
    idempotency_key: str = ""
    fallbacks: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        asked = [{"role": "user", "content": self.question}]
        common = {"model": self.model, "messages": asked, "stream": self.stream}
        if self.path == MESSAGES:
            return {**common, "max_tokens": 64, "metadata": {"user_id": self.user}}
        own = {"acron": {"fallbacks": self.fallbacks}} if self.fallbacks else {}
        return {**common, "user": self.user, **own}

    @property
    def headers(self) -> dict[str, str]:
        once = {"Idempotency-Key": self.idempotency_key} if self.idempotency_key else {}
        return {"Authorization": f"Bearer {self.key}", **once}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and its end. Times are monotonic; a status of 0 means that the answer broke off."""

    wish: Wish
    began: float
    ended: float
    status: int = _BROKEN
    text: str = ""
    cache: str = ""
    retry_after: str = ""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class Log:
    """What was sent, in the order in which it ended."""

    sent: list[Sent] = field(default_factory=list)

    def users(self, *statuses: int) -> set[str]:
        return {each.wish.user for each in self.sent if each.status in statuses}

    def besides(self, status: int) -> list[Sent]:
        return [each for each in self.sent if each.status != status]

    def since(self, moment: float, until: float = math.inf) -> "Log":
        return Log([each for each in self.sent if moment <= each.began < until])

    def __str__(self) -> str:
        seconds = sorted(each.seconds for each in self.sent) or [0.0]
        middle, high = seconds[len(seconds) // 2], seconds[math.ceil(len(seconds) * 0.99) - 1]
        return f"{len(self.sent)} requests, p50 {middle:.3f} s, p99 {high:.3f} s, longest {seconds[-1]:.3f} s"

    @property
    def p99_seconds(self) -> float:
        seconds = sorted(each.seconds for each in self.sent)
        return seconds[math.ceil(len(seconds) * 0.99) - 1]


def unique_wishes(plant: Plant, story: str) -> Callable[[int, int], Wish]:
    """Plain and streamed questions by turns, each asked once."""

    def wish(client: int, turn: int) -> Wish:
        user = f"{story}-{client}-{turn}"
        return Wish(user, f"What does {user} want?", plant.product.key, stream=bool(turn % 2))

    return wish


def session(*, keeps_connections: bool = True) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=not keeps_connections),
        timeout=aiohttp.ClientTimeout(total=30),
    )


async def send(client: aiohttp.ClientSession, plant: Plant, wish: Wish) -> Sent:
    began = time.monotonic()
    try:
        async with client.post(plant.product.base + wish.path, json=wish.body, headers=wish.headers) as response:
            text = await response.text()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Sent(wish, began, time.monotonic(), text=repr(error))
    is_cut_off = wish.stream and response.status == 200 and ENDINGS[wish.path] not in text
    return Sent(
        wish,
        began,
        time.monotonic(),
        status=_BROKEN if is_cut_off else response.status,
        text=text,
        cache=response.headers.get("x-acron-cache", ""),
        retry_after=response.headers.get("Retry-After", ""),
    )


async def send_all(plant: Plant, wishes: Iterable[Wish]) -> Log:
    async with session() as client:
        return Log(await asyncio.gather(*(send(client, plant, wish) for wish in wishes)))


@asynccontextmanager
async def under_load(
    plant: Plant, wish: Callable[[int, int], Wish], *, keeps_connections: bool = True
) -> AsyncIterator[Log]:
    """As many requests at a time as there are clients, until the block ends and the last ones are answered."""
    log, is_over = Log(), asyncio.Event()

    async def ask_on_and_on(session: aiohttp.ClientSession, client: int) -> None:
        turn = 0
        while not is_over.is_set():
            sent = await send(session, plant, wish(client, turn))
            log.sent.append(sent)
            turn += 1
            if sent.status != 200:
                await asyncio.sleep(_PAUSE_AFTER_TROUBLE_SECONDS)

    async with session(keeps_connections=keeps_connections) as shared, asyncio.TaskGroup() as group:
        for client in range(CLIENTS):
            group.create_task(ask_on_and_on(shared, client))
        try:
            yield log
        finally:
            is_over.set()
