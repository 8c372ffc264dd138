"""News of revoked keys, from the process that revokes to every worker, over Redis."""

import asyncio
import logging
from functools import cached_property
from time import monotonic
from typing import Protocol
from uuid import UUID

import redis
import redis.asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

CHANNEL = "acron:revoked-keys"

_TIMEOUT_SECONDS = 0.5
_PULSE_SECONDS = 0.2  # three fit into the time that one sign of life counts for
_SILENCE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 2.0


_ORGANIZATION = "org:"  # no prefix of a key holds a colon


def of_organization(organization_id: UUID) -> str:
    """The news that something changed which all keys of an organization carry."""
    return f"{_ORGANIZATION}{organization_id}"


def organization_in(news: str) -> UUID | None:
    """The organization whose keys the news are about; None when they are about one key."""
    if not news.startswith(_ORGANIZATION):
        return None
    try:
        return UUID(news.removeprefix(_ORGANIZATION))
    except ValueError:  # not of ours; listening goes on
        return None


class Listener(Protocol):
    """Who wants to know of revoked keys."""

    def connected(self) -> None:
        """News arrive from now on; earlier ones may have been missed."""
        ...

    def heard(self) -> None:
        """The channel lives."""
        ...

    def invalidate(self, news: str) -> None:
        """A key's prefix, or what `of_organization` makes."""
        ...


class Revocations(Protocol):
    def publish(self, prefix: str) -> None:
        """Tells every worker. A failure is logged: workers read their keys again within their cache's time."""
        ...

    async def follow(self, listener: Listener) -> None:
        """Passes news on for as long as the process lives; reconnects by itself."""
        ...


class RedisRevocations:
    def __init__(self, url: str, *, channel: str = CHANNEL) -> None:
        self._url, self._channel = url, channel
        self._is_heard: bool | None = None  # None: not tried yet

    def publish(self, prefix: str) -> None:
        try:
            self._client.publish(self._channel, prefix)
        except redis.RedisError as error:
            # the trace would add nothing: Redis is away
            logger.error(  # noqa: TRY400
                "keys.revocation_unpublished", extra={"prefix": prefix, "cause": type(error).__name__}
            )

    async def follow(self, listener: Listener) -> None:
        pause = _PULSE_SECONDS
        while True:
            try:
                await self._listen(listener)
            except (redis.RedisError, OSError, TimeoutError) as error:
                pause = _PULSE_SECONDS if self._is_heard else min(pause * 2, _LONGEST_PAUSE_SECONDS)
                self._note_silence(error)
            await asyncio.sleep(pause)

    @cached_property
    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(ConstantBackoff(0.05), 2),
        )

    async def _listen(self, listener: Listener) -> None:
        """Raises when the connection is lost or falls silent."""
        client = redis.asyncio.Redis.from_url(
            self._url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=AsyncRetry(NoBackoff(), 0),
            decode_responses=True,
        )
        async with client, client.pubsub() as pubsub:
            await pubsub.subscribe(self._channel)
            await self._pass_on(pubsub, listener)

    async def _pass_on(self, pubsub: PubSub, listener: Listener) -> None:
        heard_at = monotonic()
        while monotonic() - heard_at < _SILENCE_SECONDS:
            _require_wanted()
            message = await pubsub.get_message(timeout=_PULSE_SECONDS)
            if message is None:
                await pubsub.ping()
                continue
            heard_at = monotonic()
            if message["type"] == "subscribe":
                self._is_heard = True
                listener.connected()
            elif message["type"] == "message":
                listener.invalidate(message["data"])
            listener.heard()
        raise TimeoutError("Redis has fallen silent")

    def _note_silence(self, error: Exception) -> None:
        # once per change, not per attempt
        if self._is_heard is not False:
            logger.warning("keys.revocations_unheard", extra={"cause": type(error).__name__})
        self._is_heard = False


def _require_wanted() -> None:
    """Raises CancelledError where that was forgotten: redis-py sends by `asyncio.wait_for`, which until Python 3.12
    returns what is there already although its task is cancelled (https://github.com/python/cpython/issues/86296)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
