"""Puts the gateway together from the settings: one set of parts per process."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from uuid import UUID

from django.conf import settings

from accounts import provider_keys as own_keys
from accounts.directory import KeyDirectory
from accounts.encryption import Cipher
from accounts.limits.limiter import Limiter
from accounts.limits.redis import RedisCounters
from accounts.principal import Principal, ProviderKey
from accounts.wiring import cipher, key_directory
from acron_site.lib import outbound
from acron_site.lib.config import Config, reach_of
from acron_site.lib.errors import InvalidRequestError, UpstreamUnreachableError
from acron_site.lib.outbound import Reach
from acron_site.lib.redis_links import Links
from analytics import content_store
from analytics.content import ContentWriter
from analytics.ledger import JournalLedger
from analytics.wiring import open_ledger
from caching.exact import ExactCache
from caching.leases import Leases
from caching.wiring import exact_cache, exact_store, idempotency, leases, redis_links
from inference import budgets, fallback_price, usage
from inference import catalog as catalogs
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.calling import CallParts, CallPolicy
from inference.catalog import Catalog, Model, ProviderEntry
from inference.domain import RoutingMode
from inference.door import Door
from inference.fallback_price import FallbackPrice
from inference.pipeline import Gateway, KeepPolicy
from inference.providers.base import Provider, Transport
from inference.providers.kinds import dialects_of
from inference.providers.mock import MockTransport
from inference.providers.own_endpoint import RedirectedDialect
from inference.providers.responses_native import ResponsesDialect
from inference.providers.transport import HttpTransport
from inference.resilience.breaker import Board, BreakerPolicy
from inference.resilience.news import BoardNews
from inference.resilience.retries import RetryBudget
from inference.resilience.switchboard import DeploymentSwitchboard
from inference.routing.router import Router
from inference.sharing import Sharing
from inference.stored_responses import Shelf, StoredResponses
from inference.targets import Target
from inference.token_count import TokenCounter
from inference.unpriced import UnpricedAlerts
from inference.wire import models
from inference.wire.addresses import Proxies

_MOST_TARGETS = 10_000
_MOST_OWN_KEYS = 2_000  # opened keys of organizations that a process remembers


class Providers:
    """Finds who answers for a model, and with which key: the organization's own, else the operator's.

    The operator's keys come from the environment, by the name the catalogue gives. `guarded` carries calls to
    organizations' own endpoints, within `reach`; those that the operator lists are called as the catalogue's are.
    """

    def __init__(self, http: Transport, cipher: Cipher, *, guarded: Transport, reach: Reach) -> None:
        self._http, self._cipher = http, cipher
        self._guarded, self._reach = guarded, reach
        self._known: dict[tuple[str, str, str, str], Provider] = {}
        # a changed key has a new id, so an entry never grows stale; what opens is remembered, what does not is not
        self._own: Callable[[ProviderKey, UUID, str, str], Provider] = lru_cache(_MOST_OWN_KEYS)(self._open)
        self._targets: dict[tuple[str, bool, bool, UUID | None], tuple[Target, ...]] = {}
        self._mock = Provider("mock", dialects_of("mock", api_key="mock", name="mock"), MockTransport())

    def of(self, model: Model, principal: Principal) -> Provider:
        """Test keys and simulated models are answered by the mock provider."""
        if principal.is_test or model.answered_by == "mock":
            return self._mock
        if (own := _own_key(model, principal)) is not None:
            return self._own(own, principal.organization_id, model.answered_by, model.base_url)
        name = (model.provider, model.answered_by, model.api_key_env, model.base_url)
        provider = self._known.get(name)
        if provider is None:
            provider = self._known[name] = self._make(model)
        return provider

    def targets(self, model: Model, principal: Principal) -> Sequence[Target]:
        """Where a call to the model can go, for whom it is made."""
        own = _own_key(model, principal)
        name = (model.name, model.is_simulated, principal.is_test, own.id if own else None)
        known = self._targets.get(name)
        if known is None:
            if len(self._targets) >= _MOST_TARGETS:
                self._targets.clear()
            known = self._targets[name] = tuple(self._targets_of(model, principal, own))
        return known

    def _targets_of(self, model: Model, principal: Principal, own: ProviderKey | None) -> Iterator[Target]:
        if principal.is_test or model.answered_by == "mock":
            yield Target(f"mock {model.name}", model, self._mock)
        elif own is not None:
            # by key: what one organization's key meets is no other's business
            yield Target(_target_id(model, model.base_url, str(own.id)), model, self.of(model, principal))
        else:
            for each in model.deployments:
                place = replace(
                    model, upstream_model=each.upstream_model, base_url=each.base_url, api_key_env=each.api_key_env
                )
                target_id = _target_id(place, each.base_url, each.api_key_env)
                yield Target(target_id, place, self.of(place, principal), each.weight)

    def shelf_of(self, listed: Iterable[ProviderEntry], principal: Principal) -> Shelf | None:
        """Where OpenAI keeps responses for the organization's own key there, if it has one."""
        if principal.is_test:
            return None
        servers = {entry.name: entry.base_url for entry in listed if entry.dialect == "openai"}
        for key in principal.provider_keys:
            if key.provider in servers and not key.base_url:  # an endpoint of its own keeps what it keeps to itself
                secret = own_keys.secret_of(key, principal.organization_id, self._cipher)
                dialect = ResponsesDialect(api_key=secret, name=key.provider, is_own_key=True)
                return Shelf(dialect, servers[key.provider], self._http)
        return None

    async def close(self) -> None:
        await self._mock.transport.close()
        await self._http.close()
        await self._guarded.close()

    def _make(self, model: Model) -> Provider:
        key = settings.ENVIRON.get(model.api_key_env, "") if model.api_key_env else ""
        dialects = dialects_of(
            model.answered_by,
            api_key=key,
            name=model.provider,
            key_name=model.api_key_env,
            geography=usage.geography_of(model.base_url),
        )
        return Provider(model.provider, dialects, self._http)

    def _open(self, key: ProviderKey, organization_id: UUID, kind: str, base_url: str) -> Provider:
        """Raises UnreadableProviderKeyError: an organization that brings a key is never served by the operator's."""
        secret = own_keys.secret_of(key, organization_id, self._cipher)
        geography = usage.geography_of(key.base_url or base_url)
        dialects = dialects_of(kind, api_key=secret, name=key.provider, geography=geography, is_own_key=True)
        provider = Provider(key.provider, dialects, self._http)
        return self._at_own_endpoint(provider, key.base_url) if key.base_url else provider

    def _at_own_endpoint(self, provider: Provider, base_url: str) -> Provider:
        """Raises UpstreamUnreachableError when the operator has since taken the host from the list."""
        try:
            endpoint = outbound.check_url(base_url, reach=self._reach)
        except InvalidRequestError as error:
            raise UpstreamUnreachableError(
                f"your organization's own endpoint for {provider.name} is not called any more ({error.message}); "
                "enter another one under /settings/providers"
            ) from None
        return replace(
            provider,
            dialects={
                wanted: RedirectedDialect(dialect, endpoint.url) for wanted, dialect in provider.dialects.items()
            },
            transport=self._http if endpoint.is_listed else self._guarded,
            own_endpoint=endpoint.url,
        )


