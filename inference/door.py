"""The gateway's own ASGI application: keys, bodies and bytes, without Django's middleware."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import Any

import orjson

from accounts.directory import KeyDirectory
from accounts.keys import token_from
from accounts.principal import Principal
from accounts.scopes import Scope
from acron_site.lib.asgi import HANG_UP, WHOLE_RESPONSE
from acron_site.lib.errors import (
    AcronError,
    MethodNotAllowedError,
    NotFoundError,
    OverloadedError,
)
from inference.domain import Answer, Ask, EventStream, Format, RoutingMode
from inference.line import Line
from inference.pipeline import Gateway
from inference.stored_responses import PREFIX, StoredResponses
from inference.token_count import TokenCounter
from inference.wire import chat, embeddings, headers, keys, messages, models, native, responses
from inference.wire.addresses import Proxies
from inference.wire.formats import MANNERS
from inference.wire.http import CallerGone, Head, read_body, read_head, refusal
from inference.workflows import reading
from inference.workflows.conductor import Conductor, WorkflowStream
from inference.workflows.reading import Flow

logger = logging.getLogger(__name__)

Scoped = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


Reader = Callable[[bytes, Head], Ask]


class Exchange:
    """One request at the door and the way back to its caller, whose hanging up it notices."""

    __slots__ = (
        *("_stays", "_task", "_watcher"),
        *("has_begun", "head", "held_bytes", "is_gone", "receive", "scope", "send"),
    )

    def __init__(self, scope: Scoped, head: Head, receive: Receive, send: Send) -> None:
        self.scope, self.head, self.receive, self.send = scope, head, receive, send
        self.is_gone = self.has_begun = False  # has_begun: a stream's head is out, so no error can follow it
        self._task: asyncio.Task[Any] | None = None  # to be cancelled when the caller hangs up
        self._stays: Callable[[], bool] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.held_bytes = 0  # of its body, as far as they count against what the worker takes in

    def watch(self, stays: Callable[[], bool] | None = None) -> None:
        """From now on, cancel the current task when the caller hangs up; unless `stays` says that it must go on."""
        self._stays = stays
        if self._task is not None:
            return
        self._task = asyncio.current_task()
        notify = self.scope.get("extensions", {}).get(HANG_UP)
        if notify is None:
            self._watcher = asyncio.get_running_loop().create_task(self._wait())
        else:
            notify(self._hang_up)

    def stop_watching(self) -> None:
        self._task = None
        if self._watcher is not None:
            self._watcher.cancel()

    async def _wait(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self._hang_up()

    def _hang_up(self) -> None:
        self.is_gone = True
        if self._task is not None and (self._stays is None or not self._stays()):
            self._task.cancel()


Handler = Callable[[Principal, Exchange], Awaitable[None]]

_ONE_MODEL = "/v1/models/"
# addresses that tell errors in another way than OpenAI's, by what their path begins with
_FORMATS: dict[str, Format] = {"/v1/messages": Format.MESSAGES}


class Door:
    """Serves the gateway's addresses: `/infer`, and under `/v1/` what OpenAI's and Anthropic's clients ask for."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        conductor: Conductor,
        keys: KeyDirectory,
        models: Callable[[Principal], bytes],
        counter: TokenCounter,
        stored: StoredResponses,
        proxies: Proxies,
        default_mode: RoutingMode,
        max_body_bytes: int,
        max_in_flight: int,
        max_in_flight_bytes: int,
        keep_alive_seconds: float,
    ) -> None:
        self._gateway, self._conductor, self._keys = gateway, conductor, keys
        self._models, self._counter = models, counter
        self._stored, self._proxies, self._default_mode = stored, proxies, default_mode
        self._max_body_bytes, self._max_in_flight = max_body_bytes, max_in_flight
        self._max_in_flight_bytes, self._keep_alive_seconds = max_in_flight_bytes, keep_alive_seconds
        self._in_flight = self._in_flight_bytes = 0
        self._routes: dict[str, tuple[str, Handler]] = {
            "/v1/chat/completions": ("POST", partial(self._answer, chat.read)),
            "/v1/messages": ("POST", partial(self._answer, messages.read)),
            "/v1/messages/count_tokens": ("POST", self._count_tokens),
            "/v1/responses": ("POST", partial(self._answer, responses.read)),
            "/v1/embeddings": ("POST", partial(self._answer, embeddings.read)),
            "/infer": ("POST", self._infer),
            "/v1/models": ("GET", self._list_models),
            "/v1/key": ("GET", self._tell_of_key),
        }

    @staticmethod
    def owns(path: str) -> bool:
        return path.startswith("/v1/") or path in ("/infer", "/v1")

    async def __call__(self, scope: Scoped, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, read_head(scope["headers"], perf_counter()), receive, send)
        self._in_flight += 1
        try:
            await self._serve(exchange)
        except AcronError as error:
            await _refuse(exchange, error)
        except CallerGone:
            pass
        except asyncio.CancelledError:
            if not exchange.is_gone:
                raise
        except Exception:  # the worker's own loop: a bug in one request must answer in our shape and be found again
            logger.exception("gateway.failed", extra={"request_id": exchange.head.request_id})
            if exchange.has_begun:
                raise  # the server cuts the connection: half a stream must not look whole
            await _refuse(exchange, AcronError("ACRON failed; its log names the cause under this request id"))
        finally:
            exchange.stop_watching()
            self._in_flight -= 1

    async def _serve(self, exchange: Exchange) -> None:
        path, method = exchange.scope["path"], exchange.scope["method"]
        expected, handler = self._route(path, method)
        if method != expected:
            raise MethodNotAllowedError(f"{path} takes {expected} only", headers={"allow": expected})
        if self._in_flight > self._max_in_flight:
            raise _too_much()
        try:
            # what is larger is refused when it is read
            self._take_in(exchange, min(exchange.head.content_length, self._max_body_bytes))
            if not exchange.head.content_length:
                exchange.receive = self._metered(exchange, exchange.receive)
            await handler(await self._principal(exchange), exchange)
        finally:
            self._in_flight_bytes -= exchange.held_bytes

    def _take_in(self, exchange: Exchange, size: int) -> None:
        if self._in_flight_bytes + size > self._max_in_flight_bytes:
            raise _too_much()
        exchange.held_bytes += size
        self._in_flight_bytes += size

    def _metered(self, exchange: Exchange, receive: Receive) -> Receive:
        """For a body whose length was not announced: its pieces count as they come."""

        async def metered() -> MutableMapping[str, Any]:
            message = await receive()
            self._take_in(exchange, len(message.get("body", b"")))
            return message

        return metered

    def _route(self, path: str, method: str) -> tuple[str, Handler]:
        """Which method an address takes, and what serves it."""
        route = self._routes.get(path)
        if route is not None:
            return route
        if path.startswith(PREFIX):  # what may be done with a kept response depends on the rest of the address
            return method, self._relay_stored
        name = path.removeprefix(_ONE_MODEL)
        if name and name != path:  # it may have slashes of its own
            return "GET", partial(self._tell_of_model, name)
        raise NotFoundError(f"there is no {path[:200]} here; /docs lists every address")

    async def _principal(self, exchange: Exchange) -> Principal:
        token = token_from(exchange.head.authorization, exchange.head.api_key)
        principal = self._keys.cached(token) if token else None
        if principal is None:  # not remembered, or not without the caller's address
            principal = await self._keys.identify(token, self._proxies.caller_of(exchange.scope))
        principal.require(Scope.INFER)
        return principal

    async def _answer(self, read: Reader, principal: Principal, exchange: Exchange) -> None:
        """One of the formats that are relayed as they are: `read` makes the body an ask."""
        ask = read(await read_body(exchange.receive, exchange.head, self._max_body_bytes), exchange.head)
        if flow := _flow_of(ask):
            await self._conduct(principal, exchange, flow)
            return
        answer = await self._answered(principal, ask, exchange)
        if answer.stream is None:
            await _send(exchange, 200, headers.of_answer(answer), answer.body)
        else:
            await self._stream(exchange, headers.of_answer(answer), answer.stream, answer.stream.__aiter__())

    async def _infer(self, principal: Principal, exchange: Exchange) -> None:
        body = await read_body(exchange.receive, exchange.head, self._max_body_bytes)
        ask = native.read(body, exchange.head, default_mode=self._default_mode)
        if flow := _flow_of(ask):
            await self._conduct(principal, exchange, flow)
            return
        answer = await self._answered(principal, ask, exchange)
        if answer.stream is None:
            await _send(exchange, 200, headers.of_answer(answer), native.write(answer))
        else:
            await self._stream(exchange, headers.of_answer(answer), answer.stream, native.stream(answer, answer.stream))

    async def _conduct(self, principal: Principal, exchange: Exchange, flow: Flow) -> None:
        """A request of several steps."""
        exchange.watch()
        if not flow.ask.stream:
            told = await self._conductor.answer(principal, flow)
            await _send(exchange, told.status, told.headers, told.body)
            return
        stream = await self._conductor.stream(principal, flow)
        await self._stream(exchange, headers.of_events(flow.ask.request_id), stream, stream.__aiter__())

    async def _answered(self, principal: Principal, ask: Ask, exchange: Exchange) -> Answer:
        answer = await self._gateway.answer(principal, ask, exchange)
        return answer if ask.optimised_tokens is None else self._gateway.with_optimised(answer, ask.optimised_tokens)

    async def _relay_stored(self, principal: Principal, exchange: Exchange) -> None:
        scope = exchange.scope
        entry = None if principal.rules is None else self._gateway.allowances.enter(principal)
        if entry is not None:
            await self._gateway.allowances.admit(entry)
        body = await self._stored.relay(
            principal, exchange, method=scope["method"], path=scope["path"], query=scope.get("query_string", b"")
        )
        await _send(exchange, 200, headers.of_document(exchange.head.request_id), body)

    async def _list_models(self, principal: Principal, exchange: Exchange) -> None:
        await _send(exchange, 200, headers.of_document(exchange.head.request_id), self._models(principal))

    async def _tell_of_model(self, name: str, principal: Principal, exchange: Exchange) -> None:
        found = models.one(self._models(principal), name)
        await _send(exchange, 200, headers.of_document(exchange.head.request_id), found)

    async def _count_tokens(self, principal: Principal, exchange: Exchange) -> None:
        body = await read_body(exchange.receive, exchange.head, self._max_body_bytes)
        limits, count = await self._counter.count(principal, messages.read_count(body, exchange.head), exchange)
        own = headers.of_document(exchange.head.request_id) + headers.of_limits(limits)
        await _send(exchange, 200, own, orjson.dumps({"input_tokens": count}))

    async def _tell_of_key(self, principal: Principal, exchange: Exchange) -> None:
        standing = await self._gateway.allowances.standing(principal)
        own = [*headers.of_document(exchange.head.request_id), (b"cache-control", b"no-store")]
        await _send(exchange, 200, own, keys.write(principal, standing))

    async def _stream(
        self,
        exchange: Exchange,
        own: headers.Headers,
        stream: EventStream | WorkflowStream,
        events: AsyncIterator[bytes],
    ) -> None:
        """Sends `events`, which are made of `stream`; whatever happens, the stream is closed and thereby recorded."""
        exchange.watch()
        async with aclosing(stream):
            exchange.has_begun = True
            await exchange.send({"type": "http.response.start", "status": 200, "headers": own})
            silent_seconds = perf_counter() - exchange.head.started
            line = Line(exchange.send, self._keep_alive_seconds, silent_seconds=silent_seconds)
            try:
                async for piece in events:
                    await line.send(piece)
                await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                line.stop()


def _flow_of(ask: Ask) -> Flow | None:
    """The steps of a request that has some."""
    return None if ask.workflow is None else reading.flow_of(ask)


def _too_much() -> OverloadedError:
    return OverloadedError("too many requests at once; try again shortly", headers={"retry-after": "1"})


async def _refuse(exchange: Exchange, error: AcronError) -> None:
    path = exchange.scope["path"]
    spoken = next((spoken for start, spoken in _FORMATS.items() if path.startswith(start)), Format.CHAT)
    await _send(exchange, *refusal(error, exchange.head.request_id, MANNERS[spoken].error_body))


async def _send(exchange: Exchange, status: int, own: headers.Headers, body: bytes) -> None:
    own.append((b"content-length", b"%d" % len(body)))
    if WHOLE_RESPONSE in exchange.scope.get("extensions", ()):
        await exchange.send({"type": WHOLE_RESPONSE, "status": status, "headers": own, "body": body})
        return
    await exchange.send({"type": "http.response.start", "status": status, "headers": own})
    await exchange.send({"type": "http.response.body", "body": body})
