"""What tiers 1 and 2 together would have answered of a recorded hour of questions."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caching.likeness.labelled import Request

# how many of the nearest kept questions are compared
NEIGHBOURS = 4
# farther ones are never compared
FARTHEST = 0.85
Score = Callable[[str, str, float], float]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares of all requests, but for `wrong_share`: that of the hits."""

    threshold: float
    right_share: float
    wrong_share: float


@dataclass(frozen=True, slots=True)
class Candidate:
    place: int
    score: float


class _Earlier:
    """A tenant's questions so far, each wording once, with their vectors side by side."""

    def __init__(self, vectors: Vectors, places: Sequence[int]) -> None:
        self._matrix = np.empty((len(places), vectors.shape[1]), np.float32)
        self._prompts: set[str] = set()
        self.places: list[int] = []

    def cosines(self, vector: Vectors) -> Vectors:
        return self._matrix[: len(self.places)] @ vector

    def add(self, prompt: str, place: int, vector: Vectors) -> None:
        if prompt not in self._prompts:
            self._prompts.add(prompt)
            self._matrix[len(self.places)] = vector
            self.places.append(place)


def candidates(requests: Sequence[Request], vectors: Vectors) -> list[list[Candidate]]:
    """For each request the tenant's earlier ones that are near it, with their cosines. Slow: it compares them all."""
    of_tenant: dict[str, list[int]] = defaultdict(list)
    for at, request in enumerate(requests):
        of_tenant[request.tenant].append(at)
    found: list[list[Candidate]] = [[] for _ in requests]
    for places in of_tenant.values():
        earlier = _Earlier(vectors, places)
        for at in places:
            found[at] = _near(earlier, earlier.cosines(vectors[at]))
            earlier.add(requests[at].prompt, at, vectors[at])
    return found


def _near(earlier: _Earlier, cosines: Vectors) -> list[Candidate]:
    close = np.flatnonzero(cosines >= FARTHEST)
    nearest = close[np.argsort(-cosines[close], kind="stable")][: 2 * NEIGHBOURS]
    return [Candidate(earlier.places[near], float(cosines[near])) for near in nearest]


def judged(
    requests: Sequence[Request], near: Sequence[Sequence[Candidate]], score: Score
) -> Iterator[Sequence[Candidate]]:
    """The same neighbours with the scores that they are given."""
    for request, found in zip(requests, near, strict=True):
        yield [Candidate(each.place, score(request.prompt, requests[each.place].prompt, each.score)) for each in found]


def run(requests: Sequence[Request], near: Sequence[Sequence[Candidate]], threshold: float) -> Outcome:
    """The hour again, the best-scored neighbour served from `threshold` on; what is served is not kept."""
    kept: set[int] = set()
    exact: dict[tuple[str, str], int] = {}
    right = wrong = 0
    for at, request in enumerate(requests):
        if (request.tenant, request.prompt) in exact:
            right += 1
            continue
        offered = [candidate for candidate in near[at] if candidate.place in kept][:NEIGHBOURS]
        best = max(offered, key=lambda candidate: candidate.score, default=None)
        if best is not None and best.score >= threshold:
            is_right = requests[best.place].group == request.group
            right, wrong = right + is_right, wrong + (not is_right)
            continue
        kept.add(at)
        exact[request.tenant, request.prompt] = at
    return Outcome(threshold, right / len(requests), wrong / max(right + wrong, 1))


def best(outcomes: Sequence[Outcome], *, wrong_share: float) -> Outcome | None:
    """The one with most right hits among those within the share of wrong ones."""
    return max(
        (outcome for outcome in outcomes if outcome.wrong_share <= wrong_share),
        key=lambda outcome: outcome.right_share,
        default=None,
    )
