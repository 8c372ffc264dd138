"""The one path of every request: cache, route, provider, put back, record."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Protocol

from accounts.principal import Principal
from acron_site.lib.errors import AcronError, UnknownModelError
from acron_site.lib.ids import uuid7
from analytics.events import EventKind, Ledger
from caching.exact import Entry, ExactCache
from caching.idempotency import Idempotency
from caching.semantic import Served
from inference import facts, notes, pricing, stamps, steering
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.calling import Caller, CallParts, Completed
from inference.cascade import Cascades
from inference.catalog import Catalog, Model
from inference.checks import Checks
from inference.conversations import Conversations
from inference.domain import Answer, Ask, CacheStatus, Cascade, Completion, Route, RoutingMode
from inference.facts import KEPT, SIMILAR, STEP, Visit, Worth
from inference.keeper import Keeper
from inference.keeping import CacheReason
from inference.passengers import Passenger, told
from inference.refreshing import Refreshing
from inference.resilience.latencies import TYPICAL
from inference.routing.router import Router
from inference.sharing import Production, Sharing
from inference.similar import Similar
from inference.streaming import Replay, Waiting
from inference.trials import TrialParts, Trials
from inference.visits import Visits
from inference.wire.formats import MANNERS

NO_TRIALS = TrialParts()


class NotCachedError(AcronError):
    """`Cache-Control: only-if-cached` and nothing is kept (RFC 9111, section 5.2.1.7)."""

    status, code, type = 504, "not_cached", "invalid_request_error"


class Presence(Protocol):
    """The caller's end of the line. It is watched only when there is something to wait for."""

    def watch(self, stays: Callable[[], bool] | None = None) -> None:
        """From now on, cancel the current task when the caller leaves; unless `stays`, asked then, says that the task
        must go on. Said again, the last one counts."""
        ...


