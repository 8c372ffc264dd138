"""The one path of every request: cache, route, provider, put back, record."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Protocol

import orjson

from accounts.principal import Principal
from acron_site.lib.errors import AcronError, UnknownModelError
from analytics.content import Content, ContentKeeper, Nowhere
from analytics.events import InferenceFacts, Ledger
from caching import namespaces
from caching.exact import Entry, ExactCache
from caching.idempotency import Idempotency
from inference import facts, fingerprint, notes
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.calling import Caller, CallParts, Completed
from inference.catalog import Catalog, Model
from inference.domain import Answer, Ask, CacheStatus, Route, RoutingMode
from inference.facts import KEPT, Visit, Worth
from inference.passengers import Passenger
from inference.routing.router import Router
from inference.sharing import Production, Sharing
from inference.streaming import Replay, Waiting
from inference.wire.formats import MANNERS


class NotCachedError(AcronError):
    """`Cache-Control: only-if-cached` and nothing is kept (RFC 9111, section 5.2.1.7)."""

    status, code, type = 504, "not_cached", "invalid_request_error"


class Presence(Protocol):
    """The caller's end of the line. Watching costs a task, so it begins only when there is something to wait for."""

    def watch(self) -> None:
        """From now on, cancel the current task when the caller leaves."""
        ...


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """When answers are kept and for how long, and when a caller who waits is told that somebody is still at work."""

    is_enabled: bool = True
    ttl_seconds: int = 86_400
    keep_sampled: bool = False
    keep_alive_seconds: float = 15.0  # a stream that has not begun by then is answered with its head


