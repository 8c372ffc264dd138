"""Responses that OpenAI keeps for an organization's own key: read, cancelled and deleted there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

import orjson

from accounts.principal import Principal
from acron_site.lib.errors import (
    AcronError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    UnknownModelError,
    UpstreamError,
)
from inference.providers.base import Call, Transport
from inference.providers.responses_native import ResponsesDialect

PREFIX = "/v1/responses/"

_PATH = re.compile(r"resp_[A-Za-z0-9_-]{1,200}(?P<rest>|/cancel|/input_items)", re.ASCII)
_METHODS = {"": ("GET", "DELETE"), "/cancel": ("POST",), "/input_items": ("GET",)}
_PARAMETERS = frozenset({"include", "include[]", "after", "limit", "order", "starting_after"})
_MOST_PARAMETERS = 32
_REFUSED = 300


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where an organization's responses are kept: its own key at OpenAI."""

    dialect: ResponsesDialect
    base_url: str
    transport: Transport


class Presence(Protocol):
    def watch(self, stays: Callable[[], bool] | None = None) -> None: ...


class StoredResponses:
    """Relays to OpenAI with the organization's own key. With the operator's key nothing is kept, so nothing is found.

    `shelf_of` finds an organization's own key; None when it has none.
    """

    def __init__(self, shelf_of: Callable[[Principal], Shelf | None]) -> None:
        self._shelf_of = shelf_of

    async def relay(self, principal: Principal, presence: Presence, *, method: str, path: str, query: bytes) -> bytes:
        """The body of OpenAI's answer. Reading is free, so the ledger has no row of it."""
        found = _PATH.fullmatch(path.removeprefix(PREFIX))
        if found is None:
            raise NotFoundError(f"there is no {path[:200]} here; /docs lists every address")
        methods = _METHODS[found["rest"]]
        if method not in methods:
            expected = ", ".join(methods)
            raise MethodNotAllowedError(f"this address takes {expected} only", headers={"allow": expected})
        parameters = _parameters(query)
        shelf = self._shelf_of(principal)
        if shelf is None:
            raise NotFoundError(
                "no response is kept under this id: they are kept for organizations with a provider key of their own "
                "only (/settings/providers); send the whole conversation as input instead"
            )
        presence.watch()
        return await _fetched(shelf, shelf.dialect.stored_call(shelf.base_url, method, found[0] + parameters))


async def _fetched(shelf: Shelf, call: Call) -> bytes:
    reply = await shelf.transport.send(call)
    try:
        body = await reply.read()
        if reply.status >= _REFUSED:
            raise _refusal(shelf.dialect.refusal(reply.status, reply.headers, body))
    finally:
        reply.close()
    try:
        is_answer = isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        is_answer = False
    if not is_answer:
        raise UpstreamError("OpenAI sent something that is no answer; try again")
    return body


def _refusal(error: AcronError) -> AcronError:
    """What is not found here is no model."""
    if isinstance(error, UnknownModelError) and error.status == HTTPStatus.NOT_FOUND:
        return NotFoundError(error.message, param=error.param)
    return error


def _parameters(query: bytes) -> str:
    """Those OpenAI knows here, written anew; others are left out."""
    try:
        given = parse_qsl(query.decode("ascii"), max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise InvalidRequestError(f"the query is malformed; send at most {_MOST_PARAMETERS} parameters") from None
    if ("stream", "true") in given:
        raise InvalidRequestError("a kept response cannot be streamed again; leave 'stream' out", param="stream")
    known = [(name, value) for name, value in given if name in _PARAMETERS]
    return f"?{urlencode(known)}" if known else ""
