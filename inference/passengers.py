"""One caller's share of a call that several wait for: the leader's own answer, or the same told to a follower."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Protocol

from acron_site.lib.errors import AcronError, UpstreamError
from analytics.events import EventStatus, InferenceFacts, Ledger
from caching.exact import Entry
from caching.flights import Seat
from inference import facts
from inference.domain import Answer, CacheStatus
from inference.facts import SHARED, Visit
from inference.sharing import Production


class Hit(Protocol):
    """Makes an answer of an entry; None when it is worth nothing any more."""

    def __call__(
        self,
        visit: Visit,
        entry: Entry,
        *,
        status: CacheStatus,
        reason: str,
        similarity: float | None = None,
    ) -> Answer | None: ...


def told(visit: Visit, made: Production, hit: Hit, status: CacheStatus | None = None) -> Answer:
    """The answer that a production brought from the cache. Raises UpstreamError when it has brought none."""
    answer = None
    if made.entry is not None:
        answer = hit(visit, made.entry, status=status or made.status, reason=made.reason, similarity=made.similarity)
    if answer is None:
        raise UpstreamError("the answer that was being waited for did not come; try again")
    return answer


class LeaderStream:
    """The leader's view of a stream that others may watch too."""

    def __init__(self, seat: Seat[Production], source: Answer, *, stops: bool) -> None:
        self._seat, self._source, self._stops = seat, source, stops

    @property
    def facts(self) -> InferenceFacts:
        stream = self._source.stream
        return self._source.facts if stream is None else stream.facts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._seat.__aiter__()

    async def aclose(self) -> None:
        await self._seat.depart(stops=self._stops)


class Passenger:
    """Takes one seat and leaves it again. `stops`: the call may end when the last of its callers has left."""

    def __init__(
        self,
        visit: Visit,
        seat: Seat[Production],
        *,
        stops: bool,
        ledger: Ledger,
        hit: Hit,
        recorded: Callable[[Visit, Answer], Answer],
    ) -> None:
        self._visit, self._seat, self._stops = visit, seat, stops
        self._ledger, self._hit, self._recorded = ledger, hit, recorded
        self._row: InferenceFacts | None = None  # of a follower whose stream is under way

    async def answer(self) -> Answer:
        """A stream has begun when this returns, and leaves the seat at its end."""
        answer: Answer | None = None
        try:
            made = await self._seat.start()
            answer = self._led(made) if self._seat.leads else self._followed(made)
        except AcronError as error:
            if not self._seat.leads:
                self._ledger.record(facts.of_follower(self._visit, None, EventStatus.ERROR, error))
            raise
        finally:
            if answer is None or not isinstance(answer.stream, LeaderStream | Passenger):
                await self._seat.depart(stops=self._stops)
        return answer

    @property
    def facts(self) -> InferenceFacts:
        assert self._row is not None  # noqa: S101 - only a stream is asked for it
        return self._row

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """A follower's stream. Its row is written at its end: the usage is not known before."""
        async for piece in self._seat:
            yield piece
        entry = (await self._seat.outcome()).entry
        hit = None if entry is None else self._hit(self._visit, entry, status=CacheStatus.COALESCED, reason=SHARED)
        if hit is not None:
            self._row = self._recorded(self._visit, hit).facts
        else:  # the stream has ended with an error event
            self._close(replace(self.facts, status=EventStatus.ERROR, error_code=UpstreamError.code))

    async def aclose(self) -> None:
        await self._seat.depart(stops=self._stops)
        if self.facts.status is EventStatus.STARTED:
            self._close(replace(self.facts, status=EventStatus.CLIENT_GONE))

    def _led(self, made: Production) -> Answer:
        if made.answer is None or made.answer.stream is None:
            return made.answer or self._recorded(self._visit, told(self._visit, made, self._hit))
        return replace(made.answer, stream=LeaderStream(self._seat, made.answer, stops=self._stops))

    def _followed(self, made: Production) -> Answer:
        if made.entry is not None:
            return self._recorded(self._visit, told(self._visit, made, self._hit, CacheStatus.COALESCED))
        leader = made.answer.facts if made.answer else None
        self._row = facts.of_follower(self._visit, leader, EventStatus.STARTED)
        return Answer(facts=self._row, stream=self)

    def _close(self, row: InferenceFacts) -> None:
        self._row = row
        self._ledger.record(row)
