"""Which deployment of a model a call goes to, and what is learned from how it ends."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from acron_site.lib.errors import AcronError
from inference import affinity
from inference.facts import Visit
from inference.resilience.board import Board, Ticket
from inference.resilience.choice import Load, choose
from inference.resilience.retries import Failure, asked_wait_seconds
from inference.resilience.sharing import BoardSharing
from inference.targets import Target


@dataclass(frozen=True, slots=True)
class OpenLine:
    """One call under way: end it once, with how it ended."""

    ticket: Ticket
    board: Board
    load: Load
    clock: Callable[[], float]

    def end(self, failure: Failure | None, error: AcronError | None) -> None:
        """Well, when there is no failure."""
        self.load.leave(self.ticket.deployment_id)
        wait = None if error is None else asked_wait_seconds(error, now=datetime.now(UTC))
        self.board.report(self.ticket, self.clock(), failure, retry_after=wait)

    def drop(self) -> None:
        """The caller has left, which says nothing of the deployment."""
        self.load.leave(self.ticket.deployment_id)
        self.board.withdraw(self.ticket)


class Switchboard:
    """The health and the load of all deployments, as far as this process knows them."""

    def __init__(self, board: Board, sharing: BoardSharing, load: Load, clock: Callable[[], float]) -> None:
        self._board, self._sharing, self._load, self._clock = board, sharing, load, clock

    def ordered(self, targets: Sequence[Target], visit: Visit) -> Sequence[Target]:
        if len(targets) == 1:
            return targets
        return choose(
            targets,
            board=self._board,
            now=self._clock(),
            busy=self._load.busy,
            affinity=affinity.of(visit),
            random=random.random,
        )

    def allows(self, target: Target) -> bool:
        return self._board.allows(target.id, self._clock())

    async def enter(self, target: Target) -> OpenLine | None:
        """None when it is left alone just now."""
        ticket = self._board.enter(target.id, self._clock())
        if ticket is None or (ticket.is_probe and not await self._sharing.admits(ticket)):
            return None
        self._load.enter(target.id)
        return OpenLine(ticket, self._board, self._load, self._clock)

    def opens_in_seconds(self, targets: Sequence[Target]) -> int:
        now = self._clock()
        return max(1, math.ceil(min(self._board.opens_in_seconds(target.id, now) for target in targets)))
