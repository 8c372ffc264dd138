"""Django's cache in Redis, with a spare in the process for as long as Redis is away."""

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from redis import RedisError

logger = logging.getLogger(__name__)

_IS_AWAY = (RedisError, ConnectionInterrupted, OSError)
_PAUSE_SECONDS = 5.0  # one call in this time waits for a Redis that does not answer, not every call


class RedisWithSpare(BaseCache):
    """Throttles go on counting, each process for itself, and used one-time codes stay used.

    What was put into one of the two is not looked for in the other.
    """

    _asked_again_at: ClassVar[dict[str, float]] = {}

    def __init__(self, server: str, params: dict[str, Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(params)
        self._server, self._clock = server, clock
        self._redis: Any = RedisCache(server, params)
        self._spare: Any = LocMemCache(f"spare of {server}", {})

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._call("add", *args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._call("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._call("touch", *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._call("delete", *args, **kwargs))

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._call("incr", *args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(self._call("get_many", *args, **kwargs))

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._call("has_key", *args, **kwargs))

    def clear(self) -> None:
        self._spare.clear()
        self._call("clear")

    def close(self, **kwargs: Any) -> None:
        self._redis.close(**kwargs)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self._clock() >= self._asked_again_at.get(self._server, 0.0):
            try:
                return getattr(self._redis, name)(*args, **kwargs)
            except _IS_AWAY as error:
                self._asked_again_at[self._server] = self._clock() + _PAUSE_SECONDS
                logger.warning("cache.away", extra={"cause": type(error).__name__})
        return getattr(self._spare, name)(*args, **kwargs)
