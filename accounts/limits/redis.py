"""Counters in Redis, shared by every worker: one script, one round trip, no error when Redis is away."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

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
_VERDICTS = tuple(Verdict)


class _Keys(NamedTuple):
    """A script's keys as they go over the wire, their number in front."""

    number: int
    packed: bytes


class RedisCounters:
    """Commands leave in the turn of the loop in which they are given, together with the cache's."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def take(self, subject: Subject, taking: Taking) -> Awaitable[Reading | None]:
        now_ms = taking.now_ms
        values = (now_ms, taking.requests, taking.requests_limit, taking.tokens, taking.tokens_limit)
        if taking.nano_limit < 0:  # nobody asks for the month
            return _reading(self._run(TAKE, _minute(subject), values))
        money = (taking.nano, taking.nano_limit, taking.floor_nano, taking.owed_nano, expiry_of(now_ms))
        return _reading(self._run(TAKE, _both(subject, month_of(now_ms)), (*values, *money, taking.owed_epoch)))

    def settle(self, subject: Subject, settlement: Settlement) -> Awaitable[bool | None]:
        values = (
            *(slice_of(settlement.taken_ms), settlement.tokens_difference, expiry_of(settlement.taken_ms)),
            *(settlement.held_nano, settlement.spent_nano, settlement.epoch),
        )
        keys = _both(subject, month_of(settlement.taken_ms))
        # asked again, it would come after the next call's, which tells the sum with this in it: it would count twice
        return _is_done(self._run(SETTLE, keys, values, by_text=True))

    def hold(self, subject: Subject, *, taken_ms: int, held_nano: int) -> None:
        connection = self._links.connection
        if connection is not None:
            name = _month_name(subject, month_of(taken_ms))
            connection.tell(pack(b"HINCRBY", name, b"h%d" % expiry_of(taken_ms), b"%d" % held_nano))

    def raise_to(self, subject: Subject, *, now_ms: int, spent_nano: int, epoch: int) -> Awaitable[bool | None]:
        ends = int(next_month(now_ms).timestamp()) + _AFTERLIFE_SECONDS
        keys = _keys(_month_name(subject, month_of(now_ms)))
        return _is_done(self._run(RAISE, keys, (spent_nano, epoch, ends)))

    def _run(self, script: Script, keys: _Keys, values: tuple[int, ...], *, by_text: bool = False) -> "_Running":
        """Sends before it returns."""
        connection = self._links.connection
        called = script.by_text if by_text else script.by_name
        pending = None if connection is None else connection.ask(_command(called, keys, values))
        return _Running(self._links, pending, script, keys, values)


class _Running(NamedTuple):
    """A script on its way."""

    links: Links
    pending: "asyncio.Future[object] | None"
    script: Script
    keys: _Keys
    values: tuple[int, ...]

    async def again(self) -> object:
        """With the script's text, for a Redis that does not know it by its name."""
        connection = self.links.connection
        return (
            None if connection is None else await connection.ask(_command(self.script.by_text, self.keys, self.values))
        )


async def _reply(running: _Running) -> object:
    """None if Redis is out of reach."""
    reply = None if running.pending is None else await running.pending
    if isinstance(reply, ReplyError):
        reply = await running.again() if str(reply).startswith("NOSCRIPT") else None
    return None if isinstance(reply, ReplyError) else reply


async def _reading(running: _Running) -> Reading | None:
    pending = running.pending
    # straight on where nothing is out of the ordinary: each step between costs every hit of a limited key
    reply = None if pending is None else await pending
    if type(reply) is not list:
        reply = await _reply(running)
    if not isinstance(reply, list):
        return None
    verdict, wait_ms, requests, requests_slice, tokens, tokens_slice, spent, held, epoch, expired = reply
    return Reading(
        _VERDICTS[verdict], wait_ms, requests, requests_slice, tokens, tokens_slice, spent, held, epoch, expired == 1
    )


async def _is_done(running: _Running) -> bool | None:
    reply = await _reply(running)
    return None if reply is None else reply == 1


def _command(called: bytes, keys: _Keys, values: tuple[int, ...]) -> bytes:
    parts = 3 + keys.number + len(values)
    return b"*%d\r\n%b%b%b" % (parts, called, keys.packed, b"".join(map(_number, values)))


@lru_cache(maxsize=4096)  # limits and zeros come again and again, and so does a moment where there is much to do
def _number(value: int) -> bytes:
    digits = b"%d" % value
    return b"$%d\r\n%b\r\n" % (len(digits), digits)


@lru_cache(maxsize=8192)
def _minute(subject: Subject) -> _Keys:
    return _keys(_minute_name(subject))


@lru_cache(maxsize=8192)
def _both(subject: Subject, month: datetime) -> _Keys:
    return _keys(_minute_name(subject), _month_name(subject, month))


def _minute_name(subject: Subject) -> bytes:
    return f"{_base(subject)}:minute".encode()


def _month_name(subject: Subject, month: datetime) -> bytes:
    return f"{_base(subject)}:{month:%Y-%m}".encode()


def _base(subject: Subject) -> str:
    """The braces keep an organization on one node of a cluster."""
    return f"acron:{{{subject.organization_id.hex}}}:limit:{subject.kind}:{subject.id.hex}"


def _keys(*names: bytes) -> _Keys:
    packed = b"".join(b"$%d\r\n%b\r\n" % (len(name), name) for name in names)
    return _Keys(len(names), b"$1\r\n%d\r\n%b" % (len(names), packed))
