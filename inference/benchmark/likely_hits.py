"""How many questions of a log tier 2 would probably have answered: an estimate, by the embedder of this machine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from caching.embedders import minilm
from caching.embedders.minilm import ModelMissingError
from caching.likeness.comparison import Likeness
from caching.protocols import EmbeddingError, Vector
from inference.benchmark.audit import Question

# below this no neighbour is looked at
_LEAST_COSINE = 0.75


@dataclass(frozen=True, slots=True)
class Likely:
    """Shares of the questions looked at that a strict and a lenient threshold would have answered."""

    looked_at: int
    strict: float
    lenient: float


def estimate(questions: Sequence[Question], *, strict: float, lenient: float) -> Likely | None:
    """None where there is nothing to look at, or no embedder on this machine."""
    if not questions:
        return None
    try:
        model = minilm.load(minilm.find())
    except ModelMissingError:
        return None
    scores = list(_scores(questions, model.place))
    count = len(questions)
    return Likely(count, *(sum(score >= threshold for score in scores) / count for threshold in (strict, lenient)))


def _scores(questions: Iterable[Question], place: Callable[[str], Vector]) -> Iterator[float]:
    """Of each question that has an earlier neighbour: how sure it is that both share an answer."""
    likeness = Likeness()
    kept: dict[bytes, tuple[list[str], list[Vector]]] = {}
    for question in questions:
        try:
            vector = place(question.text)
        except EmbeddingError:
            continue  # too long for the cache as well
        texts, vectors = kept.setdefault(question.partition, ([], []))
        if vectors:
            cosines = np.stack(vectors) @ vector
            nearest = int(cosines.argmax())
            if cosines[nearest] >= _LEAST_COSINE:
                yield likeness.compare(question.text, texts[nearest], float(cosines[nearest])).score
        texts.append(question.text)
        vectors.append(vector)
