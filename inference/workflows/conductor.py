"""Answers a request with a workflow: once for its Idempotency-Key, whole or as a stream of what happens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from accounts.principal import Principal
from acron_site.lib.ids import uuid7
from caching.exact import Entry
from caching.idempotency import Claim, Idempotency
from inference import fingerprint
from inference.allowances import Allowances
from inference.domain import Ask
from inference.wire import headers, sse
from inference.wire.headers import Headers
from inference.wire.http import refusal
from inference.workflows import telling
from inference.workflows.executor import Executor
from inference.workflows.reading import Flow
from inference.workflows.results import Outcome, StepResult, summary

Progress = Callable[[bytes], None]

_OK = 200


@dataclass(frozen=True, slots=True)
class Told:
    """A whole answer as it is sent, or the refusal where there is no output."""

    status: int
    headers: Headers
    body: bytes


class Conductor:
    def __init__(self, executor: Executor, idempotency: Idempotency, allowances: Allowances) -> None:
        self._executor, self._idempotency, self._allowances = executor, idempotency, allowances

    async def answer(self, principal: Principal, flow: Flow) -> Told:
        """Raises an AcronError for what no step has been asked for yet."""
        opened = await self._open(principal, flow)
        if isinstance(opened, Entry):
            return _told_again(flow.ask, opened)
        try:
            return await self._run(principal, flow, opened, _unheard)
        finally:
            if opened is not None:
                opened.release()

    async def stream(self, principal: Principal, flow: Flow) -> "WorkflowStream":
        """Server-sent events: how the steps stand, then the output. Close it when the caller has left."""
        opened = await self._open(principal, flow)
        if isinstance(opened, Entry):
            return WorkflowStream(flow.ask, lambda _: _at_once(_told_again(flow.ask, opened)))
        return WorkflowStream(flow.ask, partial(self._run, principal, flow, opened), opened)

    async def _open(self, principal: Principal, flow: Flow) -> Claim | Entry | None:
        """The claim to run it, if it has a key; or what was answered under that before, which counts as a request."""
        await self._executor.check(principal, flow)
        ask = flow.ask
        if not ask.idempotency_key:
            return None
        visit = await self._executor.visits.of(principal, ask)
        request = visit.fingerprint + visit.namespace.name.encode() + fingerprint.canonical(ask.workflow)
        opened = await self._idempotency.open(principal.organization_id, ask.idempotency_key, request)
        counted = self._allowances.enter(principal) if isinstance(opened, Entry) and principal.rules else None
        if counted is not None:
            await self._allowances.admit(counted)
        return opened

    async def _run(self, principal: Principal, flow: Flow, claim: Claim | None, tell: Progress) -> Told:
        identity, manner = uuid7(), telling.TELLINGS[flow.ask.endpoint]

        def report(step_id: str, result: StepResult | None) -> None:
            tell(manner.progress(flow.ask, identity, telling.about(step_id, result)))

        told = _told(await self._executor.run(principal, flow, report), identity)
        if claim is not None and told.status == _OK:
            claim.keep(note=_note(told.headers), body=told.body)
        return told


class WorkflowStream:
    """Runs the workflow in a task of its own, so that what happens is told while it happens."""

    def __init__(
        self, ask: Ask, run: Callable[[Progress], Coroutine[Any, Any, Told]], claim: Claim | None = None
    ) -> None:
        self._ask, self._claim = ask, claim
        self._events: asyncio.Queue[bytes] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(run(self._events.put_nowait))
        self._task.add_done_callback(self._end)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while event := await self._events.get():
            yield event
        told = self._task.result()
        if told.status == _OK:
            yield b"".join(telling.TELLINGS[self._ask.endpoint].events(told.body, self._ask))
        else:
            yield sse.event(orjson.loads(told.body))

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    def _end(self, _: "asyncio.Task[Told]") -> None:
        """Also where it was cancelled before it began."""
        if self._claim is not None:
            self._claim.release()
        self._events.put_nowait(b"")


def _told(outcome: Outcome, identity: UUID) -> Told:
    ask, failure = outcome.flow.ask, outcome.failure
    if failure is not None and failure.error is not None:
        return Told(*refusal(failure.error, ask.request_id, partial(telling.failed, outcome, failure)))
    answer = summary(outcome)
    return Told(_OK, headers.of_answer(answer), telling.TELLINGS[ask.endpoint].whole(outcome, answer, identity))


def _note(own: Headers) -> bytes:
    return orjson.dumps([[name.decode(), value.decode("latin-1")] for name, value in own])


def _told_again(ask: Ask, kept: Entry) -> Told:
    """As it was told the first time, under this request's id."""
    own = [(name.encode(), value.encode("latin-1")) for name, value in orjson.loads(kept.note)]
    renewed = [(name, ask.request_id.encode() if name == b"x-request-id" else value) for name, value in own]
    return Told(_OK, renewed, kept.body)


async def _at_once(told: Told) -> Told:
    return told


def _unheard(_: bytes) -> None:
    return None
