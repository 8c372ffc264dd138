"""Vectors of the last texts, so that the same one is not embedded twice in a row."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b

from caching.protocols import Embedder, Namespace, Purpose, Space, Vector

# a vector that is there already comes sooner: nobody is to learn from that what is asked behind another wall
_wall: ContextVar[Namespace | None] = ContextVar("remembering_wall", default=None)


@contextmanager
def behind(wall: Namespace) -> Iterator[None]:
    """What is embedded meanwhile is remembered for those behind this wall alone."""
    token = _wall.set(wall)
    try:
        yield
    finally:
        _wall.reset(token)


# the key, the array's head and the dictionary's entry
_OVERHEAD_BYTES = 300


class Memory:
    """Bounded in bytes; the least recently used go first. Holds digests, never texts."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()
        self.bytes = 0

    def get(self, key: bytes) -> Vector | None:
        vector = self._vectors.get(key)
        if vector is not None:
            self._vectors.move_to_end(key)
        return vector

    def put(self, key: bytes, vector: Vector) -> None:
        if key in self._vectors:
            return
        vector.setflags(write=False)  # many hold it
        self._vectors[key] = vector
        self.bytes += vector.nbytes + _OVERHEAD_BYTES
        while self.bytes > self._max_bytes:
            _, forgotten = self._vectors.popitem(last=False)
            self.bytes -= forgotten.nbytes + _OVERHEAD_BYTES


class Remembering:
    """Asks the embedder only for what is not in the memory, which several may share.

    `minds_purpose`: whether the model places a question elsewhere than what it may find.
    """

    def __init__(self, embedder: Embedder, memory: Memory, *, minds_purpose: bool = False) -> None:
        self._embedder = embedder
        self._memory = memory
        self._minds_purpose = minds_purpose

    @property
    def space(self) -> Space:
        return self._embedder.space

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        space = self.space
        kind = purpose if self._minds_purpose else ""
        keys = [_key(space, text, kind) for text in texts]
        found = {key: vector for key in keys if (vector := self._memory.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            vectors = await self._embedder.embed(list(missing.values()), purpose)
            found.update(zip(missing, vectors, strict=True))
            self._keep(space, {key: found[key] for key in missing})
        return [found[key] for key in keys]

    async def close(self) -> None:
        await self._embedder.close()

    def _keep(self, space: Space, vectors: dict[bytes, Vector]) -> None:
        if self.space != space:  # it has given way to another meanwhile
            return
        for key, vector in vectors.items():
            self._memory.put(key, vector)


def _key(space: Space, text: str, kind: str) -> bytes:
    # a lone surrogate is refused by the embedder, not here
    wall = _wall.get()
    owner = "" if wall is None else f"{wall.organization_id.hex}{len(wall.name)} {wall.name}"
    said = f"{owner}\0{space.name}\0{kind}\0{text}".encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=16).digest()
