"""What embedders behind a network share: batches, a time limit, a look at every answer, the bill."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from caching.embedders import texts as readable
from caching.protocols import EmbeddingError, Purpose, Space, Vector


@dataclass(frozen=True, slots=True)
class Billed:
    """What one call to a provider cost, as the provider counts it."""

    provider: str
    model: str
    input_tokens: int


OnUsage = Callable[[Billed], None]


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer, not looked at yet."""

    vectors: Sequence[Any]
    input_tokens: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one call may carry."""

    texts: int
    characters: int


class Client(Protocol):
    """One provider's SDK. Turns its errors into EmbeddingError."""

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Reply: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Service:
    """A model at a provider, and how it is reached. `connect` blocks: SDKs take seconds to import."""

    provider: str
    model: str
    space: Space
    bounds: Bounds
    connect: Callable[[], Client]


class RemoteEmbedder:
    """Belongs to one event loop. `on_usage` is called in the task of the caller, before its vectors are returned."""

    def __init__(self, service: Service, *, max_waiting: int, timeout_seconds: float, on_usage: OnUsage) -> None:
        self.space = service.space
        self._service = service
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._on_usage = on_usage
        self._waiting = 0
        self._connecting: asyncio.Task[Client] | None = None

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        for text in texts:
            readable.require_readable(text, max_characters=self._service.bounds.characters)
        if self._waiting + len(texts) > self._max_waiting:
            raise EmbeddingError(f"busy: {self._waiting} texts wait already")
        self._waiting += len(texts)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._in_batches(texts, purpose)
        except TimeoutError:
            raise EmbeddingError(f"{self._service.provider} gave no vector in {self._timeout_seconds:g} s") from None
        finally:
            self._waiting -= len(texts)

    async def close(self) -> None:
        if self._connecting is not None:
            client = await self._connecting
            await client.close()

    async def _in_batches(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        client = await self._connected()
        vectors: list[Vector] = []
        for batch in _batches(texts, self._service.bounds):
            reply = await client.embed(batch, purpose)
            self._on_usage(Billed(self._service.provider, self._service.model, reply.input_tokens))
            if len(reply.vectors) != len(batch):
                raise EmbeddingError(f"{len(batch)} texts came back as {len(reply.vectors)} vectors")
            vectors += (readable.unit(vector, self.space.dimension) for vector in reply.vectors)
        return vectors

    async def _connected(self) -> Client:
        if self._connecting is None:
            self._connecting = asyncio.create_task(asyncio.to_thread(self._service.connect))
        # goes on when the first caller's time is up, for those who come after
        return await asyncio.shield(self._connecting)


def _batches(texts: Sequence[str], bounds: Bounds) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == bounds.texts or characters + len(text) > bounds.characters):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
