"""Puts tier 2 together for one process: a store, an embedder, gates, and what learns in the background."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from accounts.encryption import Cipher
from acron_site.lib.config import Config
from caching import semantic_wiring, wiring
from caching.embedders.choice import Embedders
from caching.embedders.remote import OnUsage
from caching.gates import Gates
from caching.learning import Learner
from caching.likeness.comparison import Likeness
from caching.semantic import CountingStore, SemanticCache


@dataclass
class SemanticParts:
    """Built on first use: a model is loaded only where somebody asks something. Belongs to one event loop."""

    config: Config
    environ: Mapping[str, str]
    cipher: Cipher
    on_usage: OnUsage

    @cached_property
    def embedders(self) -> Embedders:
        return wiring.embedders(self.config.embeddings, self.environ, on_usage=self.on_usage)

    @cached_property
    def store(self) -> CountingStore:
        return semantic_wiring.semantic_store(self.config.cache, cipher=self.cipher)

    @cached_property
    def gates(self) -> Gates:
        space = self.embedders.asked.space.name
        return wiring.gates(self.config.cache, space=space, likeness_version=self.likeness.version)

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness()

    @cached_property
    def cache(self) -> SemanticCache:
        return SemanticCache(
            self.store,
            self.embedders.asked,
            likeness=self.likeness,
            gates=self.gates,
            random=random.random,
            clock=time.time,
        )

    @cached_property
    def learner(self) -> Learner:
        return Learner(self.cache, self.embedders.background, self.gates)

    async def close(self) -> None:
        """Ends what was begun; what waits to be written is written."""
        if "learner" in self.__dict__:
            await self.learner.close()
        if "embedders" in self.__dict__:
            await self.embedders.close()
        if "store" in self.__dict__:
            await self.store.close()
        if "gates" in self.__dict__:
            await asyncio.to_thread(self.gates.stop)