def _own_key(model: Model, principal: Principal) -> ProviderKey | None:
    """The organization's own key for the model's provider."""
    if not principal.provider_keys or not model.takes_own_key:
        return None
    return next((key for key in principal.provider_keys if key.provider == model.provider), None)


def _target_id(model: Model, base_url: str, key_name: str) -> str:
    shape = f"{model.provider}\n{model.upstream_model}\n{base_url}\n{key_name}"
    return hashlib.blake2b(shape.encode(), digest_size=12).hexdigest()


@dataclass
class Parts:
    """Everything one process needs to answer. Built on first use, started and stopped with the process."""

    config: Config
    is_running: bool = field(default=False, init=False)

    @cached_property
    def catalog(self) -> Catalog:
        return load_catalog(self.config)

    @cached_property
    def keys(self) -> KeyDirectory:
        return key_directory()

    @cached_property
    def ledger(self) -> JournalLedger:
        return open_ledger()

    @cached_property
    def links(self) -> Links | None:
        """The one connection to Redis that look-ups and limits share."""
        return redis_links(self.config.cache, settings.REDIS_URL) if settings.REDIS_URL else None

    @cached_property
    def fallback_price(self) -> FallbackPrice:
        governance = self.config.governance
        return fallback_price.per_million(
            governance.unpriced_input_usd_per_million, governance.unpriced_output_usd_per_million
        )

    @cached_property
    def limiter(self) -> Limiter:
        shared = RedisCounters(self.links) if self.links is not None else None
        spent = partial(budgets.spent, fallback=self.fallback_price)
        return Limiter(shared, spent=spent, processes=self.config.api.workers)

    @cached_property
    def content(self) -> ContentWriter:
        return ContentWriter(content_store.write_and_rest)

    @cached_property
    def cache(self) -> ExactCache:
        store = exact_store(self.config.cache, redis_url=settings.REDIS_URL, links=self.links)
        return exact_cache(self.config.cache, store, cipher=cipher())

    @cached_property
    def providers(self) -> Providers:
        reach = reach_of(self.config)
        return Providers(self._transport(), cipher(), guarded=self._transport(reach), reach=reach)

    def _transport(self, reach: Reach | None = None) -> HttpTransport:
        limits = self.config.providers
        return HttpTransport(
            connect_timeout_seconds=limits.connect_timeout_seconds,
            first_byte_timeout_seconds=limits.first_byte_timeout_seconds,
            idle_timeout_seconds=limits.idle_timeout_seconds,
            total_timeout_seconds=limits.total_timeout_seconds,
            max_connections_per_host=limits.max_connections_per_host,
            reach=reach,
        )

    @cached_property
    def router(self) -> Router:
        return Router(self.catalog, default_quality_threshold=self.config.routing.default_quality_threshold)

    @cached_property
    def gateway(self) -> Gateway:
        cache, routing = self.config.cache, self.config.routing
        return Gateway(
            catalog=self.catalog,
            router=self.router,
            cache=self.cache,
            ledger=self.ledger,
            accountant=Accountant(
                self.catalog,
                baseline_model=routing.baseline_model,
                fallback=self.fallback_price,
                alert=UnpricedAlerts(),
            ),
            allowances=Allowances(self.limiter, self.fallback_price),
            policy=KeepPolicy(cache.enabled, cache.ttl_seconds, cache.keep_sampled, self.config.api.keep_alive_seconds),
            secret=self._secret,
            calls=self._calls,
            sharing=self.sharing,
            idempotency=idempotency(
                cache,
                self.cache,
                self.leases,
                cipher=cipher(),
                secret=self._secret,
                patience_seconds=self.config.providers.total_timeout_seconds,
            ),
            content=self.content,
        )

    @cached_property
    def board(self) -> Board:
        limits = self.config.providers
        policy = BreakerPolicy(failures=limits.breaker_failures, open_seconds=limits.breaker_open_seconds)
        return Board(policy, time.monotonic)

    @cached_property
    def news(self) -> BoardNews:
        return BoardNews(self.board, self.links, open_seconds=self.config.providers.breaker_open_seconds)

    @cached_property
    def leases(self) -> Leases:
        return leases(self.config.cache, self.links)

    @cached_property
    def sharing(self) -> Sharing:
        return Sharing(self.leases, drains=self.config.providers.on_client_gone == "drain")

    @cached_property
    def _calls(self) -> CallParts:
        limits = self.config.providers
        return CallParts(
            targets=self.providers.targets,
            switchboard=DeploymentSwitchboard(self.board),
            retries=RetryBudget(limits.retry_budget_percent),
            policy=CallPolicy(limits.max_attempts, limits.longest_wait_seconds, limits.total_timeout_seconds),
        )

    @cached_property
    def _secret(self) -> bytes:
        return hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"fingerprint").digest()

    @cached_property
    def door(self) -> Door:
        return Door(
            gateway=self.gateway,
            keys=self.keys,
            models=self._models_for,
            counter=TokenCounter(
                router=self.router, provider_for=self.providers.of, allowances=self.gateway.allowances
            ),
            stored=StoredResponses(partial(self.providers.shelf_of, self.catalog.providers)),
            proxies=Proxies(settings.ENVIRON.get("FORWARDED_ALLOW_IPS", "127.0.0.1")),
            default_mode=RoutingMode(self.config.routing.default_mode),
            max_body_bytes=self.config.api.max_body_bytes,
            max_in_flight=self.config.api.max_in_flight,
            max_in_flight_bytes=self.config.api.max_in_flight_bytes,
            keep_alive_seconds=self.config.api.keep_alive_seconds,
        )

    async def start(self) -> None:
        self.ledger.start()
        await self.keys.start()
        self.news.start()
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False
        await self.keys.stop()
        await self.sharing.close()
        await self.news.stop()
        await self.providers.close()
        await self.limiter.close()
        await self.cache.store.close()
        if self.links is not None:
            await self.links.close()
        await asyncio.to_thread(self.content.stop)
        await asyncio.to_thread(self.ledger.stop)  # carries in what it can, which takes a while

    @cached_property
    def _listing(self) -> Callable[[frozenset[str], frozenset[str]], bytes]:
        return lru_cache(256)(
            lambda own_providers, allowed: models.listing(self.catalog.with_own_keys(own_providers), allowed)
        )

    def _models_for(self, principal: Principal) -> bytes:
        allowed = frozenset[str]() if principal.rules is None else principal.rules.models
        return self._listing(principal.own_providers, allowed)


@cache
def parts() -> Parts:
    """Those of this process. They run in web workers only."""
    return Parts(settings.ACRON)


@lru_cache(maxsize=4)
def load_catalog(config: Config) -> Catalog:
    """The catalogue of these settings, read once per process."""
    path = Path(settings.BASE_DIR) / config.providers.models_file
    return catalogs.load(path, settings.ENVIRON, mock=config.providers.mock, today=datetime.now(UTC).date())
