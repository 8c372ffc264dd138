"""Keeping answers before anybody asks for them: given ones, or those that the gateway is asked for."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from accounts.principal import Principal
from acron_site.lib.errors import AcronError, InvalidRequestError
from acron_site.lib.ids import new_request_id
from caching.namespaces import named
from inference import usage
from inference.domain import Ask, CacheControls, CacheStatus, Completion
from inference.pipeline import Gateway, Presence
from inference.wire import chat
from inference.wire.http import Head
from inference.wire.openai import completion_of

_FIELDS = {"request", "response"}
_HITS = frozenset(CacheStatus) - {CacheStatus.MISS, CacheStatus.BYPASS}


@dataclass(frozen=True, slots=True)
class Line:
    """What one line of a file says. `response` is None where the gateway shall be asked."""

    number: int
    request: Mapping[str, Any]
    response: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line; `reason` says why it was skipped."""

    number: int
    is_kept: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """A file that was read: what it asks for, and the lines that ask for nothing one could do."""

    good: tuple[Line, ...]
    bad: tuple[Outcome, ...]

    @property
    def asked(self) -> int:
        """How many lines have no answer yet."""
        return sum(line.response is None for line in self.good)


def read(texts: Iterable[str]) -> Lines:
    found = list(_read(texts))
    return Lines(
        tuple(each for each in found if isinstance(each, Line)),
        tuple(each for each in found if isinstance(each, Outcome)),
    )


class Warmer:
    """`namespace` and `ttl_seconds` win over what a request says itself."""

    def __init__(
        self,
        gateway: Gateway,
        principal: Principal,
        presence: Presence,
        *,
        namespace: str = "",
        ttl_seconds: int | None = None,
    ) -> None:
        self._gateway, self._principal, self._presence = gateway, principal, presence
        self._namespace, self._ttl_seconds = namespace, ttl_seconds
        if namespace:
            named(principal.organization_id, namespace)

    async def warm(self, line: Line) -> Outcome:
        try:
            ask = self._ask(line.request)
            reason = await (self._get(ask) if line.response is None else self._keep(ask, line.response))
        except AcronError as error:
            return Outcome(line.number, is_kept=False, reason=error.message)
        return Outcome(line.number, is_kept=not reason, reason=reason)

    async def _keep(self, ask: Ask, response: Mapping[str, Any]) -> str:
        """Why it was not kept, or nothing."""
        await self._gateway.keep_given(self._principal, ask, _completion(response))
        return "" if await self._gateway.keeps(self._principal, ask) else "the cache did not take it; is Redis there?"

    async def _get(self, ask: Ask) -> str:
        answer = await self._gateway.answer(self._principal, ask, self._presence)
        if answer.facts.cache_status in _HITS:
            return "an answer was kept already"
        return (
            "" if await self._gateway.keeps(self._principal, ask) else "it was answered, but such answers are not kept"
        )

    def _ask(self, request: Mapping[str, Any]) -> Ask:
        # plain: a stream's answer is kept under the same fingerprint
        body = {name: value for name, value in request.items() if name not in ("stream", "stream_options")}
        ask = chat.read(orjson.dumps(body), Head(new_request_id(), time.perf_counter()))
        return replace(ask, controls=self._controls(ask.controls))

    def _controls(self, given: CacheControls) -> CacheControls:
        ttl_seconds = given.ttl_seconds if self._ttl_seconds is None else self._ttl_seconds
        return replace(given, namespace=self._namespace or given.namespace, ttl_seconds=ttl_seconds)


def _read(texts: Iterable[str]) -> Iterator[Line | Outcome]:
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            yield _line(number, text)
        except ValueError as error:
            yield Outcome(number, is_kept=False, reason=str(error))


def _line(number: int, text: str) -> Line:
    """Raises ValueError."""
    match orjson.loads(text):
        case {"request": dict(request), **rest} if rest.keys() <= _FIELDS:
            response = rest.get("response")
            if response is None or isinstance(response, dict):
                return Line(number, request, response)
    raise ValueError('a line must be {"request": {...}, "response": {...}}, or {"request": {...}} to have it answered')


def _completion(response: Mapping[str, Any]) -> Completion:
    counted = usage.from_openai(response.get("usage"), service_tier=response.get("service_tier"))
    try:
        return completion_of(response, orjson.dumps(response), counted)
    except ValueError as error:
        raise InvalidRequestError(f"the response is no chat completion: {error}") from error
