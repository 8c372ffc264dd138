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
        vector = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise EmbeddingError("the vector holds something else than numbers") from None
    if vector.shape != (dimension,):
        raise EmbeddingError(f"the vector has shape {vector.shape}, not {dimension}")
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(length) or length == 0:
        raise EmbeddingError("the vector has no direction")
    return np.asarray(vector / np.float32(length), dtype=np.float32)
