"""The local embedder's vectors of public prompts, kept in a file between runs."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from caching.embedders import minilm
from caching.protocols import EmbeddingError, Vector
from inference.routing.recorded import RecordedSet

Numbers = NDArray[np.float64]
_FILE = "acron-routing-vectors.npz"
# so many are placed before they are written down: an hour's work is not lost with the last of them
_BATCH = 500


class Remembered:
    """`place`: how a text that is not in the file yet gets its vector."""

    def __init__(self, directory: Path, place: Callable[[str], Vector]) -> None:
        self._file, self._place = directory / _FILE, place
        self._rows: dict[str, Vector] = {}
        if self._file.exists():
            stored = np.load(self._file)
            self._rows = dict(zip(stored["digests"].tolist(), stored["vectors"], strict=True))

    def of(self, texts: Sequence[str]) -> Numbers:
        missing = {digest: text for text in texts if (digest := _digest(text)) not in self._rows}
        for number, (digest, text) in enumerate(missing.items(), 1):
            self._rows[digest] = self._place(text)
            if number % _BATCH == 0 or number == len(missing):
                self._write()
        return np.array([self._rows[_digest(text)] for text in texts], dtype=np.float64)

    def known(self, recorded: RecordedSet) -> RecordedSet:
        """The rows whose vectors are in the file."""
        return RecordedSet(recorded.name, [row for row in recorded.rows if _digest(row.text) in self._rows])

    def _write(self) -> None:
        with self._file.open("wb") as file:
            np.savez(file, digests=np.array(list(self._rows)), vectors=np.array(list(self._rows.values())))


def placing() -> Callable[[str], Vector]:
    """The local embedder without its thread: nobody waits here. Raises EmbeddingError where it is not installed."""
    model = minilm.load(minilm.find())

    def place(text: str) -> Vector:
        try:
            return model.place(text)
        except EmbeddingError:
            return np.zeros(minilm.SPACE.dimension, np.float32)  # near to nothing

    return place


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
