"""Embeds in this process, with MiniLM-L6 in a thread of its own."""

from collections.abc import Callable, Sequence

from caching.embedders import minilm
from caching.embedders.minilm import MiniLM, Weights
from caching.embedders.worker import Placed, Worker
from caching.protocols import Purpose, Vector


class LocalEmbedder:
    """Loads the model when the first text comes. English above all, and at most `minilm.MAX_TOKENS` of it."""

    def __init__(self, worker: Worker, find: Callable[[], Weights] = minilm.find) -> None:
        self.space = minilm.SPACE
        self._worker = worker
        self._find = find
        self._model: MiniLM | None = None

    async def place(self, texts: Sequence[str], purpose: Purpose) -> Placed:  # noqa: ARG002 the model knows one purpose
        if self._model is None:
            # else the first thing to be learnt would be given up each time a process starts
            await self._worker.prepare(self._load)
        return await self._worker.run(self._place, texts)

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:  # noqa: ARG002 as above
        return (await self._worker.run(self._place, texts)).vectors

    async def close(self) -> None:
        self._worker.close()

    def _load(self) -> None:
        self._loaded()

    def _place(self, text: str) -> Vector:
        return self._loaded().place(text)

    def _loaded(self) -> MiniLM:
        if self._model is None:  # only one thread comes here
            self._model = minilm.load(self._find())
        return self._model
