"""Keeps background work to its share of a core."""

from collections.abc import Callable, Sequence

from caching.embedders.worker import Metered
from caching.protocols import EmbedderBusyError, Purpose, Space, Vector

# what may be spent at once, in seconds' worth of the share
_BURST_SECONDS = 10.0
# of one text, before one has been measured
_FIRST_GUESS_SECONDS = 0.01


class Throttled:
    """Refuses at once when the share is used up: what nobody waits for can be left out."""

    def __init__(self, embedder: Metered, *, share: float, clock: Callable[[], float]) -> None:
        self._embedder = embedder
        self._share = share
        self._clock = clock
        self._most = share * _BURST_SECONDS
        self._left = self._most
        self._counted_at = clock()
        self._usual = _FIRST_GUESS_SECONDS

    @property
    def space(self) -> Space:
        return self._embedder.space

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        held = self._hold(len(texts))
        # a call that fails has cost what was held: it is not known how far it came
        placed = await self._embedder.place(texts, purpose)
        self._left += held - placed.cpu_seconds
        self._usual = placed.cpu_seconds / max(1, len(texts))
        return placed.vectors

    async def close(self) -> None:
        await self._embedder.close()

    def _hold(self, count: int) -> float:
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._counted_at) * self._share)
        self._counted_at = now
        if self._left <= 0:
            raise EmbedderBusyError("the share of background work is used up")
        held = self._usual * count
        self._left -= held
        return held
