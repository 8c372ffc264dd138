"""Whether this process is alive, whether it is ready, and how what it leans on is doing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import psycopg
import redis.asyncio
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from acron_site import __version__, programs
from acron_site.lib.config import Config

CHECK_SECONDS = 0.4
KEEP_SECONDS = 1.0  # how long a result serves, so that whoever asks often costs nothing

Check = Callable[[], Awaitable[bool]]


class Probe:
    """One dependency, looked at with a time limit and not more often than once in KEEP_SECONDS."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.forget()

    def forget(self) -> None:
        self._looked_at = -KEEP_SECONDS
        self._is_up: bool | None = None
        self.was_up = False

    async def is_up(self) -> bool:
        # those who ask while somebody is looking get what was known before
        if self._is_up is not None and time.monotonic() - self._looked_at < KEEP_SECONDS:
            return self._is_up
        self._looked_at = time.monotonic()
        try:
            self._is_up = await asyncio.wait_for(self._check(), CHECK_SECONDS)
        except (OSError, TimeoutError, psycopg.Error, RedisError):
            self._is_up = False
        self.was_up = self.was_up or self._is_up
        return self._is_up


async def _database_answers() -> bool:
    target = connection.settings_dict
    parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {name: str(target[key]) for name, key in parts.items() if target[key]}
    options = {name: value for name, value in target["OPTIONS"].items() if name in ("host", "port", "sslmode")}
    async with await psycopg.AsyncConnection.connect(**{**options, **given}) as session:
        await session.execute("SELECT 1")
    return True


async def _redis_answers() -> bool:
    async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        return bool(await client.ping())


database = Probe(_database_answers)
store = Probe(_redis_answers)
_started = psutil.Process().create_time()  # of this worker; this module is imported with its first page


@require_safe
async def health(_request: HttpRequest) -> JsonResponse:
    """Always 200: a missing part degrades the product, it does not end it."""
    config: Config = settings.ACRON
    uses_redis = config.cache.backend == "redis" and bool(settings.REDIS_URL)
    database_up, store_up = await asyncio.gather(database.is_up(), store.is_up() if uses_redis else _always())
    return _answer(
        {
            "status": "ok" if database_up and store_up else "degraded",
            "version": __version__,
            "cache": {"backend": "redis" if uses_redis else "memory", "status": _word(is_up=store_up)},
            "database": _word(is_up=database_up),
            "workers": programs.worker_count(config),
            "uptime_seconds": round(time.time() - _started, 1),
        }
    )


@require_safe
async def live(_request: HttpRequest) -> JsonResponse:
    return _answer({"status": "ok"})


@require_safe
async def ready(_request: HttpRequest) -> JsonResponse:
    """Ready from the first time the database answers: later it may go, known keys are served without it."""
    is_ready = database.was_up or await database.is_up()
    return _answer({"status": "ok" if is_ready else "waiting for the database"}, status=200 if is_ready else 503)


async def _always() -> bool:
    return True


def _word(*, is_up: bool) -> str:
    return "ok" if is_up else "down"


def _answer(content: dict[str, Any], *, status: int = 200) -> JsonResponse:
    return JsonResponse(content, status=status, headers={"Cache-Control": "no-store"})
