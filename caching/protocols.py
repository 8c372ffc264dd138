"""What a cache backend must offer, and whose data it keeps."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from acron_site.lib.values import quick
from caching.places import Shelving

# of length 1, so that the inner product of two is their cosine
Vector = NDArray[np.float32]


@quick
@dataclass(frozen=True, slots=True)
class Namespace:
    """A wall around cached data: the organization first, then a name inside it."""

    organization_id: UUID
    name: str = "default"


class ExactStore(Protocol):
    """Bytes under a key, for a while. A store that is down answers None and forgets what it is given."""

    name: str

    @property
    def is_reachable(self) -> bool:
        """As far as is known, without asking; for the loop that it runs in."""
        ...

    async def get(self, key: bytes) -> bytes | None: ...

    def put(self, key: bytes, value: bytes, ttl_seconds: int, *, shelving: Shelving | None = None) -> None:
        """Hands the value over without waiting for it to be stored.

        With `shelving` it can be listed. It is dropped if its place was purged since, or holds a pinned value.
        """
        ...

    async def is_up(self) -> bool: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Space:
    """Where vectors may be compared with each other: one model at one version. `name` is part of what is stored."""

    name: str
    dimension: int


class Purpose(StrEnum):
    """What a text is embedded for; some models place a question elsewhere than what it may find."""

    QUERY = "query"
    DOCUMENT = "document"


class EmbeddingError(Exception):
    """No vector could be had: the embedder is away, too slow, too busy, or refused the text."""


class EmbedderBusyError(EmbeddingError):
    """No vector could be had just now; for the same text there may be one in a moment."""


class Embedder(Protocol):
    """Places texts in a space. Never blocks the event loop."""

    @property
    def space(self) -> Space:
        """To be read after `embed`: an embedder whose model does not start gives way to a simpler one."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        """A vector of length 1 for each text. Raises EmbeddingError."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Partition:
    """Among which questions a neighbour is looked for: those that differ from each other in their last turn alone.

    `digest` (16 bytes) stands for everything else that shapes the answer: model, system prompt, earlier turns, tools,
    parameters. The namespace is a wall of its own, in the store's keys and in its SQL.
    """

    namespace: Namespace
    digest: bytes


@dataclass(frozen=True, slots=True)
class Label:
    """What people see of an entry, and find it by. Says nothing that decides whether it is served."""

    model: str = ""
    provider: str = ""
    task_type: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Keepsake:
    """A question and its answer, to be kept for those who ask nearly the same.

    `fingerprint` is that of the exact request: a later answer to it takes the place of the former. `asked_at`: on this
    process's `time.perf_counter`; what was purged since stays away.
    """

    id: UUID  # version 7
    partition: Partition
    fingerprint: bytes
    question: str
    vector: Vector
    note: bytes  # the caller's own, as in caching.exact.Entry
    body: bytes
    stored_at: float  # seconds since 1970
    expires_at: float
    label: Label = Label()
    asked_at: float = field(default_factory=time.perf_counter)

    @property
    def ttl_seconds(self) -> int:
        return round(self.expires_at - self.stored_at)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A question that was kept, near the one that was asked."""

    id: UUID
    similarity: float  # cosine, -1 to 1
    question: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to a neighbour."""

    note: bytes
    body: bytes
    stored_at: float


class SemanticStore(Protocol):
    """Questions by their vectors. None of it raises: a store that is down or slow finds and keeps nothing.

    What leaves the process is sealed, but for the vectors.
    """

    name: str

    async def nearest(self, partition: Partition, space: Space, vector: Vector, *, limit: int) -> Sequence[Neighbour]:
        """The nearest first; only of this partition and this space, and only what has not expired."""
        ...

    async def fetch(self, namespace: Namespace, entry_id: UUID) -> Kept | None:
        """The answer of a neighbour; None when it has gone, has expired or does not open."""
        ...

    def put(self, keepsake: Keepsake, space: Space) -> None:
        """Hands it over without waiting for it to be stored."""
        ...

    async def is_up(self) -> bool: ...

    async def close(self) -> None: ...
