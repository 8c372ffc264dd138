"""Puts the gateway together from the settings: one set of parts per process."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
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
from acron_site.lib.config import Config
from acron_site.lib.redis_links import Links
from analytics import content_store
from analytics.content import ContentWriter
from analytics.ledger import JournalLedger
from analytics.wiring import open_ledger
from caching.exact import ExactCache
from caching.wiring import exact_cache, exact_store, redis_links
from inference import budgets, fallback_price, usage
from inference import catalog as catalogs
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.catalog import Catalog, Model
from inference.domain import Format, RoutingMode
from inference.door import Door
from inference.fallback_price import FallbackPrice
from inference.pipeline import Gateway, KeepPolicy
from inference.providers.anthropic import AnthropicDialect
from inference.providers.base import Dialect, Provider
from inference.providers.mock import MockTransport
from inference.providers.openai import OpenAIDialect
from inference.providers.transport import HttpTransport
from inference.routing.router import Router
from inference.unpriced import UnpricedAlerts
from inference.wire import models
from inference.wire.addresses import Proxies

_MOST_OWN_KEYS = 2_000  # opened keys of organizations that a process remembers


class Providers:
    """Finds who answers for a model, and with which key: the organization's own, else the operator's.

    The operator's keys come from the environment, by the name the catalogue gives.
    """

    def __init__(self, http: HttpTransport, cipher: Cipher) -> None:
        self._http, self._cipher = http, cipher
        self._known: dict[tuple[str, str, str, str], Provider] = {}
        # a changed key has a new id, so an entry never grows stale; what opens is remembered, what does not is not
        self._own: Callable[[ProviderKey, UUID, str, str], Provider] = lru_cache(_MOST_OWN_KEYS)(self._open)
        self._mock = Provider("mock", {Format.CHAT: OpenAIDialect(api_key="mock")}, MockTransport())

    def of(self, model: Model, principal: Principal) -> Provider:
        """Test keys and simulated models are answered by the mock provider."""
        if principal.is_test or model.answered_by == "mock":
            return self._mock
        if principal.provider_keys and model.takes_own_key:
            for key in principal.provider_keys:
                if key.provider == model.provider:
                    return self._own(key, principal.organization_id, model.answered_by, model.base_url)
        name = (model.provider, model.answered_by, model.api_key_env, model.base_url)
        provider = self._known.get(name)
        if provider is None:
            provider = self._known[name] = self._make(model)
        return provider

    async def close(self) -> None:
        await self._mock.transport.close()
        await self._http.close()

    def _make(self, model: Model) -> Provider:
        key = settings.ENVIRON.get(model.api_key_env, "") if model.api_key_env else ""
        name, key_name = model.provider, model.api_key_env
        dialect: Dialect = AnthropicDialect(api_key=key, name=name, key_name=key_name)
        if model.answered_by != "anthropic":
            geography = usage.geography_of(model.base_url)
            dialect = OpenAIDialect(api_key=key, name=name, key_name=key_name, geography=geography)
        return Provider(model.provider, {Format.CHAT: dialect}, self._http)

    def _open(self, key: ProviderKey, organization_id: UUID, kind: str, base_url: str) -> Provider:
        """Raises UnreadableProviderKeyError: an organization that brings a key is never served by the operator's."""
        secret = own_keys.secret_of(key, organization_id, self._cipher)
        dialect: Dialect = AnthropicDialect(api_key=secret, name=key.provider, is_own_key=True)
        if kind != "anthropic":
            geography = usage.geography_of(base_url)
            dialect = OpenAIDialect(api_key=secret, name=key.provider, geography=geography, is_own_key=True)
        return Provider(key.provider, {Format.CHAT: dialect}, self._http)


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
        limits = self.config.providers
        return Providers(
            HttpTransport(
                connect_timeout_seconds=limits.connect_timeout_seconds,
                first_byte_timeout_seconds=limits.first_byte_timeout_seconds,
                idle_timeout_seconds=limits.idle_timeout_seconds,
                total_timeout_seconds=limits.total_timeout_seconds,
            ),
            cipher(),
        )

    @cached_property
    def gateway(self) -> Gateway:
        cache, routing = self.config.cache, self.config.routing
        return Gateway(
            catalog=self.catalog,
            router=Router(self.catalog, default_quality_threshold=routing.default_quality_threshold),
            cache=self.cache,
            provider_for=self.providers.of,
            ledger=self.ledger,
            accountant=Accountant(
                self.catalog,
                baseline_model=routing.baseline_model,
                fallback=self.fallback_price,
                alert=UnpricedAlerts(),
            ),
            allowances=Allowances(self.limiter, self.fallback_price),
            policy=KeepPolicy(cache.enabled, cache.ttl_seconds, cache.keep_sampled),
            secret=hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"fingerprint").digest(),
            content=self.content,
        )

    @cached_property
    def door(self) -> Door:
        return Door(
            gateway=self.gateway,
            keys=self.keys,
            models=self._models_for,
            proxies=Proxies(settings.ENVIRON.get("FORWARDED_ALLOW_IPS", "127.0.0.1")),
            default_mode=RoutingMode(self.config.routing.default_mode),
            max_body_bytes=self.config.api.max_body_bytes,
            max_in_flight=self.config.api.max_in_flight,
        )

    async def start(self) -> None:
        self.ledger.start()
        await self.keys.start()
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False
        await self.keys.stop()
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
