"""What this process knows of the corrections that organizations make to detected tasks."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID

from accounts.lane import Lane, LaneClosedError
from inference.routing.tasks import Correction

Corrections = tuple[Correction, ...]

_TTL_SECONDS = 60.0
_RETRY_SECONDS = 5.0
_LIMIT_SECONDS = 2.0
_MOST = 10_000  # organizations


class CorrectionsUnavailableError(Exception):
    """The database cannot be asked."""


class KnownCorrections(Protocol):
    def known(self, organization_id: UUID) -> Corrections:
        """Those that are in memory; never waits."""
        ...


class NoCorrections:
    """For where nothing is learned from feedback."""

    def known(self, organization_id: UUID) -> Corrections:  # noqa: ARG002 - as the protocol has it
        return ()


@dataclass(slots=True)
class _Kept:
    corrections: Corrections
    fresh_until: float


class TaskBook:
    """One per process. What is old is used once more while it is read anew in the background.

    `read` blocks, and raises CorrectionsUnavailableError.
    """

    def __init__(self, read: Callable[[UUID], Corrections], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._kept: dict[UUID, _Kept] = {}
        self._readings: dict[UUID, asyncio.Task[None]] = {}
        self._lane = Lane(
            "task-corrections",
            failure=CorrectionsUnavailableError,
            limit_seconds=_LIMIT_SECONDS,
            retry_seconds=_RETRY_SECONDS,
            clock=clock,
        )

    def known(self, organization_id: UUID) -> Corrections:
        kept = self._kept.get(organization_id)
        if (kept is None or self._clock() >= kept.fresh_until) and organization_id not in self._readings:
            reading = asyncio.get_running_loop().create_task(self._refresh(organization_id))
            self._readings[organization_id] = reading
            reading.add_done_callback(lambda _: self._readings.pop(organization_id, None))
        return () if kept is None else kept.corrections

    async def settled(self) -> None:
        """Once nothing is being read."""
        await asyncio.gather(*self._readings.values(), return_exceptions=True)

    def stop(self) -> None:
        for reading in list(self._readings.values()):
            reading.cancel()
        self._lane.shut_down()

    async def _refresh(self, organization_id: UUID) -> None:
        kept = self._kept.get(organization_id)
        try:
            found, seconds = await self._lane.run(partial(self._read, organization_id)), _TTL_SECONDS
        except LaneClosedError:
            # what was known is believed until the database can be asked
            found, seconds = () if kept is None else kept.corrections, _RETRY_SECONDS
        self._kept.pop(organization_id, None)
        while len(self._kept) >= _MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[organization_id] = _Kept(found, self._clock() + seconds)
