"""The one path of every request: cache, route, provider, put back, record."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import orjson

from accounts.limits.balances import Reservation
from accounts.principal import Principal
from acron_site.lib.errors import AcronError, UnknownModelError, UpstreamUnreachableError
from analytics.content import Content, ContentKeeper, Nowhere
from analytics.events import InferenceFacts, Ledger
from caching import namespaces
from caching.exact import Entry, ExactCache
from inference import facts, fingerprint, notes
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.attempts import Attempt
from inference.catalog import Catalog, Model
from inference.domain import Answer, Ask, Completion, Route, RoutingMode
from inference.facts import Visit, Worth
from inference.providers.base import Call, Dialect, Provider, Reply
from inference.routing.router import Router
from inference.streaming import Relay, Replay
from inference.wire.formats import MANNERS

_REFUSED = 300  # redirects are not followed, so they are no answer either


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
    """When answers are kept, and for how long."""

    is_enabled: bool = True
    ttl_seconds: int = 86_400
    keep_sampled: bool = False


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The provider call that will answer a visit."""

    visit: Visit
    route: Route
    provider: Provider
    call: Call

    @property
    def dialect(self) -> Dialect:
        return self.provider.dialect(self.visit.ask.format)


class Gateway:
    """Answers asks. A cache that is down is a miss; a ledger that cannot write refuses before money is spent."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        router: Router,
        cache: ExactCache,
        provider_for: Callable[[Model, Principal], Provider],
        ledger: Ledger,
        accountant: Accountant,
        allowances: Allowances,
        policy: KeepPolicy,
        secret: bytes,
        content: ContentKeeper | None = None,
    ) -> None:
        self._catalog, self._router, self._cache = catalog, router, cache
        self._provider_for, self._ledger, self._accountant = provider_for, ledger, accountant
        self.allowances, self._policy, self._secret = allowances, policy, secret
        self._content = content or Nowhere()
        # a popular answer is priced again and again with the same usage
        self._worth = lru_cache(1024)(self._worth_of)

    async def answer(self, principal: Principal, ask: Ask, presence: Presence) -> Answer:
        """Raises an AcronError that is fit to be shown to the caller."""
        visit = self._visit(principal, ask)
        # counted while the cache is asked: both questions travel to Redis together
        entry = None if principal.rules is None else self.allowances.enter(principal)
        found = await self._look_up(visit)
        limits = None if entry is None else await self.allowances.admit(entry)
        kept = None if found is None else self._hit(visit, found, limits)
        if kept is not None:
            self._ledger.record(kept.facts)
            if principal.keeps_content:
                self._keep_content(ask, kept.facts, kept.body)
            return kept
        if ask.controls.only_if_cached:
            raise NotCachedError(
                "no kept answer fits and Cache-Control says only-if-cached",
                headers={"x-should-retry": "false"},
            )
        chosen = self._choose(visit)
        if principal.rules is None:
            return await self._from_provider(chosen, presence)
        grant = await self.allowances.grant(principal, chosen.visit.ask, chosen.route.model, chosen.call)
        answer = await self._from_provider(chosen, presence, grant.reservation)
        return replace(answer, limits={**(limits or {}), **grant.headers})

    def _visit(self, principal: Principal, ask: Ask) -> Visit:
        router = self._router_of(principal)
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
        )

    def _router_of(self, principal: Principal) -> Router:
        """An organization's own keys open models that this installation has no key for; an API key may close some."""
        router = self._router.with_own_keys(principal.own_providers) if principal.provider_keys else self._router
        rules = principal.rules
        return router if rules is None or not rules.models else router.restricted_to(rules.models)

    async def _look_up(self, visit: Visit) -> Entry | None:
        if not visit.reads:
            return None
        return await self._cache.look_up(
            visit.namespace, visit.fingerprint, max_age_seconds=visit.ask.controls.max_age_seconds
        )

    def _hit(self, visit: Visit, entry: Entry, limits: Mapping[str, str] | None) -> Answer | None:
        worth = self._worth(entry.note, visit.ask.mode, visit.principal.is_test)
        if worth is None:
            return None
        row = facts.of_hit(visit, worth)
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

    def _choose(self, visit: Visit) -> _Chosen:
        router = self._router_of(visit.principal)
        route = router.route(visit.ask, explain=visit.ask.endpoint == "infer")
        provider = self._provider_for(route.model, visit.principal)
        if visit.principal.rules is not None:
            visit = replace(visit, ask=self.allowances.fitted(visit.principal, visit.ask, route.model))
        return _Chosen(visit, route, provider, provider.dialect(visit.ask.format).call(visit.ask, route.model))

    async def _from_provider(
        self, chosen: _Chosen, presence: Presence, reservation: Reservation | None = None
    ) -> Answer:
        attempt = self._attempt(chosen, reservation)
        reply: Reply | None = None
        answer: Answer | None = None
        try:
            presence.watch()
            reply = await chosen.provider.transport.send(chosen.call)
            if reply.status >= _REFUSED:
                raise chosen.dialect.refusal(reply.status, reply.headers, await reply.read())
            answer = await self._read(chosen, attempt, reply)
        except AcronError as error:
            # a refused call costs nothing; one that was cut off later may have been billed
            was_refused = reply.status >= _REFUSED if reply else isinstance(error, UpstreamUnreachableError)
            await attempt.fail(error, None if was_refused else attempt.estimate)
            raise
        except asyncio.CancelledError:
            await attempt.abandon(attempt.estimate)
            raise
        else:
            return answer
        finally:
            if reply is not None and (answer is None or answer.stream is None):  # a stream's is closed by its relay
                reply.close()

    def _attempt(self, chosen: _Chosen, reservation: Reservation | None) -> Attempt:
        try:
            return Attempt(
                chosen.visit,
                chosen.route,
                chosen.provider.name,
                ledger=self._ledger,
                accountant=self._accountant,
                reservation=reservation,
            )
        except AcronError:
            if reservation is not None:
                reservation.release()
            raise

    async def _read(self, chosen: _Chosen, attempt: Attempt, reply: Reply) -> Answer:
        def keep(completion: Completion) -> None:
            self._keep(chosen, completion)
            if chosen.visit.principal.keeps_content:
                self._keep_content(chosen.visit.ask, attempt.facts, completion.body)

        body, stream, dialect = b"", None, chosen.dialect
        if chosen.visit.ask.stream:
            reader = dialect.reader(chosen.visit.ask, chosen.route.model)
            manner = MANNERS[chosen.visit.ask.format]
            stream = Relay(reply, reader, attempt, keep, error_event=manner.error_event)
        else:
            completion = dialect.completion(await reply.read(), chosen.visit.ask)
            await attempt.succeed(completion)
            keep(completion)
            body = completion.body
        return Answer(
            facts=attempt.facts,
            body=body,
            stream=stream,
            candidates=chosen.route.candidates,
            confidence=chosen.route.confidence,
            dropped=chosen.call.dropped,
        )

    def _keep(self, chosen: _Chosen, completion: Completion) -> None:
        visit = chosen.visit
        if not visit.writes or not fingerprint.may_be_kept(completion):
            return
        note = notes.Note(chosen.route.model.name, chosen.provider.name, completion.usage, chosen.route.task_type)
        ttl_seconds = visit.ask.controls.ttl_seconds
        self._cache.keep(
            visit.namespace,
            visit.fingerprint,
            note=notes.write(note),
            body=completion.body,
            ttl_seconds=self._policy.ttl_seconds if ttl_seconds is None else ttl_seconds,
        )

    def _keep_content(self, ask: Ask, row: InferenceFacts, answered: bytes) -> None:
        self._content.keep(
            Content(row.event_id, row.organization_id, row.occurred_at, orjson.dumps(ask.body), answered)
        )
