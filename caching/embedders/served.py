"""Embeds in the one process of this host that does so for all, over its socket."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from caching.embedders import minilm
from caching.embedders import texts as readable
from caching.embedders.frames import Question
from caching.embedders.link import Link
from caching.embedders.minilm import ModelMissingError
from caching.embedders.worker import Placed
from caching.protocols import EmbedderBusyError, EmbeddingError, Purpose, Vector

# one that starts takes longer, and nobody waits for that
_GREETING_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 0.2


class ServedEmbedder:
    """Belongs to one event loop. While the process is away it is busy at once; no model is loaded in its place."""

    def __init__(
        self,
        path: Path,
        *,
        max_waiting: int,
        timeout_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.space = minilm.SPACE
        self._path, self._max_waiting, self._timeout_seconds, self._clock = path, max_waiting, timeout_seconds, clock
        self._opening: asyncio.Task[Link | None] | None = None
        self._opened_at = 0.0
        self._is_closed = False

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        # whoever looks something up is waited for, whoever keeps something is not
        return (await self._placed(texts, is_awaited=purpose == Purpose.QUERY)).vectors

    async def place(self, texts: Sequence[str], purpose: Purpose) -> Placed:  # noqa: ARG002 the model knows one purpose
        return await self._placed(texts, is_awaited=False)

    async def close(self) -> None:
        self._is_closed = True
        if self._opening is None:
            return
        self._opening.cancel()
        await asyncio.wait({self._opening})
        link = None if self._opening.cancelled() else self._opening.result()
        if link is not None:
            link.close()

    async def _placed(self, texts: Sequence[str], *, is_awaited: bool) -> Placed:
        for text in texts:
            readable.require_readable(text, max_characters=minilm.MAX_CHARACTERS)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                link = await self._greeted_link()
                answers = await asyncio.gather(*link.ask(self._questions(texts, is_awaited=is_awaited)))
        except TimeoutError:
            raise EmbedderBusyError(f"no vector within {self._timeout_seconds:g} s") from None
        return Placed(tuple(vector for vector, _ in answers), sum(seconds for _, seconds in answers))

    def _questions(self, texts: Sequence[str], *, is_awaited: bool) -> list[Question]:
        patience_ms = round(self._timeout_seconds * 1000)
        return [Question(text, is_awaited, patience_ms) for text in texts]

    async def _greeted_link(self) -> Link:
        """Raises EmbeddingError."""
        opening = self._current_opening()
        if not opening.done():
            left = self._opened_at + _GREETING_SECONDS - self._clock()
            await asyncio.wait({opening}, timeout=max(left, 0.0))
        link = opening.result() if opening.done() and not opening.cancelled() else None
        if link is None or link.is_lost:
            raise EmbedderBusyError("the embedder is away")
        if link.missing:
            raise ModelMissingError(link.missing)
        return link

    def _current_opening(self) -> "asyncio.Task[Link | None]":
        if self._is_closed:
            raise EmbeddingError("closed")
        if self._opening is None or (_is_over(self._opening) and self._clock() >= self._opened_at + _PAUSE_SECONDS):
            self._opened_at = self._clock()
            self._opening = asyncio.get_running_loop().create_task(self._open())
        return self._opening

    async def _open(self) -> Link | None:
        def make() -> Link:
            seconds = self._timeout_seconds
            return Link(self.space, max_waiting=self._max_waiting, silence_seconds=seconds, clock=self._clock)

        try:
            _, link = await asyncio.get_running_loop().create_unix_connection(make, str(self._path))
        except OSError:
            return None
        try:
            await link.greeted.wait()
        except asyncio.CancelledError:
            link.close()
            raise
        return link


def _is_over(opening: "asyncio.Task[Link | None]") -> bool:
    if not opening.done():
        return False
    link = opening.result()
    return link is None or link.is_lost
