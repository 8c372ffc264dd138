"""Counters in Redis, shared by every worker: one script, one round trip, no error when Redis is away."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from functools import lru_cache

from hiredis import ReplyError

from accounts.limits.domain import (
    Reading,
    Settlement,
    Subject,
    Taking,
    Verdict,
    expiry_of,
    month_of,
    next_month,
    slice_of,
)
from accounts.limits.scripts import RAISE, SETTLE, TAKE, Script
from acron_site.lib.redis_connection import pack
from acron_site.lib.redis_links import Links

# a month's counter outlives its month: calls that began in it are settled after it
_AFTERLIFE_SECONDS = 2 * 86_400


class RedisCounters:
    """Commands leave in the turn of the loop in which they are given, together with the cache's."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def take(self, subject: Subject, taking: Taking) -> Awaitable[Reading | None]:
        values = (
            *(taking.now_ms, taking.requests, taking.requests_limit, taking.tokens, taking.tokens_limit),
            *(taking.nano, taking.nano_limit, taking.floor_nano, taking.owed_nano, expiry_of(taking.now_ms)),
            taking.owed_epoch,
        )
        return _reading(self._run(TAKE, _keys(subject, taking.now_ms), values))

    def settle(self, subject: Subject, settlement: Settlement) -> Awaitable[bool | None]:
        values = (
            *(slice_of(settlement.taken_ms), settlement.tokens_difference, expiry_of(settlement.taken_ms)),
            *(settlement.held_nano, settlement.spent_nano, settlement.epoch),
        )
        return _is_done(self._run(SETTLE, _keys(subject, settlement.taken_ms), values))

    def hold(self, subject: Subject, *, taken_ms: int, held_nano: int) -> None:
        connection = self._links.connection
        if connection is not None:
            _, month = _keys(subject, taken_ms)
            connection.tell(pack(b"HINCRBY", month, b"h%d" % expiry_of(taken_ms), b"%d" % held_nano))

    def raise_to(self, subject: Subject, *, now_ms: int, spent_nano: int, epoch: int) -> Awaitable[bool | None]:
        ends = int(next_month(now_ms).timestamp()) + _AFTERLIFE_SECONDS
        return _is_done(self._run(RAISE, _keys(subject, now_ms)[1:], (spent_nano, epoch, ends)))

    def _run(self, script: Script, keys: tuple[bytes, ...], values: tuple[int, ...]) -> Awaitable[object]:
        """The script's reply, None if Redis is out of reach. Sends before it returns."""
        connection = self._links.connection
        pending = connection.ask(_command(b"EVALSHA", script.name, keys, values)) if connection else None
        return self._reply(pending, script, keys, values)

    async def _reply(
        self,
        pending: "asyncio.Future[object] | None",
        script: Script,
        keys: tuple[bytes, ...],
        values: tuple[int, ...],
    ) -> object:
        reply = await pending if pending is not None else None
        if isinstance(reply, ReplyError) and str(reply).startswith("NOSCRIPT"):
            connection = self._links.connection
            reply = await connection.ask(_command(b"EVAL", script.text, keys, values)) if connection else None
        return None if isinstance(reply, ReplyError) else reply


async def _reading(running: Awaitable[object]) -> Reading | None:
    reply = await running
    if not isinstance(reply, list):
        return None
    verdict, wait_ms, requests, requests_slice, tokens, tokens_slice, spent, held, epoch, expired = reply
    return Reading(
        verdict=Verdict(verdict),
        wait_ms=wait_ms,
        requests=requests,
        requests_slice=requests_slice,
        tokens=tokens,
        tokens_slice=tokens_slice,
        spent_nano=spent,
        held_nano=held,
        epoch=epoch,
        has_expired=bool(expired),
    )


async def _is_done(running: Awaitable[object]) -> bool | None:
    reply = await running
    return None if reply is None else reply == 1


def _command(verb: bytes, script: bytes, keys: tuple[bytes, ...], values: tuple[int, ...]) -> bytes:
    return pack(verb, script, b"%d" % len(keys), *keys, *[b"%d" % value for value in values])


def _keys(subject: Subject, now_ms: int) -> tuple[bytes, bytes]:
    return _keys_in(subject, month_of(now_ms))


@lru_cache(maxsize=8192)
def _keys_in(subject: Subject, month: datetime) -> tuple[bytes, bytes]:
    """The braces keep an organisation on one node of a cluster."""
    base = f"acron:{{{subject.organization_id.hex}}}:limit:{subject.kind}:{subject.id.hex}"
    return f"{base}:minute".encode(), f"{base}:{month:%Y-%m}".encode()
