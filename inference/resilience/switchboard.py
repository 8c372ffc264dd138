"""Which deployment of a model a call goes to, and what is learned from how it ends."""

import hashlib
import math
from collections.abc import Callable, Sequence

from acron_site.lib.errors import AcronError
from inference import affinity
from inference.facts import Visit
from inference.resilience.breaker import Board
from inference.targets import Ending, Target

# a deployment that is so much busier than the idlest is passed over, whatever its provider's cache may hold
_BUSIER_TIMES, _BUSIER_PLUS = 2, 4
_HASHES = 2**64


class DeploymentSwitchboard:
    """Calls of one conversation go to one deployment, so that its provider's prompt cache serves them; which one is
    drawn by weight (rendezvous hashing). One that is down is not asked; one that is busy comes last."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def ordered(self, targets: Sequence[Target], visit: Visit) -> Sequence[Target]:
        if len(targets) == 1:
            return targets
        return ordered(targets, affinity.of(visit), load=self._load, is_cooling=self._is_cooling)

    def allows(self, target: Target) -> bool:
        return self._board[target.id].allows(self._board.now())

    def began(self, target: Target) -> None:
        self._board[target.id].began(self._board.now())

    def ended(self, target: Target, ending: Ending) -> None:
        if ending.was_left:
            self._board[target.id].left()
        else:
            self._board.ended(target.id, ending.failure, retry_after_seconds=_retry_after(ending.error))

    def opens_in_seconds(self, targets: Sequence[Target]) -> int:
        now = self._board.now()
        return math.ceil(max(1.0, min(self._board[target.id].opens_in_seconds(now) for target in targets)))

    def _load(self, target: Target) -> float:
        return self._board[target.id].load / target.weight

    def _is_cooling(self, target: Target) -> bool:
        return self._board[target.id].is_cooling(self._board.now())


def ordered(
    targets: Sequence[Target],
    conversation: str,
    *,
    load: Callable[[Target], float],
    is_cooling: Callable[[Target], bool],
) -> list[Target]:
    """Those that cool down last, the much busier ones before them, and else as the conversation draws them."""
    idlest = min(load(target) for target in targets)

    def rank(target: Target) -> tuple[bool, bool, float]:
        is_busier = load(target) > _BUSIER_TIMES * idlest + _BUSIER_PLUS
        return is_cooling(target), is_busier, -_draw(target, conversation)

    return sorted(targets, key=rank)


def _draw(target: Target, conversation: str) -> float:
    """Weighted rendezvous hashing: -w / ln(h), h in (0, 1) (Schindelhauer and Schomaker, 2005)."""
    digest = hashlib.blake2b(f"{target.id} {conversation}".encode(), digest_size=8).digest()
    share = (int.from_bytes(digest) + 1) / (_HASHES + 2)
    return -target.weight / math.log(share)


def _retry_after(error: AcronError | None) -> float | None:
    told = error.headers.get("Retry-After", "") if error is not None else ""
    return float(told) if told.isascii() and told.isdigit() else None
