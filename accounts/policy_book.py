"""The policies a process knows: from memory, from the database, or on trust while the database is away."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from accounts.lane import Lane, LaneClosedError
from accounts.revocations import organization_in

Kind = TypeVar("Kind")
Kind_co = TypeVar("Kind_co", covariant=True)

_TTL_SECONDS = 30.0
_TRUST_SECONDS = 900.0  # how long what was read last is believed while the database cannot be asked
_RETRY_SECONDS = 1.0  # how often it is asked meanwhile
_LIMIT_SECONDS = 0.5
MOST = 10_000  # organizations


class PoliciesUnavailableError(Exception):
    """The database cannot be asked."""


class PolicyRecords(Protocol[Kind_co]):
    """Where policies are kept. Its methods block."""

    def read(self, organization_id: UUID) -> Kind_co:
        """Raises PoliciesUnavailableError."""
        ...

    def release(self) -> None:
        """Gives back what the thread holds on to."""
        ...


@dataclass(slots=True)
class _Kept(Generic[Kind]):
    policies: Kind
    read_at: float
    fresh_until: float


class PolicyBook(Generic[Kind]):
    """One of a kind per process. A listener to the news of what has changed in an organization
    (`accounts.revocations`).

    None is guessed: after news of a change, or in a process that has never seen the organization, `unknown` holds
    until the database has answered.
    """

    def __init__(
        self,
        records: PolicyRecords[Kind],
        *,
        name: str,
        unknown: Kind,
        ttl_seconds: float = _TTL_SECONDS,
        max_entries: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records, self._unknown, self._clock = records, unknown, clock
        self._ttl_seconds, self._max_entries = ttl_seconds, max_entries
        self._kept: dict[UUID, _Kept[Kind]] = {}
        self._readings: dict[UUID, asyncio.Task[Kind]] = {}
        self._generation = 0  # grows with each piece of news: what was read before it is not kept
        self._lane = Lane(
            name,
            failure=PoliciesUnavailableError,
            limit_seconds=_LIMIT_SECONDS,
            retry_seconds=_RETRY_SECONDS,
            clock=clock,
        )

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, organization_id: UUID) -> Kind | None:
        kept = self._kept.get(organization_id)
        return kept.policies if kept is not None and self._clock() < kept.fresh_until else None

    async def of(self, organization_id: UUID) -> Kind:
        known = self.known(organization_id)
        return await self._read_once(organization_id) if known is None else known

    def invalidate(self, news: str) -> None:
        """Forgets an organization's policies; to be called from any thread."""
        organization_id = organization_in(news)
        if organization_id is None:
            return
        self._generation += 1
        self._kept.pop(organization_id, None)
        # who asks from now on does not wait for what was begun before
        self._readings.pop(organization_id, None)

    def connected(self) -> None:
        """News may have been missed: all is read again, and believed only while it cannot be."""
        self._generation += 1
        self._readings.clear()
        for kept in list(self._kept.values()):
            kept.fresh_until = kept.read_at

    def heard(self) -> None:
        return None

    def stop(self) -> None:
        self._lane.shut_down()

    async def _read_once(self, organization_id: UUID) -> Kind:
        reading = self._readings.get(organization_id)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(self._read(organization_id))
            self._readings[organization_id] = reading
            reading.add_done_callback(partial(self._finish, organization_id))
        # shielded: others may wait for the same reading when this caller hangs up
        return await asyncio.shield(reading)

    async def _read(self, organization_id: UUID) -> Kind:
        generation = self._generation
        try:
            found = await self._lane.run(partial(self._read_here, organization_id))
        except LaneClosedError:
            return self._believed(organization_id)
        if generation == self._generation:
            self._keep(organization_id, found)
        return found

    def _read_here(self, organization_id: UUID) -> Kind:
        try:
            return self._records.read(organization_id)
        finally:
            self._records.release()

    def _believed(self, organization_id: UUID) -> Kind:
        kept, now = self._kept.get(organization_id), self._clock()
        if kept is None or now >= kept.read_at + _TRUST_SECONDS:
            return self._unknown
        kept.fresh_until = min(now + _RETRY_SECONDS, kept.read_at + _TRUST_SECONDS)
        return kept.policies

    def _keep(self, organization_id: UUID, found: Kind) -> None:
        self._kept.pop(organization_id, None)
        while len(self._kept) >= self._max_entries:
            del self._kept[next(iter(self._kept))]
        now = self._clock()
        self._kept[organization_id] = _Kept(found, now, now + self._ttl_seconds)

    def _finish(self, organization_id: UUID, reading: "asyncio.Task[Kind]") -> None:
        if self._readings.get(organization_id) is reading:
            del self._readings[organization_id]
        if not reading.cancelled():
            reading.exception()  # looked at here, since every caller may have hung up
