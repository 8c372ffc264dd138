"""Requests that ask the same thing at the same time share one provider call."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from caching.exact import Entry, ExactCache, entry_key
from caching.flights import Flight, Flights, Seat
from caching.idempotency import Claim
from caching.leases import Claims, Lease, Leases, acquire_or_find, lease_key
from inference.domain import Answer, CacheStatus, EventStream
from inference.facts import SHARED, Visit

# another worker's answer is waited for so long; then this one asks for its own
_PATIENCE_SECONDS = 600.0


@dataclass(slots=True)
class Production:
    """What a flight brings: the leader's answer, and once it is whole the entry that others can be served from."""

    answer: Answer | None = None  # None: the entry was there already
    entry: Entry | None = None
    status: CacheStatus = CacheStatus.HIT_T1  # of the leader, where it is answered with the entry
    reason: str = SHARED  # why it is
    similarity: float | None = None  # to the question that the entry was made for, where that was another
    claim: Claim | None = None  # on the caller's Idempotency-Key, held until the end


Produce = Callable[[Production, Callable[[], bool]], Awaitable[Answer | None]]


class Sharing:
    """One process's shared calls; leases tell the other workers of them.

    `drains`: a call whose callers have all left is carried to its end, so that its exact usage is known.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        drains: bool = False,
        claims: Claims | None = None,
        cache: ExactCache | None = None,
    ) -> None:
        """`claims`: for a store of `cache` that can look an entry up and lease it in one question."""
        self.leases, self._drains, self._claims, self._cache = leases, drains, claims, cache
        self._flights: Flights[Production] = Flights()

    def needs_flight(self, visit: Visit) -> bool:
        return self._drains or bool(visit.ask.idempotency_key) or is_shareable(visit)

    def join(
        self,
        visit: Visit,
        produce: Produce,
        find: Callable[[], Awaitable[Entry | None]],
    ) -> Seat[Production]:
        """A place in the call that is under way for such a request, or in the one that `produce` begins."""
        if is_shareable(visit) and not visit.ask.idempotency_key:
            key, lease = _flight_key(visit), lease_key(visit.namespace, visit.fingerprint)
        else:
            key, lease = uuid4().bytes, b""

        def production(flight: Flight[Production]) -> Coroutine[Any, Any, Production]:
            return self._produce(flight, produce, partial(self._lease_or_entry, visit, lease, find) if lease else None)

        # a stream goes at the pace of its quickest reader, so it cannot be in the task of any one of them
        return self._flights.join(key, production, leader_carries=not visit.ask.stream)

    def may_stop(self, visit: Visit) -> bool:
        """Whether a call may end when its callers have left: not where another try shall find its answer."""
        return not self._drains and not visit.ask.idempotency_key

    async def close(self) -> None:
        await self._flights.close()

    async def _lease_or_entry(
        self, visit: Visit, lease: bytes, find: Callable[[], Awaitable[Entry | None]]
    ) -> Lease | Entry:
        """What another worker may have kept since the look-up, else the right to make it."""
        if self._claims is not None and self._cache is not None and visit.reads_exact:
            key = entry_key(visit.namespace, visit.fingerprint)
            found = await self._claims.look_or_claim(key, lease, max_bytes=self._cache.max_sealed_bytes)
            if isinstance(found, Lease):
                return found
            entry = self._cache.opened(key, found, max_age_seconds=visit.ask.controls.max_age_seconds)
            if entry is not None:
                return entry
        return await acquire_or_find(self.leases, lease, find, patience_seconds=_PATIENCE_SECONDS)

    async def _produce(
        self,
        flight: Flight[Production],
        produce: Produce,
        acquire: Callable[[], Awaitable[Lease | Entry]] | None,
    ) -> Production:
        """`acquire`: where others may make the same, here or elsewhere."""
        made = Production()
        held = Lease() if acquire is None else await acquire()
        if isinstance(held, Entry):
            made.entry = held
            return made
        with held:
            try:
                made.answer = await produce(made, lambda: flight.aboard > 0)
                if made.answer is not None and made.answer.stream is not None:
                    await _fly(flight, made, made.answer.stream)
            finally:
                if made.claim is not None:
                    made.claim.release()
        return made


async def _fly(flight: Flight[Production], made: Production, stream: EventStream) -> None:
    flight.begin(made)
    try:
        async for piece in stream:
            flight.publish(piece)
            await flight.room()
    finally:
        await stream.aclose()


def is_shareable(visit: Visit) -> bool:
    """Only what may be answered from the cache: whoever wants an answer of their own gets one."""
    return visit.reads and visit.writes


def _flight_key(visit: Visit) -> bytes:
    """Those who stream see the same pieces; and a refusal that one key's limits cause is no other key's."""
    ask, principal = visit.ask, visit.principal
    manner = b"s%d" % ask.include_usage if ask.stream else b"p"
    limited = b"" if principal.rules is None else str(principal.key_id).encode()
    return b"%b:%b:%b" % (entry_key(visit.namespace, visit.fingerprint), manner, limited)
