"""Made-up entries of tier 2 for measuring: sizes of partitions, vectors in clusters, rows as PostgreSQL copies them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPACE = "measured"
NAMESPACE = "default"
COLUMNS = (
    *("id", "organization_id", "namespace", "partition", "fingerprint", "space", "embedding"),
    *("question", "answer", "created_at", "expires_at"),
)
COPY_HEAD, COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

_AT_ONCE = 5_000
_TOPICS = 2_000
# a question lies around its topic, one asked in other words around the first: cosines of about 0.8 and 0.9
_SPREAD, _REWORDED = 0.7, 0.45
_BIG_PARTITIONS, _PARTITIONS_EACH = 3, 200
_QUESTION_BYTES, _ANSWER_BYTES = 140, 1_500  # sealed
_REMEMBERED = 200
# PostgreSQL counts microseconds from 2000
_EPOCH_SECONDS = 946_684_800
_DAY_SECONDS = 86_400

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layout:
    """Whose each partition is, and how many rows it has."""

    owners: NDArray[np.int64]
    sizes: NDArray[np.int64]


def layout(entries: int, organizations: int) -> Layout:
    """A few organizations with one partition of a tenth of all, the others with many; sizes fall as 1/rank."""
    big = min(_BIG_PARTITIONS, organizations - 1)
    rest = entries - big * (entries // 10)
    shares = np.outer(_falling(organizations - big), _falling(_PARTITIONS_EACH)).ravel()
    sizes = np.floor(shares * rest).astype(np.int64)
    owners = np.repeat(np.arange(big, organizations), _PARTITIONS_EACH)
    return Layout(
        np.concatenate([np.arange(big), owners[sizes > 0]]),
        np.concatenate([np.full(big, entries // 10), sizes[sizes > 0]]),
    )


def _falling(count: int) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = 1 / np.arange(1, count + 1)
    shares /= shares.sum()
    return shares


class Sample:
    """Entries in random order, as in a cache that has grown. Remembers some vectors of each partition, to ask by."""

    def __init__(self, laid: Layout, dimension: int, *, seed: int = 1) -> None:
        self._laid, self._dimension = laid, dimension
        self._random = np.random.default_rng(seed)
        self._topics = _unit(self._random.standard_normal((_TOPICS, dimension), dtype=np.float32))
        self.organizations = self._ids(int(laid.owners.max()) + 1)
        self.partitions = self._ids(len(laid.sizes))
        self.remembered: dict[int, list[Matrix]] = {}

    def copy_lines(self) -> Iterator[bytes]:
        """In PostgreSQL's binary format, without its head and end."""
        order = self._random.permutation(np.repeat(np.arange(len(self._laid.sizes)), self._laid.sizes))
        for start in range(0, len(order), _AT_ONCE):
            partitions = order[start : start + _AT_ONCE]
            vectors = self._questions(len(partitions))
            self._remember(partitions, vectors)
            yield self._rows(partitions, vectors)

    def reworded(self, partition: int) -> Matrix:
        """A question near one that lies in the partition."""
        known = self.remembered[partition]
        noise = self._random.standard_normal(self._dimension, dtype=np.float32)
        return _unit(known[self._random.integers(len(known))] + noise * (_REWORDED / self._dimension**0.5))

    def _questions(self, count: int) -> Matrix:
        noise = self._random.standard_normal((count, self._dimension), dtype=np.float32)
        topics = self._topics[self._random.integers(_TOPICS, size=count)]
        return _unit(topics + noise * np.float32(_SPREAD / self._dimension**0.5))

    def _remember(self, partitions: NDArray[np.int64], vectors: Matrix) -> None:
        for partition, vector in zip(partitions.tolist(), vectors, strict=True):
            known = self.remembered.setdefault(partition, [])
            if len(known) < _REMEMBERED:
                known.append(vector.copy())

    def _rows(self, partitions: NDArray[np.int64], vectors: Matrix) -> bytes:
        count = len(partitions)
        now = round((time.time() - _EPOCH_SECONDS) * 1_000_000)
        fields: list[tuple[str, str, NDArray[np.void] | bytes | int]] = [
            ("id", "V16", self._ids(count)),
            ("organization", "V16", self.organizations[self._laid.owners[partitions]]),
            ("namespace", f"S{len(NAMESPACE)}", NAMESPACE.encode()),
            ("partition", "V16", self.partitions[partitions]),
            ("fingerprint", "V16", self._ids(count)),
            ("space", f"S{len(SPACE)}", SPACE.encode()),
            ("embedding", f"V{4 + 2 * self._dimension}", self._halves(vectors)),
            ("question", f"V{_QUESTION_BYTES}", self._noise(count, _QUESTION_BYTES)),
            ("answer", f"V{_ANSWER_BYTES}", self._noise(count, _ANSWER_BYTES)),
            ("created_at", ">i8", now),
            ("expires_at", ">i8", now + _DAY_SECONDS * 1_000_000),
        ]
        types = [part for name, kind, _ in fields for part in ((f"{name}_length", ">i4"), (name, kind))]
        rows = np.zeros(count, dtype=[("fields", ">i2"), *types])
        rows["fields"] = len(fields)
        for name, kind, values in fields:
            rows[f"{name}_length"] = np.dtype(kind).itemsize
            rows[name] = values
        return rows.tobytes()

    def _halves(self, vectors: Matrix) -> NDArray[np.void]:
        """As pgvector sends a halfvec: its length, nothing, its numbers."""
        kind = np.dtype([("dimension", ">i2"), ("unused", ">i2"), ("values", ">f2", (self._dimension,))])
        halves = np.zeros(len(vectors), dtype=kind)
        halves["dimension"], halves["values"] = self._dimension, vectors
        return halves.view(f"V{kind.itemsize}")

    def _ids(self, count: int) -> NDArray[np.void]:
        return self._noise(count, 16)

    def _noise(self, count: int, size: int) -> NDArray[np.void]:
        return np.frombuffer(self._random.bytes(count * size), dtype=f"V{size}")


def _unit(vectors: Matrix) -> Matrix:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Matrix = (vectors / lengths).astype(np.float32)
    return unit