class Gateway:
    """Answers asks. A cache that is down is a miss; a ledger that cannot write refuses before money is spent.

    `keep_alive_seconds`: a stream that has not begun by then is answered with its head.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        router: Router,
        cache: ExactCache,
        ledger: Ledger,
        accountant: Accountant,
        allowances: Allowances,
        visits: Visits,
        keeper: Keeper,
        similar: Similar,
        calls: CallParts,
        sharing: Sharing,
        idempotency: Idempotency,
        keep_alive_seconds: float = 15.0,
        trials: TrialParts = NO_TRIALS,
    ) -> None:
        self._catalog, self._router, self._cache = catalog, router, cache
        self._ledger, self._accountant = ledger, accountant
        self.allowances, self._keep_alive_seconds = allowances, keep_alive_seconds
        self._visits, self._keeper, self._similar = visits, keeper, similar
        self._sharing, self._idempotency, self._latencies = sharing, idempotency, calls.latencies
        self._caller = Caller(
            calls,
            alternatives=self._alternatives,
            ledger=ledger,
            accountant=accountant,
            allowances=allowances,
        )
        self._cascades = Cascades(self._caller, ledger=ledger, accountant=accountant)
        self._conversations = Conversations(cache, secret=visits.secret)
        self.checks = Checks()
        self.refreshing = Refreshing(cache, sharing.leases, self._ask_anew, keeper.renewed)
        self._trials = Trials(trials, router, self.checks, self._ask)
        # a popular answer is priced again and again with the same usage
        self._worth = lru_cache(1024)(self._worth_of)

    async def answer(self, principal: Principal, ask: Ask, presence: Presence) -> Answer:
        """Raises an AcronError that is fit to be shown to the caller."""
        if ask.mode is not RoutingMode.EXPLICIT:  # all that is decided of a request goes by the same figures
            ask.noted[TYPICAL] = self._latencies.typical()
        visit = self._visits.known(principal, ask) or await self._visits.of(principal, ask)
        # counted while the cache is asked: both questions travel to Redis together
        entry = None if principal.rules is None else self.allowances.enter(principal)
        looks_later = ask.idempotency_key and not ask.controls.only_if_cached
        found = None if looks_later else await self._look_up(visit)
        limits = None if entry is None else await self.allowances.admit(entry)
        kept = None if found is None else self._hit(visit, found, limits)
        if kept is not None:
            if found is not None and visit.policy.refresh_ahead_percent:
                self.refreshing.consider(visit, found)
            return self._recorded(visit, kept)
        if visit.reads and not self._cache.store.is_reachable:
            visit = replace(visit, cache_reason=CacheReason.STORE_DOWN)
        if ask.controls.only_if_cached:
            made = Production()
            if await self._find_similar(visit, made):
                return self._recorded(visit, told(visit, made, self._hit))
            raise NotCachedError(
                "no kept answer fits and Cache-Control says only-if-cached",
                headers={"x-should-retry": "false"},
            )
        presence.watch()
        answer = await self._from_provider(visit, presence)
        return replace(answer, limits={**limits, **(answer.limits or {})}) if limits else answer

    def _recorded(self, visit: Visit, hit: Answer) -> Answer:
        self._ledger.record(hit.facts)
        if visit.principal.keeps_content:
            self._keeper.keep_content(visit.ask, hit.facts, hit.body)
        return hit

    def with_optimised(self, answer: Answer, tokens: int) -> Answer:
        """Says what was taken out of the request, and what it would have cost at today's price: nothing on a hit."""
        row = answer.facts
        usd = None if row.cache_tier else pricing.estimate_cost(self._catalog.find(row.model), tokens, 0)
        return replace(answer, optimised_tokens=tokens, optimised_usd=usd)

    async def recall(self, visit: Visit, entry: Entry) -> Answer | None:
        """The answer that the kept entry of a workflow's step gives: counted, and recorded as a hit. None when it is
        worth nothing any more, and then nothing was counted."""
        if self._worth(entry.note, visit.ask.mode, visit.principal.is_test) is None:
            return None
        counted = None if visit.principal.rules is None else self.allowances.enter(visit.principal)
        limits = None if counted is None else await self.allowances.admit(counted)
        kept = self._hit(visit, entry, limits, status=CacheStatus.HIT_T3, reason=STEP)
        return None if kept is None else self._recorded(visit, kept)

    async def keep_given(self, principal: Principal, ask: Ask, completion: Completion) -> None:
        """Keeps an answer that was given elsewhere as if it had been given here. Raises InvalidRequestError that says
        why it would not have been kept."""
        visit = await self._visits.of(principal, ask)
        self._keeper.keep_given(visit, self._route(visit), completion)

    async def keeps(self, principal: Principal, ask: Ask) -> bool:
        """Whether the cache would answer it."""
        return await self._look_up(await self._visits.of(principal, ask)) is not None

    async def _look_up(self, visit: Visit) -> Entry | None:
        if not visit.reads_exact:
            return None
        return await self._cache.look_up(
            visit.namespace, visit.fingerprint, max_age_seconds=visit.ask.controls.max_age_seconds
        )

    def _hit(
        self,
        visit: Visit,
        entry: Entry,
        limits: Mapping[str, str] | None = None,
        *,
        status: CacheStatus = CacheStatus.HIT_T1,
        reason: str = KEPT,
        similarity: float | None = None,
    ) -> Answer | None:
        worth = self._worth(entry.note, visit.ask.mode, visit.principal.is_test)
        if worth is None:
            return None
        row = facts.of_hit(visit, worth, status=status, reason=reason, similarity=similarity)
        now = time.time()
        age_seconds = max(0, int(now - entry.stored_at))
        body = stamps.renewed(entry.body, worth.note.stamps, identity=row.event_id, moment=int(now))
        if visit.ask.stream:
            stream = Replay(MANNERS[visit.ask.format].replay(body, visit.ask.include_usage), row)
            return Answer(facts=row, body=body, stream=stream, age_seconds=age_seconds, limits=limits)
        return Answer(facts=row, body=body, age_seconds=age_seconds, limits=limits)

    def _worth_of(self, data: bytes, mode: RoutingMode, is_test: bool) -> Worth | None:
        """What a kept answer is worth today; None when its model is gone from the catalogue, so that it is unknown."""
        note = notes.read(data)
        try:
            model = self._catalog.find(note.model)
        except UnknownModelError:
            return None
        accountant = self._accountant
        bill = accountant.of_test_key(model) if is_test else accountant.hit(model, mode, note.usage)
        return Worth(note, model.quality_for(note.task_type), bill)

    async def _from_provider(self, visit: Visit, presence: Presence) -> Answer:
        is_shared = self._sharing.needs_flight(visit)
        coming = self._shared(visit, presence) if is_shared else self._alone(visit)
        return await (self._patiently(visit, coming) if visit.ask.stream else coming)

    async def _alone(self, visit: Visit) -> Answer:
        """The answer of a call that nobody shares."""
        made = Production()
        answer = await self._produce(visit, made, lambda: True)
        return answer or self._recorded(visit, told(visit, made, self._hit))

    async def _produce(self, visit: Visit, made: Production, is_heard: Callable[[], bool]) -> Answer | None:
        """Asks a provider, unless nearly the same was answered before (None); `made` gets the entry of the answer."""
        if await self._find_similar(visit, made):
            return None

        await self._conversations.recall(visit)
        route = self._route(visit)
        asked = _with_cascade(visit, steering.cascade_of(visit.ask, visit.course, route))

        def completed(whole: Completed) -> None:
            made.entry = entry = self._keeper.completed(visit, whole)
            self._conversations.note(visit, whole)
            self._trials.saw(asked, whole)
            if made.claim is not None:
                made.claim.keep(note=notes.without_stamps(entry.note), body=entry.body)

        first = self._router.serving(visit.principal).asked_first(asked.ask, route)
        if first:
            return await self._cascades.answer(asked, route, first, completed, is_heard=is_heard)
        return await self._caller.answer(visit, route, completed, is_heard=is_heard)

    async def _find_similar(self, visit: Visit, made: Production) -> bool:
        """Whether nearly the same was answered before; `made` gets that."""
        served = await self._similar.look_up(visit)
        if served is None or self._worth(served.kept.note, visit.ask.mode, visit.principal.is_test) is None:
            return False
        self._serve(visit, made, served)
        return True

    def _serve(self, visit: Visit, made: Production, served: Served) -> None:
        kept = served.kept
        made.entry = Entry(kept.note, kept.body, kept.stored_at)
        made.status, made.reason, made.similarity = CacheStatus.HIT_T2, SIMILAR, served.match.similarity
        if made.claim is not None:
            made.claim.keep(note=notes.without_stamps(kept.note), body=kept.body)
        if served.is_checked:
            self.checks.begin(visit, partial(self._compare, served=served))

    async def _compare(self, visit: Visit, served: Served) -> Answer:
        return await self._ask_anew(visit, partial(self._keeper.compared, visit, served=served))

    async def _ask_anew(self, visit: Visit, completed: Callable[[Completed], None]) -> Answer:
        return await self._ask(visit, self._route(visit), completed)

    async def _ask(self, visit: Visit, route: Route, completed: Callable[[Completed], None]) -> Answer:
        return await self._caller.answer(visit, route, completed, is_heard=lambda: True)

    async def _produce_once(self, visit: Visit, made: Production, is_heard: Callable[[], bool]) -> Answer | None:
        """The same under an Idempotency-Key: only what was not answered under it before; None where that was."""
        organization_id, key = visit.principal.organization_id, visit.ask.idempotency_key
        request = visit.fingerprint + visit.namespace.name.encode()  # whoever stands behind a wall asks something else
        opened = await self._idempotency.open(organization_id, key, request)
        if isinstance(opened, Entry):
            made.entry, made.reason = opened, "the same Idempotency-Key was answered before"
            return None
        made.claim = opened
        found = await self._look_up(visit)
        if found is None:
            return await self._produce(visit, made, is_heard)
        made.entry = entry = _renewed(found)
        opened.keep(note=entry.note, body=entry.body)
        return None

    async def _shared(self, visit: Visit, presence: Presence) -> Answer:
        """The answer of a call that others may wait for too: the leader's own, or told again to a follower."""
        produce = partial(self._produce_once if visit.ask.idempotency_key else self._produce, visit)
        seat = self._sharing.join(visit, produce, partial(self._look_up, visit))
        stops = self._sharing.may_stop(visit)
        if seat.carries:
            presence.watch(partial(seat.hand_over, stops=stops))
        return await Passenger(
            visit,
            seat,
            stops=stops,
            ledger=self._ledger,
            hit=self._hit,
            recorded=self._recorded,
        ).answer()

    async def _patiently(self, visit: Visit, coming: Coroutine[Any, Any, Answer]) -> Answer:
        """The stream once it has begun; where that takes long, one that waits for it, so that the head can leave."""
        under_way = asyncio.ensure_future(coming)
        try:
            done, _ = await asyncio.wait({under_way}, timeout=self._keep_alive_seconds)
        except asyncio.CancelledError:
            under_way.cancel()
            await asyncio.wait({under_way})
            raise
        if done:
            return under_way.result()
        route = self._route(visit)
        row = facts.of_start(visit, route, route.model.provider, attempt=1, money={})
        return Answer(row, stream=Waiting(under_way, row, error_event=MANNERS[visit.ask.format].error_event))

    def _route(self, visit: Visit) -> Route:
        router, course = self._router.serving(visit.principal), visit.course
        held_out = router.held_out(visit.ask, course.baseline) if course.is_held_out else None
        return held_out or router.route(
            visit.ask,
            explain=visit.ask.endpoint == "infer",
            proofs=course.proofs,
            predictor=course.predictor,
        )

    def _alternatives(self, visit: Visit, route: Route) -> Iterable[Model]:
        if visit.kind is EventKind.OVERHEAD:  # another model's answer is not what is to be compared
            return ()
        router = self._router.serving(visit.principal)
        return router.alternatives(visit.ask, route, predictor=visit.course.predictor)


def _with_cascade(visit: Visit, cascade: Cascade | None) -> Visit:
    return visit if visit.ask.cascade is cascade else replace(visit, ask=replace(visit.ask, cascade=cascade))


def _renewed(found: Entry) -> Entry:
    """A kept answer as this caller gets it, and whoever sends the same Idempotency-Key again."""
    marks, moment = notes.read(found.note).stamps, int(time.time())
    body = stamps.renewed(found.body, marks, identity=uuid7(), moment=moment)
    return Entry(notes.without_stamps(found.note), body, found.stored_at)
