"""Embeds without a model: words, pairs of words and runs of letters, each hashed to a place and a sign."""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from caching.embedders import texts as readable
from caching.embedders.worker import Placed, Worker
from caching.protocols import EmbeddingError, Purpose, Space, Vector

SPACE = Space("hashing:512:1", 512)
_MAX_CHARACTERS = 8_000
_WORD = re.compile(r"\w+|[^\w\s]")
_RUNS = (3, 4)
# words say more than their letters, of which there are many
_WORD_WEIGHT, _PAIR_WEIGHT, _RUN_WEIGHT = 1.0, 0.7, 0.4
# spreads a checksum's bits, which follow the text's too closely (the golden ratio, as Knuth's hash has it)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class HashingEmbedder:
    """Finds what is worded alike; knows no synonyms. Needs nothing but numpy."""

    def __init__(self, worker: Worker) -> None:
        self.space = SPACE
        self._worker = worker

    async def place(self, texts: Sequence[str], purpose: Purpose) -> Placed:  # noqa: ARG002 wording has one purpose
        return await self._worker.run(place, texts)

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Sequence[Vector]:
        return (await self.place(texts, purpose)).vectors

    async def close(self) -> None:
        self._worker.close()


def place(text: str) -> Vector:
    """The same in every process. Raises EmbeddingError."""
    readable.require_readable(text, max_characters=_MAX_CHARACTERS)
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    features = Counter(_features(words))
    if not features:
        raise EmbeddingError("the text is empty")
    sums = np.array([zlib.crc32(feature.encode()) for feature, _ in features], dtype=np.uint64) * _SPREAD
    weights = np.array([weight * count**0.5 for (_, weight), count in features.items()])
    signs = np.where(sums >> np.uint64(63), weights, -weights)
    places = (sums >> np.uint64(32)) % np.uint64(SPACE.dimension)
    return readable.unit(np.bincount(places.astype(np.intp), signs, SPACE.dimension), SPACE.dimension)


def _features(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    for word in words:
        yield f"w{word}", _WORD_WEIGHT
        for length in _RUNS:
            framed = f" {word} "
            for start in range(len(framed) - length + 1):
                yield f"r{framed[start : start + length]}", _RUN_WEIGHT
    for left, right in pairwise(words):
        yield f"p{left} {right}", _PAIR_WEIGHT
