"""Renews kept answers shortly before their time is over, so that nobody has to wait for them then.

A fixed share of an answer's life with a lease, in place of XFetch's probability (Vattani, Chiera, Lowenstein 2015,
"Optimal Probabilistic Cache Stampede Prevention"): that one is for workers that cannot speak to each other. Ours can,
so exactly one asks; and people can say when, which a coin does not.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from acron_site.lib.errors import AcronError
from analytics.events import EventKind
from caching.exact import Entry, ExactCache, entry_key
from caching.leases import Leases, lease_key
from inference.calling import Completed
from inference.errands import Errands
from inference.facts import Visit

logger = logging.getLogger(__name__)

AskAnew = Callable[[Visit, Callable[[Completed], None]], Awaitable[object]]

# answers of which a worker remembers that it has tried to renew them
_MOST_TRIED = 10_000
# a lease of its own: whoever misses does not wait for a call in the background
_ERRAND = b":ahead"


class Refreshing(Errands):
    """One that fails changes nothing: the answer stays until its time is over, and this worker does not try it
    again."""

    def __init__(
        self,
        cache: ExactCache,
        leases: Leases,
        ask: AskAnew,
        keep: Callable[[Visit, Completed], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._cache, self.leases, self._ask, self._keep, self._clock = cache, leases, ask, keep, clock
        self._tried: dict[bytes, float] = {}  # by key: when the answer was kept that was to be renewed

    def consider(self, visit: Visit, entry: Entry) -> None:
        """After a hit; returns at once."""
        if not _is_due(visit, self._clock() - entry.stored_at):
            return
        key = entry_key(visit.namespace, visit.fingerprint)
        if self.has_room and self._tried.get(key) != entry.stored_at:
            self._note(key, entry.stored_at)
            self._run(partial(self._refresh, visit, entry))

    def _note(self, key: bytes, stored_at: float) -> None:
        self._tried.pop(key, None)
        while len(self._tried) >= _MOST_TRIED:
            del self._tried[next(iter(self._tried))]
        self._tried[key] = stored_at

    async def _refresh(self, visit: Visit, entry: Entry) -> None:
        lease = await self.leases.acquire(lease_key(visit.namespace, visit.fingerprint) + _ERRAND)
        if lease is None:
            return
        with lease:
            # whoever held the lease before may have renewed it
            now = await self._cache.look_up(visit.namespace, visit.fingerprint)
            if now is not None and now.stored_at == entry.stored_at:
                await self._ask_anew(visit.for_the_gateway(EventKind.OVERHEAD))

    async def _ask_anew(self, asked: Visit) -> None:
        try:
            await self._ask(asked, lambda whole: self._keep(asked, whole))
        except AcronError as error:  # the caller's limits too: the kept answer is as good as before
            logger.info("cache.refresh_failed", extra={"request_id": asked.ask.request_id, "code": error.code})


def _is_due(visit: Visit, age_seconds: float) -> bool:
    """Whether its answer is in the last share of its life, whoever asks may renew it, and it would be kept.

    What is older than its life is pinned, or was kept for longer than this caller keeps: it has no end to be ahead of.
    """
    if visit.principal.is_test or not visit.writes or visit.ask.controls.only_if_cached:
        return False
    life = visit.ttl_seconds
    return life * (1 - visit.policy.refresh_ahead_percent / 100) <= age_seconds < life