class Gateway:
    """Answers asks. A cache that is down is a miss; a ledger that cannot write refuses before money is spent."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        router: Router,
        cache: ExactCache,
        ledger: Ledger,
        accountant: Accountant,
        allowances: Allowances,
        policy: KeepPolicy,
        secret: bytes,
        calls: CallParts,
        sharing: Sharing,
        idempotency: Idempotency,
        content: ContentKeeper | None = None,
    ) -> None:
        self._catalog, self._router, self._cache = catalog, router, cache
        self._ledger, self._accountant = ledger, accountant
        self.allowances, self._policy, self._secret = allowances, policy, secret
        self._content = content or Nowhere()
        self._sharing, self._idempotency = sharing, idempotency
        self._caller = Caller(
            calls,
            alternatives=self._alternatives,
            ledger=ledger,
            accountant=accountant,
            allowances=allowances,
        )
        # a popular answer is priced again and again with the same usage
        self._worth = lru_cache(1024)(self._worth_of)

    async def answer(self, principal: Principal, ask: Ask, presence: Presence) -> Answer:
        """Raises an AcronError that is fit to be shown to the caller."""
        visit = self._visit(principal, ask)
        # counted while the cache is asked: both questions travel to Redis together
        entry = None if principal.rules is None else self.allowances.enter(principal)
        looks_later = ask.idempotency_key and not ask.controls.only_if_cached
        found = None if looks_later else await self._look_up(visit)
        limits = None if entry is None else await self.allowances.admit(entry)
        kept = None if found is None else self._hit(visit, found, limits)
        if kept is not None:
            return self._recorded(visit, kept)
        if ask.controls.only_if_cached:
            raise NotCachedError(
                "no kept answer fits and Cache-Control says only-if-cached",
                headers={"x-should-retry": "false"},
            )
        presence.watch()
        answer = await self._from_provider(visit)
        return replace(answer, limits={**limits, **(answer.limits or {})}) if limits else answer

    def _recorded(self, visit: Visit, hit: Answer) -> Answer:
        self._ledger.record(hit.facts)
        if visit.principal.keeps_content:
            self._keep_content(visit.ask, hit.facts, hit.body)
        return hit

    def _visit(self, principal: Principal, ask: Ask) -> Visit:
        router = self._router.serving(principal)
        model = router.resolve(ask)
        may_repeat = self._policy.is_enabled and fingerprint.is_repeatable(ask, keep_sampled=self._policy.keep_sampled)
        return Visit(
            principal=principal,
            ask=ask,
            namespace=namespaces.named(principal.organization_id, ask.controls.namespace),
            fingerprint=fingerprint.fingerprint(
                ask,
                target=model.name if model else fingerprint.policy_name(ask, router.allowed),
                # of models that are yet to be chosen: all or none of them are simulated
                is_mock=principal.is_test or (model.is_simulated if model else router.catalog.is_simulated),
                secret=self._secret,
            ),
            reads=may_repeat and ask.controls.read,
            writes=may_repeat and ask.controls.write,
            named_model=model.name if model else "",
        )

    async def _look_up(self, visit: Visit) -> Entry | None:
        if not visit.reads:
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
    ) -> Answer | None:
        worth = self._worth(entry.note, visit.ask.mode, visit.principal.is_test)
        if worth is None:
            return None
        row = facts.of_hit(visit, worth, status=status, reason=reason)
        age_seconds = max(0, int(time.time() - entry.stored_at))
        if visit.ask.stream:
            events = MANNERS[visit.ask.format].replay(entry.body, visit.ask.include_usage)
            stream = Replay(events, row)
            return Answer(facts=row, body=entry.body, stream=stream, age_seconds=age_seconds, limits=limits)
        return Answer(facts=row, body=entry.body, age_seconds=age_seconds, limits=limits)

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

    async def _from_provider(self, visit: Visit) -> Answer:
        if self._sharing.needs_flight(visit):
            coming = self._shared(visit)
        else:
            coming = self._produce(visit, Production(), lambda: True)
        return await (self._patiently(visit, coming) if visit.ask.stream else coming)

    async def _produce(self, visit: Visit, made: Production, is_heard: Callable[[], bool]) -> Answer:
        """Asks a provider; `made` gets the entry of the answer when that is whole."""

        def completed(whole: Completed) -> None:
            made.entry = entry = self._completed(visit, whole)
            if made.claim is not None:
                made.claim.keep(note=entry.note, body=entry.body)

        return await self._caller.answer(visit, self._route(visit), completed, is_heard=is_heard)

    async def _produce_once(self, visit: Visit, made: Production, is_heard: Callable[[], bool]) -> Answer | None:
        """The same under an Idempotency-Key: only what was not answered under it before; None where that was."""
        organization_id, key = visit.principal.organization_id, visit.ask.idempotency_key
        opened = await self._idempotency.open(organization_id, key, visit.fingerprint)
        if isinstance(opened, Entry):
            made.entry, made.reason = opened, "the same Idempotency-Key was answered before"
            return None
        made.claim = opened
        made.entry = await self._look_up(visit)
        if made.entry is not None:
            opened.keep(note=made.entry.note, body=made.entry.body)
            return None
        return await self._produce(visit, made, is_heard)

    async def _shared(self, visit: Visit) -> Answer:
        """The answer of a call that others may wait for too: the leader's own, or told again to a follower."""
        produce = partial(self._produce_once if visit.ask.idempotency_key else self._produce, visit)
        seat = self._sharing.join(visit, produce, partial(self._look_up, visit))
        return await Passenger(
            visit,
            seat,
            stops=self._sharing.may_stop(visit),
            ledger=self._ledger,
            hit=self._hit,
            recorded=self._recorded,
        ).answer()

    async def _patiently(self, visit: Visit, coming: Coroutine[Any, Any, Answer]) -> Answer:
        """The stream once it has begun; where that takes long, one that waits for it, so that the head can leave."""
        under_way = asyncio.ensure_future(coming)
        try:
            done, _ = await asyncio.wait({under_way}, timeout=self._policy.keep_alive_seconds)
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
        return self._router.serving(visit.principal).route(visit.ask, explain=visit.ask.endpoint == "infer")

    def _alternatives(self, visit: Visit, route: Route) -> Iterable[Model]:
        return self._router.serving(visit.principal).alternatives(visit.ask, route)

    def _completed(self, visit: Visit, whole: Completed) -> Entry:
        """Puts a whole answer where it may be found again, and its words where the organization wants them."""
        completion, route = whole.completion, whole.route
        if visit.principal.keeps_content:
            self._keep_content(visit.ask, whole.facts, completion.body)
        note = notes.write(notes.Note(route.model.name, whole.provider, completion.usage, route.task_type))
        # a fallback's answer is not kept: the next caller wants the model that was asked for
        is_as_asked = not visit.named_model or visit.named_model == route.model.name
        if visit.writes and is_as_asked and fingerprint.may_be_kept(completion):
            self._put(visit, note, completion.body)
        return Entry(note, completion.body, time.time())

    def _put(self, visit: Visit, note: bytes, body: bytes) -> None:
        wanted = visit.ask.controls.ttl_seconds
        ttl_seconds = self._policy.ttl_seconds if wanted is None else wanted
        self._cache.keep(visit.namespace, visit.fingerprint, note=note, body=body, ttl_seconds=ttl_seconds)

    def _keep_content(self, ask: Ask, row: InferenceFacts, answered: bytes) -> None:
        self._content.keep(
            Content(row.event_id, row.organization_id, row.occurred_at, orjson.dumps(ask.body), answered)
        )
