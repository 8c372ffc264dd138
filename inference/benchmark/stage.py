"""The gateway of a benchmark: the product's own parts, with a stand-in for providers or with real ones."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from acron_site.lib.config import Config
from caching.protocols import Namespace
from inference.benchmark import choosable
from inference.benchmark.workload import Item
from inference.catalog import Catalog
from inference.replay.stage import TURNED_EVERY_SECONDS, Stage
from inference.replay.stand_in import being_replayed
from inference.replay.trace import Request
from inference.wiring import Parts

TENANT = "benchmark"


def settings_for(config: Config, *, semantic: str, is_real: bool) -> Config:
    """Tier 1 on, tier 2 as said, learning as fast as it can: requests come without pauses.

    Checks of hits would be paid for past the ceiling, so with real providers there are none.
    """
    percent = 0.0 if is_real else config.cache.semantic_check_percent
    return replace(
        config,
        cache=replace(config.cache, enabled=True, semantic=semantic, semantic_check_percent=percent),
        embeddings=replace(config.embeddings, background_cpu_percent=100),
        providers=replace(config.providers, mock=not is_real),
        routing=replace(config.routing, holdout_percent=0),  # the baseline is asked on its own
    )


@dataclass
class SimulatedStage(Stage):
    """A request a second by its own clock, answered at once by the stand-in of replays."""

    is_real = False
    _turns_at: float = 0.0

    @cached_property
    def catalog(self) -> Catalog:
        return choosable.without_invented(super().catalog)

    async def prepare(self, item: Item, number: int) -> None:
        self.clock.now = float(number)
        if self.clock.now >= self._turns_at:
            await asyncio.to_thread(self.semantic.gates.turn)
            self._turns_at = self.clock.now + TURNED_EVERY_SECONDS
        being_replayed.set(Request(self.clock.now, TENANT, "", item.group, item.tokens_input, item.tokens_output))

    def gate_reason(self, namespace: Namespace, task: str) -> str:
        return self.semantic.gates.gate(namespace, task).reason


@dataclass
class RealStage(Parts):
    """Real providers, paid for, with the keys of this installation."""

    is_real = True

    async def prepare(self, item: Item, number: int) -> None:
        """Nothing: the models answer, and gates go by their own clock."""

    async def settle(self) -> None:
        await self.gateway.checks.idle()
        await self.semantic.learner.idle()
        flush: Callable[[], None] | None = getattr(self.semantic.store, "flush", None)
        if flush is not None:
            await asyncio.to_thread(flush)

    def gate_reason(self, namespace: Namespace, task: str) -> str:
        return self.semantic.gates.gate(namespace, task).reason
