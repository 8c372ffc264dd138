"""T2: an answer to nearly the same question, where serving such answers has proven right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from acron_site.lib.ids import uuid7
from caching.embedders.remembering import behind
from caching.gate_rules import Gate, GateKey, GateState, TierPolicy
from caching.likeness.comparison import Likeness
from caching.protocols import (
    Embedder,
    EmbeddingError,
    Kept,
    Namespace,
    Neighbour,
    Partition,
    Purpose,
    SemanticStore,
    Space,
    Vector,
)
from caching.servings import Serving

# of the nearest, the one that is judged best need not be the first
_LOOKED_AT = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and among which others it belongs. `task_type` chooses the gate."""

    partition: Partition
    text: str
    task_type: str


@dataclass(frozen=True, slots=True)
class Match:
    """A neighbour as it was judged: `score` is what thresholds are set on, `similarity` the cosine."""

    neighbour: Neighbour
    score: float

    @property
    def similarity(self) -> float:
        return self.neighbour.similarity


@dataclass(frozen=True, slots=True)
class Served:
    """A match whose answer is given. `is_checked`: it is one of those that are asked upstream too."""

    match: Match
    kept: Kept
    sample_rate: float
    is_checked: bool


class GateKeeper(Protocol):
    def gate(self, namespace: Namespace, task_type: str, policy: TierPolicy | None = None) -> Gate:
        """From memory; neither waits nor raises."""
        ...

    def note_serving(self, serving: Serving) -> None:
        """Hands it over without waiting."""
        ...


class HitCounter(Protocol):
    def note_hit(self, namespace: Namespace, entry_id: UUID) -> None: ...


class CountingStore(SemanticStore, HitCounter, Protocol):
    """A store that counts what it is asked for."""


class SemanticCache:
    """Looks for a neighbour whose answer may be given. None of it raises; what is slow or away finds nothing."""

    def __init__(
        self,
        store: CountingStore,
        embedder: Embedder,
        *,
        likeness: Likeness,
        gates: GateKeeper,
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self.store, self._embedder, self._likeness, self._gates = store, embedder, likeness, gates
        self._proven_space = embedder.space.name
        self._random, self._clock = random, clock

    @property
    def space(self) -> Space:
        return self._embedder.space

    @property
    def is_proven_space(self) -> bool:
        """Whether questions are still placed as they were when the gates were asked for: an embedder may give way to
        another, whose scores mean something else."""
        return self._embedder.space.name == self._proven_space

    @property
    def likeness_version(self) -> str:
        return self._likeness.version

    def gate(self, gate_of: Namespace, task_type: str, policy: TierPolicy) -> Gate:
        return self._gates.gate(gate_of, task_type, policy)

    async def look_up(
        self,
        question: Question,
        gate: Gate,
        *,
        threshold: float | None = None,
        max_age_seconds: int | None = None,
        placed: Callable[[Space, Vector], None] | None = None,
    ) -> Served | None:
        """The neighbour to be served. `threshold`: the caller's own, which counts where it is the stricter one.
        `placed` is told where the question lies, for whoever else can use that."""
        if gate.state is not GateState.SERVING:
            return None
        vector = await self._vector_of(question)
        if vector is not None and placed is not None:
            placed(self.space, vector)
        match = await self.nearest(question, vector)
        if match is None or not self.is_proven_space or match.score < max(gate.threshold, threshold or 0.0):
            return None
        kept = await self.store.fetch(question.partition.namespace, match.neighbour.id)
        if kept is None or (max_age_seconds is not None and self._clock() - kept.stored_at >= max_age_seconds):
            return None
        self.store.note_hit(question.partition.namespace, match.neighbour.id)
        return Served(match, kept, gate.sample_rate, is_checked=self._random() < gate.sample_rate)

    def note_serving(self, served: Served, gate_of: Namespace, task_type: str, *, request_id: str) -> None:
        """So that who got this answer can complain of it."""
        match = served.match
        self._gates.note_serving(
            Serving(
                id=uuid7(),
                key=GateKey(gate_of, task_type, self._proven_space, self.likeness_version),
                request_id=request_id,
                neighbour_id=match.neighbour.id,
                score=match.score,
                similarity=match.similarity,
                served_at=datetime.now(UTC),
            )
        )

    async def _vector_of(self, question: Question) -> Vector | None:
        try:
            with behind(question.partition.namespace):
                return (await self._embedder.embed([question.text], Purpose.QUERY))[0]
        except EmbeddingError:
            return None

    async def nearest(self, question: Question, vector: Vector | None) -> Match | None:
        """The best of the nearest that no guard refuses."""
        if vector is None:
            return None
        found = await self.store.nearest(question.partition, self.space, vector, limit=_LOOKED_AT)
        return best_of(self._likeness, question, found)


def best_of(likeness: Likeness, asked: Question, found: Sequence[Neighbour]) -> Match | None:
    namespace = asked.partition.namespace
    wall = namespace.organization_id.bytes + namespace.name.encode("utf-8", "surrogatepass")
    matches = [
        Match(each, likeness.compare(asked.text, each.question, each.similarity, wall=wall).score) for each in found
    ]
    return max((match for match in matches if match.score > 0), key=lambda match: match.score, default=None)
