"""Puts the gateway together from the settings: one set of parts per process."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path

from django.conf import settings

from accounts.directory import KeyDirectory
from accounts.principal import Principal
from accounts.wiring import cipher, key_directory
from acron_site.lib.config import Config
from analytics.ledger import JournalLedger
from analytics.wiring import open_ledger
from caching.exact import ExactCache
from caching.wiring import exact_cache, exact_store
from inference import catalog as catalogs
from inference import usage
from inference.accounting import Accountant
from inference.catalog import Catalog, Model
from inference.domain import RoutingMode
from inference.door import Door
from inference.pipeline import Gateway, KeepPolicy
from inference.providers.anthropic import AnthropicDialect
from inference.providers.base import Dialect, Provider
from inference.providers.mock import MockTransport
from inference.providers.openai import OpenAIDialect
from inference.providers.transport import HttpTransport
from inference.routing.router import Router
from inference.wire import models


class Providers:
    """Finds who answers for a model. Provider keys come from the environment, by the name the catalogue gives."""

    def __init__(self, http: HttpTransport) -> None:
        self._http = http
        self._known: dict[tuple[str, str, str, str], Provider] = {}
        self._mock = Provider("mock", OpenAIDialect(api_key="mock"), MockTransport())

    def of(self, model: Model, principal: Principal) -> Provider:
        """Test keys and simulated models are answered by the mock provider."""
        if principal.is_test or model.answered_by == "mock":
            return self._mock
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
        return Provider(model.provider, dialect, self._http)


@dataclass
class Parts:
    """Everything one process needs to answer. Built on first use, started and stopped with the process."""

    config: Config

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
    def cache(self) -> ExactCache:
        store = exact_store(self.config.cache, redis_url=settings.REDIS_URL)
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
            )
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
            accountant=Accountant(self.catalog, baseline_model=routing.baseline_model),
            policy=KeepPolicy(cache.enabled, cache.ttl_seconds, cache.keep_sampled),
            secret=hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"fingerprint").digest(),
        )

    @cached_property
    def door(self) -> Door:
        return Door(
            gateway=self.gateway,
            keys=self.keys,
            models=models.listing(self.catalog),
            default_mode=RoutingMode(self.config.routing.default_mode),
            max_body_bytes=self.config.api.max_body_bytes,
            max_in_flight=self.config.api.max_in_flight,
        )

    async def start(self) -> None:
        self.ledger.start()
        await self.keys.start()

    async def stop(self) -> None:
        await self.keys.stop()
        await self.providers.close()
        await self.cache.store.close()
        await asyncio.to_thread(self.ledger.stop)  # carries in what it can, which takes a while


@lru_cache(maxsize=4)
def load_catalog(config: Config) -> Catalog:
    """The catalogue of these settings, read once per process."""
    path = Path(settings.BASE_DIR) / config.providers.models_file
    return catalogs.load(path, settings.ENVIRON, mock=config.providers.mock, today=datetime.now(UTC).date())
