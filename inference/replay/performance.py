"""Sends a trace through the gateway, request by request, as temporary organizations of which nothing stays."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import orjson

from accounts import actor as actors
from accounts.services import clearing, erasure, organizations
from acron_site.lib.config import Config
from acron_site.lib.ids import new_request_id
from analytics import selectors
from caching.gate_rules import GateState
from caching.protocols import Namespace
from inference.commandline import Present, running
from inference.domain import Ask
from inference.replay import trace
from inference.replay.stage import TURNED_EVERY_SECONDS, Stage, embedding_cpu_seconds, principal_in
from inference.replay.stand_in import being_replayed, meant_by
from inference.replay.tally import Books, Checked, Effort, Move, Outcome, Tally
from inference.replay.trace import Request
from inference.similar import DEFAULT_TASK
from inference.wire import chat
from inference.wire.http import Head

Owners = Mapping[str, UUID]  # organizations by the tenant whose requests they send


def settings_for(config: Config, *, tolerance: float, background_cpu_percent: int) -> Config:
    """Both tiers on, gates that open by themselves, and every model answered by the stand-in."""
    return replace(
        config,
        cache=replace(config.cache, enabled=True, semantic="auto", semantic_tolerance=tolerance),
        embeddings=replace(config.embeddings, background_cpu_percent=background_cpu_percent),
        providers=replace(config.providers, mock=True),
    )


@contextmanager
def temporary_organizations(tenants: Iterator[str]) -> Iterator[Owners]:
    owners = {}
    try:
        for tenant in tenants:
            owners[tenant] = organizations.create(f"Replay of {tenant}").pk
        yield owners
    finally:
        for organization_id in owners.values():
            erasure.erase_organization(actors.system(organization_id))
            clearing.clear(organization_id)


def perform(
    requests: Sequence[Request], config: Config, *, model: str, show: Callable[[int], None] = lambda _: None
) -> Outcome:
    with temporary_organizations(iter(dict.fromkeys(each.tenant for each in requests))) as owners:
        stage, tally = Stage(config), Tally()
        effort = asyncio.run(_Performance(stage, owners, tally, model).run(requests, show))
        books = sum((_books_of(owner) for owner in owners.values()), Books())
    return Outcome(config.cache.semantic_tolerance, tally, trace.repeats(requests), books, effort)


class _Performance:
    """One at a time: a request is sent when all that the one before has set off is done."""

    def __init__(self, stage: Stage, owners: Owners, tally: Tally, model: str) -> None:
        self._stage, self._owners, self._tally, self._model = stage, owners, tally, model
        self._asked: dict[str, Request] = {}  # by request id
        self._turns_at = 0.0

    async def run(self, requests: Sequence[Request], show: Callable[[int], None]) -> Effort:
        began = time.monotonic()
        async with running(self._stage):
            for number, request in enumerate(requests, start=1):
                await self._send(request)
                show(number)
            await self._turn(requests[-1].at_seconds)
            self._note_checks()
            semantic = self._stage.semantic
            return Effort(
                seconds=time.monotonic() - began,
                embedding_cpu_seconds=embedding_cpu_seconds(),
                failures=semantic.store.failures,
                left_out=semantic.learner.left_out,
            )

    async def _send(self, request: Request) -> None:
        self._stage.clock.now = request.at_seconds
        if request.at_seconds >= self._turns_at:
            await self._turn(request.at_seconds)
        ask = self._ask(request)
        self._asked[ask.request_id] = request
        being_replayed.set(request)
        answer = await self._stage.gateway.answer(principal_in(self._owners[request.tenant]), ask, Present())
        await self._stage.settle()
        self._tally.count(request, answer.facts.cache_tier, meant_by(answer.body))

    def _ask(self, request: Request) -> Ask:
        body = {"model": self._model, "messages": [{"role": "user", "content": request.prompt}]}
        return chat.read(orjson.dumps(body), Head(new_request_id(), time.perf_counter()))

    async def _turn(self, at_seconds: float) -> None:
        """What a worker's gates do by themselves every few seconds."""
        gates = self._stage.semantic.gates
        await asyncio.to_thread(gates.turn)
        self._turns_at = at_seconds + TURNED_EVERY_SECONDS
        for tenant, owner in self._owners.items():
            gate = gates.gate(Namespace(owner), DEFAULT_TASK)
            threshold = gate.threshold if gate.state is GateState.SERVING else None
            self._tally.note_gate(Move(at_seconds, tenant, gate.state.value, threshold, gate.reason))

    def _note_checks(self) -> None:
        meant = self._stage.semantic.store.meant
        for check in self._stage.semantic.gates.checks:
            neighbour, asked = meant.get(check.neighbour_id), self._asked[check.request_id]
            is_right = None if neighbour is None else neighbour.group == asked.group
            self._tally.checks.append(Checked(check.source.value, check.score, check.agrees, is_right))


def _books_of(organization_id: UUID) -> Books:
    totals = selectors.totals(organization_id)
    return Books(totals.total_cost, totals.baseline_cost, totals.saved, totals.overhead)
