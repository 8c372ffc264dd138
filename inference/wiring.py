"""Puts the gateway together from the settings: one set of parts per process."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path

from django.conf import settings

from accounts.directory import KeyDirectory
from accounts.limits.limiter import Limiter
from accounts.limits.redis import RedisCounters
from accounts.policy_book import PolicyBook as RoutingBook
from accounts.principal import Principal
from accounts.wiring import cipher, key_directory
from acron_site.lib.config import Config, reach_of
from acron_site.lib.outbound import Reach
from acron_site.lib.redis_links import Links
from analytics import content_store
from analytics.content import ContentWriter
from analytics.ledger import JournalLedger
from analytics.wiring import open_ledger
from caching.backends.redis_leases import RedisLeases
from caching.exact import ExactCache
from caching.idempotency import Idempotency
from caching.leases import Leases
from caching.policies import Semantic
from caching.policy_book import PolicyBook
from caching.semantic_parts import SemanticParts
from caching.wiring import (
    acts_of_others,
    exact_cache,
    exact_store,
    generations,
    idempotency,
    leases,
    policy_book,
    redis_links,
    step_cache,
    step_secret,
)
from inference import budgets, fallback_price, routing_records, task_records
from inference import catalog as catalogs
from inference.accounting import Accountant
from inference.allowances import Allowances
from inference.calling import CallParts, CallPolicy
from inference.catalog import Catalog
from inference.domain import RoutingMode
from inference.door import Door
from inference.embedding_costs import EmbeddingCosts
from inference.fallback_price import FallbackPrice
from inference.keeper import Keeper
from inference.pipeline import Gateway
from inference.prompt_caching import PromptCaching
from inference.proof_book import ProofBook
from inference.provider_directory import Providers
from inference.providers.base import Transport
from inference.providers.mock import MockTransport
from inference.providers.transport import HttpTransport
from inference.resilience.board import Board
from inference.resilience.breaker import Rules
from inference.resilience.choice import Load
from inference.resilience.retries import RetryBudget
from inference.resilience.sharing import BoardSharing
from inference.routing.policies import Policy as RoutingPolicy
from inference.routing.router import Router
from inference.sharing import Sharing
from inference.similar import NothingSimilar, Similar, SimilarAnswers
from inference.steering import Steering
from inference.stored_responses import StoredResponses
from inference.switchboard import Switchboard
from inference.task_book import TaskBook
from inference.token_count import TokenCounter
from inference.trials import TrialParts
from inference.unpriced import UnpricedAlerts
from inference.visits import Visits
from inference.wire import models
from inference.wire.addresses import Proxies
from inference.workflows.conductor import Conductor
from inference.workflows.executor import Executor
from inference.workflows.kept import KeptSteps

_SPARE_RETRIES, _SAVED_RETRIES = 3, 20


@dataclass
class Parts:
    """Everything one process needs to answer. Built on first use, started and stopped with the process."""

    config: Config
    is_running: bool = field(default=False, init=False)
    _following: "asyncio.Task[None] | None" = field(default=None, init=False)

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
    def policies(self) -> PolicyBook:
        book = policy_book(self.config.cache)
        self.keys.share_news(book)
        return book

    @cached_property
    def routing_policies(self) -> RoutingBook[RoutingPolicy]:
        book = routing_records.policy_book(self.config.routing)
        self.keys.share_news(book)
        return book

    @cached_property
    def proofs(self) -> ProofBook:
        return routing_records.proof_book(self.config.routing)

    @cached_property
    def steering(self) -> Steering:
        baseline = self.accountant.baseline
        return Steering(
            self.routing_policies,
            self.proofs.known,
            baseline="" if baseline is None else baseline.name,
            secret=self._secret,
        )

    @cached_property
    def trials(self) -> TrialParts:
        is_embedding = self.config.cache.enabled and self.config.cache.semantic != Semantic.OFF
        embedder = self.semantic.embedders.background if is_embedding else None
        return TrialParts(self.proofs, random.random, embedder)

    @cached_property
    def providers(self) -> Providers:
        reach = reach_of(self.config)
        caching = PromptCaching(time.monotonic) if self.config.providers.mark_prompts else None
        return Providers(
            self._transport(),
            cipher(),
            guarded=self._transport(reach),
            reach=reach,
            caching=caching,
            mock=self.mock_transport,
        )

    @cached_property
    def mock_transport(self) -> Transport:
        return MockTransport()

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
        routing = self.config.routing
        return Router(
            self.catalog,
            default_quality_threshold=routing.default_quality_threshold,
            prior_margin=routing.prior_margin,
        )

    @cached_property
    def board(self) -> Board:
        limits = self.config.providers
        return Board(Rules(limits.breaker_failures, limits.breaker_open_seconds), random=random.random)

    @cached_property
    def board_sharing(self) -> BoardSharing:
        return BoardSharing(self.board, self.links)

    @cached_property
    def retry_budget(self) -> RetryBudget:
        ratio, workers = self.config.providers.retry_budget_percent / 100, self.config.api.workers
        # what all workers together may do beyond the share of their requests
        return RetryBudget(ratio, _SPARE_RETRIES / workers, most=_SAVED_RETRIES / workers)

    @cached_property
    def gateway(self) -> Gateway:
        return Gateway(
            catalog=self.catalog,
            router=self.router,
            cache=self.cache,
            ledger=self.ledger,
            accountant=self.accountant,
            allowances=Allowances(self.limiter, self.fallback_price),
            visits=self._visits,
            trials=self.trials,
            keeper=Keeper(self.cache, self.similar, self.content),
            similar=self.similar,
            calls=self._calls,
            sharing=self.sharing,
            idempotency=self._idempotency,
            keep_alive_seconds=self.config.api.keep_alive_seconds,
        )

    @cached_property
    def task_book(self) -> TaskBook:
        return TaskBook(task_records.read)

    @cached_property
    def conductor(self) -> Conductor:
        steps = step_cache(self.config.cache, self.cache.store, generations(self.links), cipher=cipher())
        kept = KeptSteps(steps, secret=step_secret())
        return Conductor(Executor(self.gateway, self._visits, kept), self._idempotency, self.gateway.allowances)

    @cached_property
    def _visits(self) -> Visits:
        return Visits(
            self.router, self.policies, secret=self._secret, corrections=self.task_book, steering=self.steering
        )

    @cached_property
    def _idempotency(self) -> Idempotency:
        return idempotency(
            self.config.cache,
            self.cache,
            self.leases,
            cipher=cipher(),
            secret=self._secret,
            patience_seconds=self.config.providers.total_timeout_seconds,
        )

    @cached_property
    def accountant(self) -> Accountant:
        return Accountant(
            self.catalog,
            baseline_model=self.config.routing.baseline_model,
            fallback=self.fallback_price,
            alert=UnpricedAlerts(),
        )

    @cached_property
    def similar(self) -> Similar:
        """Tier 2; nothing of it is built where the operator has it off."""
        if not self.config.cache.enabled or self.config.cache.semantic == Semantic.OFF:
            return NothingSimilar()
        return SimilarAnswers(
            self.semantic.cache,
            self.semantic.learner,
            secret=self._secret,
            check_share=self.config.cache.semantic_check_percent / 100,
        )

    @cached_property
    def semantic(self) -> SemanticParts:
        costs = EmbeddingCosts(self.catalog, self.accountant, self.ledger)
        return SemanticParts(self.config, settings.ENVIRON, cipher=cipher(), on_usage=costs.book)

    @cached_property
    def leases(self) -> Leases:
        return leases(self.config.cache, self.links)

    @cached_property
    def sharing(self) -> Sharing:
        return Sharing(
            self.leases,
            drains=self.config.providers.on_client_gone == "drain",
            claims=self.leases if isinstance(self.leases, RedisLeases) else None,
            cache=self.cache,
        )

    @cached_property
    def _calls(self) -> CallParts:
        limits = self.config.providers
        return CallParts(
            targets=self.providers.targets,
            switchboard=Switchboard(self.board, self.board_sharing, Load(), time.monotonic),
            retries=self.retry_budget,
            policy=CallPolicy(limits.max_attempts, limits.longest_wait_seconds, limits.total_timeout_seconds),
        )

    @cached_property
    def _secret(self) -> bytes:
        return hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"fingerprint").digest()

    @cached_property
    def door(self) -> Door:
        return Door(
            gateway=self.gateway,
            conductor=self.conductor,
            keys=self.keys,
            models=self._models_for,
            counter=TokenCounter(
                router=self.router, targets=self.providers.targets, allowances=self.gateway.allowances
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
        await self.board_sharing.start()
        following = acts_of_others(self.config.cache, settings.REDIS_URL)
        self._following = None if following is None else asyncio.create_task(following)
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False
        if self._following is not None:
            self._following.cancel()
        await self.keys.stop()
        await self.sharing.close()
        await self.close_semantic()
        await self.board_sharing.stop()
        await self.providers.close()
        await self.limiter.close()
        await self.cache.store.close()
        await self.close_books()
        if self.links is not None:
            await self.links.close()
        await asyncio.to_thread(self.content.stop)
        await asyncio.to_thread(self.ledger.stop)  # carries in what it can, which takes a while

    async def close_books(self) -> None:
        """What is known of organizations from the database, and what has been learnt of them."""
        for book in (self.policies, self.task_book, self.routing_policies):
            book.stop()
        await asyncio.to_thread(self.proofs.stop)

    async def close_semantic(self) -> None:
        """Ends what is under way in the background, as far as it has begun."""
        if "gateway" in self.__dict__:
            await self.gateway.checks.close()
            await self.gateway.refreshing.close()
        if "semantic" in self.__dict__:
            await self.semantic.close()

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
