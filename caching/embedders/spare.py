"""An embedder that gives way to a simpler one when it cannot start."""

import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from caching.embedders.minilm import ModelMissingError
from caching.embedders.worker import Metered, Placed
from caching.protocols import EmbeddingError, Purpose, Space, Vector

logger = logging.getLogger(__name__)

Found = TypeVar("Found")


class WithSpare:
    """Changes its space once at most: with the call that finds the model missing, which fails."""

    def __init__(self, first: Metered, spare: Metered) -> None:
        self._first = first
        self._spare = spare
        self._current = first

    @property
    def space(self) -> Space:
        return self._current.space

    async def place(self, texts: Sequence[str], purpose: Purpose) -> Placed:
        return await self._found(self._current.place(texts, purpose))

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        return await self._found(self._current.embed(texts, purpose))

    async def close(self) -> None:
        await self._first.close()
        await self._spare.close()

    async def _found(self, coming: Awaitable[Found]) -> Found:
        try:
            return await coming
        except ModelMissingError as error:
            self._give_way(error)
            # its caller may have looked at the space already
            raise EmbeddingError(f"{error}; from now on: {self.space.name}") from error

    def _give_way(self, error: ModelMissingError) -> None:
        if self._current is self._first:
            self._current = self._spare
            logger.warning("embedder.fallback", extra={"reason": str(error), "space": self.space.name})
