"""What may be embedded, and what counts as a vector."""

import numpy as np
from numpy.typing import ArrayLike

from caching.protocols import EmbeddingError, Vector


def require_readable(text: str, *, max_characters: int) -> None:
    """Raises EmbeddingError. A text is never cut: two that differ behind the cut would look the same."""
    if len(text) > max_characters:
        raise EmbeddingError(f"the text is longer than {max_characters} characters")
    if not text.strip():
        raise EmbeddingError("the text is empty")
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise EmbeddingError("the text is no valid Unicode")


def unit(values: ArrayLike, dimension: int) -> Vector:
    """Of length 1. Raises EmbeddingError where that cannot be."""
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise EmbeddingError("the vector holds something else than numbers") from None
    if vector.shape != (dimension,):
        raise EmbeddingError(f"the vector has shape {vector.shape}, not {dimension}")
    largest = float(np.max(np.abs(vector)))
    if not np.isfinite(largest) or largest == 0:
        raise EmbeddingError("the vector has no direction")
    scaled = vector / largest  # so that no square is too large or too small
    return np.asarray(scaled / np.linalg.norm(scaled), dtype=np.float32)
