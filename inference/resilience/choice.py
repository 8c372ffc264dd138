"""Which deployment of a model answers a request, and which come next: the least busy, or the one it had before."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Protocol, TypeVar

from inference.resilience.board import Board

# how much busier than the least busy one a deployment may be and still keep its conversations
_CROWDED_TIMES = 2
_CROWDED_CALLS = 2


class Weighted(Protocol):
    """A deployment, as far as choosing needs it."""

    @property
    def id(self) -> str: ...

    @property
    def weight(self) -> int: ...


Place = TypeVar("Place", bound=Weighted)


class Load:
    """The calls under way at each deployment."""

    def __init__(self) -> None:
        self._busy: dict[str, int] = {}

    @property
    def busy(self) -> Mapping[str, int]:
        return self._busy

    def enter(self, deployment_id: str) -> None:
        self._busy[deployment_id] = self._busy.get(deployment_id, 0) + 1

    def leave(self, deployment_id: str) -> None:
        left = self._busy.pop(deployment_id) - 1
        if left:
            self._busy[deployment_id] = left

    @contextmanager
    def call(self, deployment_id: str) -> Iterator[None]:
        self.enter(deployment_id)
        try:
            yield
        finally:
            self.leave(deployment_id)


def choose(
    deployments: Sequence[Place],
    *,
    board: Board,
    now: float,
    busy: Mapping[str, int],
    affinity: str,
    random: Callable[[], float],
) -> tuple[Place, ...]:
    """All of them, best first: healthy before cooling before shut out, then the least busy for its weight.

    Where several are equal, chance decides by weight. With an `affinity`, whoever had it before comes first while it
    is healthy and not crowded: what it has cached of the conversation is worth a short wait.
    """
    if len(deployments) == 1:
        return tuple(deployments)
    ailing = {one.id: (not board.allows(one.id, now), board.is_cooling(one.id, now)) for one in deployments}
    loads = {one.id: busy.get(one.id, 0) / one.weight for one in deployments}
    order = sorted(deployments, key=lambda one: (ailing[one.id], loads[one.id], _lot(random(), one.weight)))
    if affinity and (kept := _kept(order, ailing, loads, affinity)):
        order.remove(kept)
        order.insert(0, kept)
    return tuple(order)


def _kept(
    order: Sequence[Place], ailing: Mapping[str, tuple[bool, bool]], loads: Mapping[str, float], affinity: str
) -> Place | None:
    """Rendezvous hashing: whoever drops out, only its own conversations move. None: they are all ailing."""
    best = ailing[order[0].id]
    if any(best):
        return None
    crowded = _CROWDED_TIMES * loads[order[0].id] + _CROWDED_CALLS
    fit = [one for one in order if ailing[one.id] == best and loads[one.id] <= crowded]
    return min(fit, key=lambda one: _lot(_fraction(affinity, one.id), one.weight))


def _lot(fraction: float, weight: int) -> float:
    """The smallest wins, in proportion to the weights: a race of exponential clocks."""
    return -math.log(1 - fraction) / weight


def _fraction(affinity: str, deployment_id: str) -> float:
    digest = blake2b(f"{deployment_id}\n{affinity}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)
