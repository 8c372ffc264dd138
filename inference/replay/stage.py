"""The gateway of a replay: the product's own parts, with a stand-in for providers, at the pace of a trace."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from django.conf import settings

from accounts.principal import Principal
from accounts.scopes import Scope
from accounts.wiring import cipher
from caching import wiring as caching_wiring
from caching.gate_book import DatabaseBook
from caching.gate_rules import Check, tier_policy_of
from caching.gates import Gates
from caching.policies import defaults_of
from caching.protocols import Keepsake, Kept, Namespace, Neighbour, Partition, Space, Vector
from caching.semantic import CountingStore
from caching.semantic_parts import SemanticParts
from inference.embedding_costs import EmbeddingCosts
from inference.replay.stand_in import Meant, StandIn, meant_by
from inference.wiring import Parts

# gates are turned by the replay, each time that a worker would have by the clock of the trace
TURNED_EVERY_SECONDS = 10.0
_NEVER_SECONDS = 1e6


@dataclass
class Clock:
    """The trace's time."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class WatchedStore:
    """A store, and what the answers mean that it was given."""

    def __init__(self, store: CountingStore) -> None:
        self._store = store
        self.name = store.name
        self.meant: dict[UUID, Meant] = {}

    async def nearest(self, partition: Partition, space: Space, vector: Vector, *, limit: int) -> Sequence[Neighbour]:
        return await self._store.nearest(partition, space, vector, limit=limit)

    async def fetch(self, namespace: Namespace, entry_id: UUID) -> Kept | None:
        return await self._store.fetch(namespace, entry_id)

    def put(self, keepsake: Keepsake, space: Space) -> None:
        self.meant[keepsake.id] = meant_by(keepsake.body)
        self._store.put(keepsake, space)

    def note_hit(self, namespace: Namespace, entry_id: UUID) -> None:
        self._store.note_hit(namespace, entry_id)

    async def is_up(self) -> bool:
        return await self._store.is_up()

    async def close(self) -> None:
        await self._store.close()

    async def settle(self) -> None:
        """Returns when what was put can be found: seconds of the trace pass in no time."""
        flush: Callable[[], None] | None = getattr(self._store, "flush", None)
        if flush is not None:
            await asyncio.to_thread(flush)

    @property
    def failures(self) -> int:
        return int(getattr(getattr(self._store, "counters", None), "failures", 0))


class WatchedGates(Gates):
    """The gates, and every check that they were told of."""

    checks: list[Check]

    def report(self, check: Check) -> None:
        self.checks.append(check)
        super().report(check)


@dataclass
class StagedSemantic(SemanticParts):
    clock: Clock = field(default_factory=Clock)

    @cached_property
    def store(self) -> WatchedStore:
        return WatchedStore(super().store)

    @cached_property
    def gates(self) -> WatchedGates:
        cache = self.config.cache
        made = WatchedGates(
            DatabaseBook(caching_wiring.tier_policies(cache)),
            space=self.embedders.asked.space.name,
            likeness_version=self.likeness.version,
            policy=tier_policy_of(defaults_of(cache), cache.semantic_check_percent / 100),
            clock=self.clock,
            pause_seconds=_NEVER_SECONDS,
        )
        made.checks = []
        return made


@dataclass
class Stage(Parts):
    """Set `clock.now` before each request."""

    clock: Clock = field(default_factory=Clock)

    @cached_property
    def mock_transport(self) -> StandIn:
        return StandIn()

    @cached_property
    def semantic(self) -> StagedSemantic:
        costs = EmbeddingCosts(self.catalog, self.accountant, self.ledger)
        return StagedSemantic(self.config, settings.ENVIRON, cipher=cipher(), on_usage=costs.book, clock=self.clock)

    async def settle(self) -> None:
        """Returns when all that a request has set off is done."""
        await self.gateway.checks.idle()
        await self.semantic.learner.idle()
        await self.semantic.store.settle()


def principal_in(organization_id: UUID) -> Principal:
    return Principal(organization_id, frozenset({Scope.INFER}))


def embedding_cpu_seconds() -> float:
    """Of the threads that embed, as long as they live."""
    threads = [each for each in threading.enumerate() if each.name.startswith("embedder") and each.ident]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(each.ident or 0)) for each in threads)
